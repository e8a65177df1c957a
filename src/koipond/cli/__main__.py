"""`python -m koipond.cli`."""

from koipond.cli.app import entry

entry()
