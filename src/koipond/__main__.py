"""`python -m koipond`."""

from koipond.cli.app import entry

entry()
