"""Looking with our own eyes: audit hook, disk, tasks, threads, descriptors."""
