"""How far the facts reach (数据新鲜度): the newest order, refund and event of each source, and how old it is.

What is measured ends with the newest fact, not with today: a window that reaches beyond it is not over (case
U09). One maximum per source, over files that hold little else of what is read.
"""

from dataclasses import dataclass
from typing import Any

from koipond.facts.ports import Reader
from koipond.kernel import from_epoch_day

KINDS = ("orders", "refunds", "events")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestFact:
    """The newest fact of one ``kind`` from one ``source``: its local day, and its age on the day asked."""

    kind: str
    source: str
    day: int
    age_days: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        on = from_epoch_day(self.day).isoformat()
        return {"kind": self.kind, "source": self.source, "newest_on": on, "age_days": self.age_days}


def newest_facts(reader: Reader, as_of_day: int) -> list[NewestFact]:
    """Return the newest fact up to ``as_of_day`` of each kind and source, in the order of `KINDS`."""
    found: list[NewestFact] = []
    for kind in KINDS:
        if not reader.has(kind):
            continue
        rows = reader.table(kind).filter(lambda t: t.day <= as_of_day)
        newest = rows.group_by("source").aggregate(day=rows.day.max()).order_by("source")
        found += [
            NewestFact(kind=kind, source=row["source"], day=row["day"], age_days=as_of_day - row["day"])
            for row in reader.frame(newest).to_pylist()
        ]
    return found


def fact_rows(reader: Reader, as_of_day: int) -> dict[str, Any]:
    """Return `newest_facts` as every answer that read facts carries it."""
    return {"newest_facts": [one.to_dict() for one in newest_facts(reader, as_of_day)]}
