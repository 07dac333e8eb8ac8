"""Services we ship."""
