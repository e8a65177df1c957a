"""The value grade a customer is treated by, and what lifts them one grade, in zh, en and id. Pure."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Protocol

from koipond.kernel import Amount
from koipond.rules.labels import CHOICES, LANGS
from koipond.segments.layers.grade import GRADES, gap_to_next_fen
from koipond.strategy.why.words import said

_HELD = ("当前等级（保级）：{grade}", "holds the grade {grade}", "memegang kelas nilai {grade}")
_SINCE = (
    "当前等级（保级）：{grade}，自 {since} 起",
    "holds the grade {grade} since {since}",
    "memegang kelas nilai {grade} sejak {since}",
)
_BELOW = (
    "{held}；快照分级已连续 {runs} 次月度评定低于它",
    "{held}; the snapshot lay below it at the last {runs} monthly run(s)",
    "{held}; kelas saat ini di bawahnya pada {runs} evaluasi bulanan terakhir",
)
_GAP = (
    "{window}净价值为 {value}，再增加 {gap} 即可升至{grade}",
    "the value of {window} is {value}; {gap} more lifts the grade to {grade}",
    "nilai bersih {window} adalah {value}; tambahan {gap} menaikkan kelas nilai ke {grade}",
)
_DAYS = ("近 {days} 天", "the last {days} days", "{days} hari terakhir")
_EVER = ("累计", "all time", "sepanjang waktu")


class HeldSince(Protocol):
    """What the store says of a held grade."""

    @property
    def runs_below(self) -> int: ...
    @property
    def since(self) -> date: ...


def held_answer(grade: str, state: HeldSince | None) -> dict[str, Any]:
    """Return the held grade with its words; without ``state`` nothing says since when."""
    if state is None:
        words = said(_HELD, grade=_name(grade))
        return {"grade": grade, "since": None, "runs_below": None, "words": words}
    since = state.since.isoformat()
    words = said(_SINCE, grade=_name(grade), since=since)
    if state.runs_below:
        words = said(_BELOW, held=words, runs=state.runs_below)
    return {"grade": grade, "since": since, "runs_below": state.runs_below, "words": words}


def gap_answer(
    *,
    value_fen: int,
    grade: str,
    least_fen: Mapping[str, int],
    window_days: int | None,
    currency: str,
) -> dict[str, Any] | None:
    """Return how much more value lifts the snapshot ``grade``, None at the top or without a cut-off.

    ``least_fen``: least value of each grade; ``window_days``: over which value counts, None = ever.
    """
    gap = gap_to_next_fen(value_fen, grade, least_fen)
    if gap is None:
        return None
    following = GRADES[GRADES.index(grade) - 1]
    window = said(_EVER) if window_days is None else said(_DAYS, days=window_days)
    shown = {"value": Amount(value_fen, currency), "gap": Amount(gap, currency)}
    words = said(_GAP, grade=_name(following), window=window, **shown)
    return {"grade": following, "gap_fen": gap, "value_fen": value_fen, "words": words}


def _name(grade: str) -> dict[str, str]:
    return dict(zip(LANGS, CHOICES["grade"][grade], strict=True))
