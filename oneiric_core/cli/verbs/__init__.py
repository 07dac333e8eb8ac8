"""One file a verb: its name is the file's, and what it does is the function ``verb`` in it (or a ``typer.Typer``).

A verb returns its exit code; None is 0.
"""
