"""Rows of a consents file, typed and judged (授权行). Withdrawals fail closed: what they leave open is all.

- Of a day alone, a no counts to the end of that local day; stamped ahead, or without a readable time, from
  now on.
- Without a channel it means every one. Grants get none of this: they are put aside.
- A row of several addresses is several statements. A no counts for those that can be read, even if its row is
  put aside for another; a yes counts for all of them or for none.
"""

from typing import Any

import ibis

from koipond.facts.ports import IbisTable, Reader
from koipond.ingest.consent_words import ALL, ConsentWords
from koipond.ingest.instants import InstantReading
from koipond.ingest.judging import first_field, first_rule
from koipond.ingest.readings import Readings, read_word
from koipond.ingest.timing import Setting, instant_columns
from koipond.ingest.zones import to_utc

MARKETING = "marketing"
JUDGED = "import_judged"
_DAY_S = 86_400
_HOURS = ("%H", "%I", "%c", "%X", "%T", "%R", "%s")


def judge_consents(
    reader: Reader, known: IbisTable, words: ConsentWords, readings: Readings, setting: Setting, now_s: int
) -> IbisTable:
    """Return row, customer_no, channel, purpose, granted, at_s, undated, field and rule (null = good)."""
    granted = read_word(known["status"], words.status) == "true"
    channel = read_word(known["channel"], words.channel) if "channel" in known.columns else _none()
    purpose = read_word(known["purpose"], words.purpose) if "purpose" in known.columns else _none()
    at_s, start_s, end_s, faults = _instants(reader, known, readings, setting)
    typed = known.select(
        "row",
        "customer_no",
        granted=granted,
        channel=ibis.ifelse(granted, channel, channel.coalesce(ALL)),
        purpose=purpose.coalesce(MARKETING),
        given_s=at_s,
        start_s=start_s,
        end_s=end_s,
        unreadable=faults,
    )
    undated = ~typed["granted"] & (
        typed["given_s"].isnull() | (typed["start_s"].coalesce(typed["given_s"]) > now_s)
    )
    no_s = ibis.ifelse(undated, now_s, typed["end_s"].coalesce(typed["given_s"]))
    typed = typed.mutate(
        at_s=ibis.ifelse(typed["granted"], typed["given_s"], no_s).cast("int64"),
        undated=undated,
        field=first_field(
            {"channel": typed["channel"].isnull(), "at": typed["unreadable"] & typed["granted"]}
        ),
    )
    nobody = typed["customer_no"].isnull()
    rule = first_rule(
        {
            "unparsable": typed["field"].notnull(),
            "missing_customer": nobody | (typed["granted"] & nobody.any().over(group_by=typed["row"])),
            "missing_at": typed["at_s"].isnull(),
            "future_at": typed["granted"] & (typed["at_s"] > setting.limit_s),
        }
    )
    return reader.cache(JUDGED, typed.mutate(rule=rule).drop("given_s", "start_s", "end_s", "unreadable"))


def _instants(
    reader: Reader, known: IbisTable, readings: Readings, setting: Setting
) -> tuple[Any, Any, Any, Any]:
    """Return the instant of each row, start and end of its day where only a day is given, and faults."""
    nothing = ibis.null("int64")
    if "at" not in readings.instants:
        unreadable = known["at"].notnull() if "at" in known.columns else ibis.literal(False)
        return nothing, nothing, nothing, unreadable
    columns, faults = instant_columns(reader, known, readings, setting)
    at_s, day = columns["at_s"], columns["day"]
    ends = reader.frame(
        known.select(day=day).agg(low=lambda t: t["day"].min(), high=lambda t: t["day"].max())
    )
    low, high = ends.column("low")[0].as_py(), ends.column("high")[0].as_py()
    if low is None:
        return at_s, nothing, nothing, faults["at"]
    low_s, high_s = (low - 1) * _DAY_S, (high + 3) * _DAY_S
    start_s = to_utc(day.cast("int64") * _DAY_S, setting.place, low_s, high_s)
    end_s = to_utc((day.cast("int64") + 1) * _DAY_S, setting.place, low_s, high_s) - 1
    day_alone = _day_alone(reader, known, at_s, start_s, readings.instants["at"])
    return (
        at_s,
        ibis.ifelse(day_alone, start_s, nothing),
        ibis.ifelse(day_alone, end_s, nothing),
        faults["at"],
    )


def _day_alone(reader: Reader, known: IbisTable, at_s: Any, start_s: Any, reading: InstantReading) -> Any:
    """Say which rows give a day without a time: no hour is written, or every row says midnight."""
    if reading.epoch is not None:
        return ibis.literal(False)
    timed = [any(code in pattern for code in _HOURS) for pattern in (*reading.patterns, *reading.aware)]
    if not any(timed):
        return ibis.literal(True)
    if not reader.scalar(known.select(late=at_s > start_s).agg(any=lambda t: t["late"].any())["any"]):
        return ibis.literal(True)  # a day that a program has written as the first instant of it
    return ibis.literal(False) if all(timed) else ~known["at"].contains(":")


def _none() -> Any:
    return ibis.null("string")
