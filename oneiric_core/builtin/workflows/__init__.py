"""Workflows we ship."""
