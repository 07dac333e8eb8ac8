"""The kit's verbs of ``oneiric-core``; announced as entry points, so that the core need not know of them."""
