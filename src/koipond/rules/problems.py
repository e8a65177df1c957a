"""What is wrong with a rule, all of it at once, each with its place and a mend."""

from collections.abc import Sequence
from dataclasses import dataclass

from koipond.kernel import Finding, InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake: at character ``at`` (0-based) of the text, or at node ``path`` of the JSON form."""

    message: str
    fix: str
    at: int | None = None
    path: str = ""

    def __str__(self) -> str:
        place = f"column {self.at + 1}" if self.at is not None else f"node {self.path or 'root'}"
        return f"{place}: {self.message}; {self.fix}"

    def finding(self, file: str, line: int = 0) -> Finding:
        """Return this problem as a finding of ``file``."""
        place = f" (column {self.at + 1} of the rule)" if self.at is not None else ""
        return Finding(file=file, line=line, code="bad_rule", message=self.message + place, fix=self.fix)


class RuleError(InputError):
    """A rule that cannot be read; ``problems`` holds every mistake found."""

    code = "bad_rule"

    def __init__(self, problems: Sequence[Problem], text: str = "") -> None:
        lines = [str(problem) for problem in problems]
        super().__init__(
            "the rule cannot be read: " + "; ".join(lines) if len(lines) == 1 else _listed(lines)
        )
        self.problems = tuple(problems)
        self.text = text


def _listed(lines: Sequence[str]) -> str:
    return f"the rule has {len(lines)} problems:\n" + "\n".join(f"  {line}" for line in lines)
