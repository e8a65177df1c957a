"""Command line: one thin command a file. Commands, exit codes and JSON: docs/reference/cli.md."""
