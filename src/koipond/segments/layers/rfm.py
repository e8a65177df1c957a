"""RFM (S16): scores 1-5 for recency, frequency and money, eight named cells and a level. Source: science D2.

A score is monotone in its value, so the whole ranking freezes into four cut-offs an axis: a row scores by
comparison with literals. Recency is scored through the last purchase day, which does not move with the day of
observation; only the ``fixed`` and ``raw`` options look at days since. Pure: Ibis expressions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import ibis

from koipond.facts.ports import IbisTable
from koipond.kernel import Message
from koipond.profiles.spec import Window
from koipond.segments.layers.fields import Fields

Scoring = Literal["rank", "quantile", "fixed", "rank_first"]
High = Literal["mean", "score", "raw_mean", "raw"]
SCORINGS = ("rank", "quantile", "fixed", "rank_first")
AXES = ("r", "f", "m")
STEPS = (2, 3, 4, 5)  # the scores that take beating a cut-off
CELLS = (
    "important_value",
    "important_develop",
    "important_keep",
    "important_retain",
    "general_value",
    "general_develop",
    "general_keep",
    "general_retain",
    "outside",
)
LEVELS = ("high", "mid", "low")


@dataclass(frozen=True, slots=True, kw_only=True)
class RfmDefinition:
    """How RFM is scored. ``window_days`` None = all that is known; cut points serve ``fixed`` scoring.

    ``high``: a score above the mean score, a score of at least ``high_score``, a value better than the mean
    value, or a value at least as good as the fixed thresholds.
    """

    window_days: int | None = 365
    frequency: Literal["orders", "purchase_days"] = "orders"
    r_scoring: Scoring = "rank"
    f_scoring: Scoring = "rank"
    m_scoring: Scoring = "rank"
    r_cuts_days: tuple[int, ...] = ()
    f_cuts: tuple[int, ...] = ()
    m_cuts_fen: tuple[int, ...] = ()
    high: High = "mean"
    high_score: int = 4
    high_r_days: int = 10
    high_f_count: int = 3
    high_m_fen: int = 20_000
    level_high_sum: int = 12
    level_mid_sum: int = 7

    @property
    def window(self) -> Window:
        """The window of frequency and money."""
        return Window(days=self.window_days)

    def scoring(self, axis: str) -> Scoring:
        """Return how ``axis`` (r, f or m) is scored."""
        return {"r": self.r_scoring, "f": self.f_scoring, "m": self.m_scoring}[axis]

    def fixed_cuts(self, axis: str) -> tuple[int, ...]:
        """Return the fixed cut points of ``axis``: days, counts or minor units."""
        return {"r": self.r_cuts_days, "f": self.f_cuts, "m": self.m_cuts_fen}[axis]

    @staticmethod
    def read(fields: Fields) -> "RfmDefinition":
        """Take the definition from ``fields``; mistakes are left in ``fields.findings``."""
        of = RfmDefinition()
        scoring = _read_scoring(fields)
        cuts, at, level = fields.inner("cuts"), fields.inner("high_at"), fields.inner("level")
        made = RfmDefinition(
            window_days=fields.window("window", of.window_days),
            frequency=fields.choice("frequency", of.frequency, ("orders", "purchase_days")),
            r_scoring=scoring["r"],
            f_scoring=scoring["f"],
            m_scoring=scoring["m"],
            r_cuts_days=cuts.rising("recency_days", 4),
            f_cuts=cuts.rising("frequency_count", 4),
            m_cuts_fen=cuts.rising("monetary_fen", 4),
            high=fields.choice("high", of.high, ("mean", "score", "raw_mean", "raw")),
            high_score=fields.whole("high_score", of.high_score, low=1, high=5),
            high_r_days=at.whole("recency_days", of.high_r_days, low=0, high=36_500),
            high_f_count=at.whole("frequency_count", of.high_f_count, low=0, high=10**6),
            high_m_fen=at.whole("monetary_fen", of.high_m_fen, low=0, high=10**15),
            level_high_sum=level.whole("high", of.level_high_sum, low=3, high=15),
            level_mid_sum=level.whole("mid", of.level_mid_sum, low=3, high=15),
        )
        for inner in (cuts, at, level):
            inner.close()
        _check(made, fields)
        return made

    def to_mapping(self) -> dict[str, Any]:
        """Return the canonical body of layers/rfm.yaml."""
        cuts = {
            "recency_days": list(self.r_cuts_days),
            "frequency_count": list(self.f_cuts),
            "monetary_fen": list(self.m_cuts_fen),
        }
        return {
            "window": "all" if self.window_days is None else self.window_days,
            "frequency": self.frequency,
            "scoring": {axis: self.scoring(axis) for axis in AXES},
            "cuts": {name: points for name, points in cuts.items() if points},
            "high": self.high,
            "high_score": self.high_score,
            "high_at": {
                "recency_days": self.high_r_days,
                "frequency_count": self.high_f_count,
                "monetary_fen": self.high_m_fen,
            },
            "level": {"high": self.level_high_sum, "mid": self.level_mid_sum},
        }


def _read_scoring(fields: Fields) -> dict[str, Any]:
    if isinstance(fields.peek("scoring"), Mapping):
        inner = fields.inner("scoring")
        chosen = {axis: inner.choice(axis, "rank", SCORINGS) for axis in AXES}
        inner.close()
        return chosen
    return dict.fromkeys(AXES, fields.choice("scoring", "rank", SCORINGS))


def _check(made: RfmDefinition, fields: Fields) -> None:
    names = {"r": "recency_days", "f": "frequency_count", "m": "monetary_fen"}
    for axis, name in names.items():
        if made.scoring(axis) == "fixed" and not made.fixed_cuts(axis):
            fix = Message("Write four cut points below cuts.{name}", name=name)
            fields.refuse("cuts", Message("fixed scoring of {axis} needs {name}", axis=axis, name=name), fix)
    if made.level_mid_sum > made.level_high_sum:
        fields.refuse("level", Message("mid begins above high"), Message("Let high be at least mid"))


def axis_values(rows: IbisTable, definition: RfmDefinition) -> dict[str, Any]:
    """Return the value of each axis, better = greater: last purchase day, frequency, money."""
    suffix = definition.window.suffix
    f = rows[f"orders_{suffix}"]
    if definition.frequency == "purchase_days":
        f = rows.purchase_days if definition.window_days is None else rows[f"purchase_days_{suffix}"]
    return {"r": rows.last_purchase_day, "f": f, "m": rows[f"money_{suffix}_fen"]}


def score(
    rows: IbisTable, definition: RfmDefinition, axis: str, values: Mapping[str, Any], as_of: Any
) -> Any:
    """Return the score 1-5 of ``axis``; ``values`` holds the cut-offs ``r_cut_2`` …, beaten when exceeded."""
    value = axis_values(rows, definition)[axis]
    if definition.scoring(axis) == "fixed":
        cuts = definition.fixed_cuts(axis)
        beaten = [value >= as_of - cut if axis == "r" else value > cut for cut in cuts]
    else:
        beaten = [value > values[f"{axis}_cut_{step}"] for step in STEPS]
    if definition.scoring(axis) == "rank_first":
        ties = [
            (value == values[f"{axis}_cut_{step}"]) & _later(rows, axis, values[f"{axis}_tie_{step}"])
            for step in STEPS
        ]
        beaten = [better | tie for better, tie in zip(beaten, ties, strict=True)]
    first, *rest = (ibis.coalesce(hit, False).cast("int32") for hit in beaten)
    return (sum(rest, start=first) + 1).cast("int32")


def _later(rows: IbisTable, axis: str, tie: Any) -> Any:
    """Say whether a row of equal value stands behind the tie; recency counts from the best."""
    return rows.customer_no <= tie if axis == "r" else rows.customer_no > tie


def is_high(
    rows: IbisTable, definition: RfmDefinition, axis: str, values: Mapping[str, Any], as_of: Any
) -> Any:
    """Say whether ``axis`` is high; ``rows`` carry the scores as ``r_score`` …."""
    value = axis_values(rows, definition)[axis]
    if definition.high == "mean":
        return rows[f"{axis}_score"].cast("int64") * values["scored"] > values[f"{axis}_score_sum"]
    if definition.high == "score":
        return rows[f"{axis}_score"] >= definition.high_score
    if definition.high == "raw_mean":
        return value.cast("int64") * values["scored"] > values[f"{axis}_value_sum"]
    if axis == "r":
        return value >= as_of - definition.high_r_days
    return value >= (definition.high_f_count if axis == "f" else definition.high_m_fen)


def cell(r: Any, f: Any, m: Any) -> Any:
    """Return the name of the cell from the three highs (science D2, table)."""
    return ibis.cases(
        (r & f & m, "important_value"),
        (r & ~f & m, "important_develop"),
        (~r & f & m, "important_keep"),
        (~r & ~f & m, "important_retain"),
        (r & f & ~m, "general_value"),
        (r & ~f & ~m, "general_develop"),
        (~r & f & ~m, "general_keep"),
        else_="general_retain",
    )


def level(total: Any, definition: RfmDefinition) -> Any:
    """Return high, mid or low from the sum of the three scores."""
    return ibis.cases(
        (total >= definition.level_high_sum, "high"),
        (total >= definition.level_mid_sum, "mid"),
        else_="low",
    )


def edges(rows: IbisTable, definition: RfmDefinition) -> list[Any]:
    """Return the days on which the layer changes by the clock alone, beside those of its window."""
    days: list[int] = []
    if definition.r_scoring == "fixed":
        days += definition.r_cuts_days
    if definition.high == "raw":
        days.append(definition.high_r_days)
    return [rows.last_purchase_day + day + 1 for day in days]
