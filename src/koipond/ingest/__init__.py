"""Ingest (采集): fact contracts, normalising, quarantine and data quality. Pure; ports in `ports`."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from koipond.ingest.model import KINDS, ROW_RULES, ImportRequest, ImportResult, Kind, Progress, Sample

if TYPE_CHECKING:
    from koipond.ingest.importing import import_file, undo_import
    from koipond.ingest.quality import (
        PEOPLE_RULES,
        QualityReport,
        QualityRules,
        decide_people,
        flagged_people,
        read_quality,
    )

__all__ = [
    "KINDS",
    "PEOPLE_RULES",
    "ROW_RULES",
    "ImportRequest",
    "ImportResult",
    "Kind",
    "Progress",
    "QualityReport",
    "QualityRules",
    "Sample",
    "decide_people",
    "flagged_people",
    "import_file",
    "read_quality",
    "undo_import",
]

_LATE = dict.fromkeys(("import_file", "undo_import"), "koipond.ingest.importing") | dict.fromkeys(
    ("PEOPLE_RULES", "QualityReport", "QualityRules", "decide_people", "flagged_people", "read_quality"),
    "koipond.ingest.quality",
)


def __getattr__(name: str) -> Any:
    """Load what needs Ibis (0.7 s) only when it is asked for."""
    if name in _LATE:
        return getattr(import_module(_LATE[name]), name)
    raise AttributeError(f"module 'koipond.ingest' has no attribute '{name}'")
