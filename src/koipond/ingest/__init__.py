"""Ingest (采集): fact contracts, normalising, quarantine and data quality. Pure; ports in `ports`."""

from typing import TYPE_CHECKING, Any

from koipond.ingest.model import KINDS, ROW_RULES, ImportRequest, ImportResult, Kind, Progress, Sample

if TYPE_CHECKING:
    from koipond.ingest.importing import import_file

__all__ = [
    "KINDS",
    "ROW_RULES",
    "ImportRequest",
    "ImportResult",
    "Kind",
    "Progress",
    "Sample",
    "import_file",
]


def __getattr__(name: str) -> Any:
    """Load what needs Ibis (0.7 s) only when it is asked for."""
    if name == "import_file":
        from koipond.ingest.importing import import_file

        return import_file
    raise AttributeError(f"module 'koipond.ingest' has no attribute '{name}'")
