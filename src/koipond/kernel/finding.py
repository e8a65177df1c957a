"""A finding (检查结果): one thing that is wrong with a definition or a file, and how to mend it."""

from dataclasses import asdict, dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One mistake. ``line`` is 1-based, 0 when the whole file is meant."""

    file: str
    line: int
    code: str
    message: str
    fix: str
    severity: Severity = "error"

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.severity} [{self.code}] {self.message}. {self.fix}"

    def to_dict(self) -> dict[str, object]:
        """Return the finding as plain values."""
        return asdict(self)
