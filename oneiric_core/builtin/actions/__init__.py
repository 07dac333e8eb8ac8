"""Actions we ship."""
