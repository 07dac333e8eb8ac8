"""The command line, ``oneiric-core``: one verb a file in ``verbs``, and one file that prints."""
