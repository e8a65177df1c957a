"""Errors. One base class; each family says with which code a command ends (command contract).

An operation that fails raises; a definition that is wrong yields a `Finding`.
"""

from collections.abc import Sequence
from typing import Any

from koipond.kernel.finding import Finding
from koipond.kernel.message import Message, joined


class KoipondError(Exception):
    """Base of every error Koipond raises on purpose; ``code`` is stable.

    ``message``: a template and, by name, what stands in it (`Message`), or a whole message. As text the error
    is English.
    """

    exit_code = 1
    code = "error"

    def __init__(self, message: str, *, code: str | None = None, **values: Any) -> None:
        self.message = message if isinstance(message, Message) else Message(message, **values)
        super().__init__(str(self.message))
        self.code = code or type(self).code
        self.values = values


class FindingsError(KoipondError):
    """One or more findings or broken invariants (exit 1)."""

    exit_code = 1
    code = "findings"

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(joined("\n", (finding.sentence for finding in findings)))
        self.findings = tuple(findings)


class InputError(KoipondError):
    """Bad input: names the file, line or field and the fix (exit 2)."""

    exit_code = 2
    code = "bad_input"


class RefusedError(KoipondError):
    """The request is understood but not allowed now: approval, stale segment, consent (exit 3)."""

    exit_code = 3
    code = "refused"


class BusyError(KoipondError):
    """Another writer holds the lease; says who, since when (exit 4)."""

    exit_code = 4
    code = "busy"


class CancelledError(KoipondError):
    """The operator stopped the work; nothing is half-written (exit 130)."""

    exit_code = 130
    code = "cancelled"
