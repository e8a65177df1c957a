"""What is wrong with a rule, all of it at once, each with its place and a mend."""

from collections.abc import Sequence
from dataclasses import dataclass

from koipond.kernel import Finding, InputError, Message, joined, shortened

SHOWN_MAX = 20
"""How many problems of one rule are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake: at character ``at`` (0-based) of the text, or at node ``path`` of the JSON form."""

    message: str
    fix: str
    at: int | None = None
    path: str = ""

    def __str__(self) -> str:
        return str(self.sentence)

    @property
    def sentence(self) -> Message:
        """The mistake as one line."""
        if self.at is None:
            return Message(
                "node {path}: {message}; {fix}", path=self.path or "root", message=self.message, fix=self.fix
            )
        return Message(
            "column {column}: {message}; {fix}", column=self.at + 1, message=self.message, fix=self.fix
        )

    def finding(self, file: str, line: int = 0) -> Finding:
        """Return this problem as a finding of ``file``."""
        place = Message(" (column {column} of the rule)", column=self.at + 1) if self.at is not None else ""
        return Finding(file=file, line=line, code="bad_rule", message=self.message + place, fix=self.fix)


class RuleError(InputError):
    """A rule that cannot be read; ``problems`` holds every mistake found."""

    code = "bad_rule"

    def __init__(self, problems: Sequence[Problem], text: str = "") -> None:
        lines = [problem.sentence for problem in problems]
        super().__init__(
            Message("the rule cannot be read: {problem}", problem=lines[0])
            if len(lines) == 1
            else _listed(lines)
        )
        self.problems = tuple(problems)
        self.text = text


def _listed(lines: Sequence[Message]) -> Message:
    head = Message("the rule has {count} problems:", count=len(lines))
    return joined("\n  ", [head, shortened("\n  ", lines, SHOWN_MAX)])
