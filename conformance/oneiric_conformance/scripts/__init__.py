"""A failure as a program of its own: it makes the calls of the smallest example, and says what it saw."""
