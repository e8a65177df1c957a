"""Workspace (工作区): definitions as files: load, resolve, lint, fingerprint, diff, apply, export."""

from koipond.workspace.load import check, errors, load_folder
from koipond.workspace.model import Definition, Folder, Reference
from koipond.workspace.settings import WorkspaceSettings

__all__ = ["Definition", "Folder", "Reference", "WorkspaceSettings", "check", "errors", "load_folder"]
