"""Processes of their own for code that is not trusted yet."""
