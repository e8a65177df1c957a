"""Why touches did not go out, as `send` and `plans` say it."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from koipond.cli.reply import marked, word, worded
from koipond.kernel import heard, phrase

if TYPE_CHECKING:
    from koipond.store.outbox import StoredOutbox

STATES = dict(
    zip(
        ("queued", "failed", "unknown", "expired"),
        marked("will be tried again", "failed", "may have gone out", "expired"),
        strict=True,
    )
)


def ended_unsent(box: "StoredOutbox", plan: str) -> list[dict[str, Any]]:
    """Return how touches of ``plan`` ended that did not go out, why, and how many."""
    found = [one for one in box.problems(plan) if one[0] != "queued"]
    return [{"state": state, "detail": detail, "touches": count} for state, detail, count in found]


def unsent_lines(problems: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a line for each kind of touches that did not go out."""
    return [
        phrase(
            "  {count:,} {state}: {detail}",
            count=one["touches"],
            state=word(STATES[one["state"]]),
            detail=_why(one["detail"]),
        )
        for one in problems
    ]


def _why(detail: str) -> str:
    """Return why touches did not go out: in our words, else as the channel said it."""
    from koipond.outreach.words import unsent_words

    known = unsent_words(detail)
    return worded(detail) if known is None else heard(known)
