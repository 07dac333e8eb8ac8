"""Acme's components for Oneiric.

Each one has a file to itself, with its settings and its declaration, and shares nothing with the others but its shape:
made by a factory that does no work, ``init`` before use, ``health`` that is ``True`` in between, ``cleanup`` after.
"""
