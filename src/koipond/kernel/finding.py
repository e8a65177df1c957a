"""A finding (检查结果): one thing that is wrong with a definition or a file, and how to mend it."""

from dataclasses import dataclass
from typing import Literal

from koipond.kernel.message import Message

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
        return str(self.sentence)

    @property
    def sentence(self) -> Message:
        """The finding as one line."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        told = {"place": place, "code": self.code, "message": self.message, "fix": self.fix}
        if self.severity == "error":
            return Message("{place}: error [{code}] {message}. {fix}", **told)
        return Message("{place}: warning [{code}] {message}. {fix}", **told)

    def to_dict(self) -> dict[str, object]:
        """Return the finding as plain values."""
        return {
            "file": self.file,
            "line": self.line,
            "code": self.code,
            "message": str(self.message),
            "fix": str(self.fix),
            "severity": self.severity,
        }
