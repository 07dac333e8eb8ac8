"""A real server on the loopback interface that answers as it is told to, byte by byte."""
