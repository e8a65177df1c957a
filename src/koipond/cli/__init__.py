"""Command line: one thin command a file."""
