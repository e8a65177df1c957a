"""Worker: bounded loops that claim due work."""
