"""Adapters we ship."""
