"""Workspace (工作区): definitions as files: load, check, diff, apply."""
