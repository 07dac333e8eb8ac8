"""Tasks we ship."""
