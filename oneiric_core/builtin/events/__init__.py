"""Event handlers we ship."""
