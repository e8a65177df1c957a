"""Compares what two runs left, row by row, each row as often as it is there."""

import json
import re
from collections import Counter
from collections.abc import Collection

from tests.crash.steps.look import State
from tests.crash.steps.runner import NOW

OF_TOUCHES = (
    "store.outbox",
    "store.touch_event",
    "warehouse.touches",
    "warehouse.responses",
    "sandbox",
    "mail",
)
"""Where a touch whose answer a kill has lost may differ: its own rows alone."""
_NOW_S = int(NOW.timestamp())
_INSTANT = re.compile(r"\b(1[78]\d{8})(\d{6})?\b")
_WRITTEN = re.compile(r"\b(\d{4}-\d\d-\d\dT\d\d):\d\d:\d\d")


def differences(wanted: State, found: State, *, clock: bool) -> list[str]:
    """Return what differs, as lines: name, and the rows that are missing or too many.

    ``clock``: both runs had the same clock, so instants are the same to the second. Without it instants from
    `NOW` on count by the hour: the commands run again ran 61 or 122 seconds later. Earlier ones, those
    of the files, always count to the second.
    """
    lines = []
    for name in sorted({*wanted, *found}):
        before, after = (
            Counter(row if clock else _by_the_hour(row) for row in state.get(name, ()))
            for state in (wanted, found)
        )
        lines += [f"{name}: missing {row}" for row in (before - after).elements()]
        lines += [f"{name}: too many {row}" for row in (after - before).elements()]
    return lines


def _by_the_hour(row: str) -> str:
    def hour(at: re.Match[str]) -> str:
        late_s = int(at[1]) - _NOW_S
        return at[0] if late_s < 0 else f'"hour {late_s // 3600}"'

    return _WRITTEN.sub(r"\1", _INSTANT.sub(hour, row))


def lost_touches(wanted: State, found: State) -> set[str]:
    """Return the touches that went out undisturbed and whose answer the kill has lost.

    Such a touch is unknown, or the provider was asked, knows nothing of it, and it failed: it is not sent
    again by itself. That its money, cap and code came back then is a check of `verify` (budgets, codes).
    """
    sent, ended = (
        {row["touch_no"]: row["state"] for row in map(json.loads, state["store.outbox"])}
        for state in (wanted, found)
    )
    lost = {touch for touch, state in ended.items() if state in ("unknown", "failed")}
    return {touch for touch in lost if sent.get(touch) in ("accepted", "delivered")}


def told_wrong(found: State) -> list[str]:
    """Say which message went out twice, and which one arrived although its touch is said to have failed."""
    states = {row["touch_no"]: row["state"] for row in map(json.loads, found["store.outbox"])}
    lines = []
    for name in ("sandbox", "mail"):
        went = Counter(str(row["touch_key"]) for row in map(json.loads, found[name]))
        lines += [f"{name}: {touch} went out {count} times" for touch, count in went.items() if count > 1]
        lines += [
            f"{name}: {touch} has failed and arrived" for touch in went if states.get(touch) == "failed"
        ]
    return lines


def of_senders(state: State, lost: Collection[str]) -> State:
    """Return ``state`` without the rows of the touches ``lost``, and without what a second try changes."""
    told = {name: list(map(json.loads, rows)) for name, rows in state.items()}
    for name in OF_TOUCHES:
        told[name] = [row for row in told.get(name, []) if _of(row) not in lost]
    for row in told["store.outbox"]:
        row.pop("attempts")  # the dead sender's claim counts as one; the next sender's is another
    events = told.get("store.touch_event", [])
    receipts = {row["touch_no"] for row in events if row["kind"] == "delivered"}
    # the provider's answer died with the sender, its receipt came: the state is the receipt's, and compared
    told["store.touch_event"] = [
        row for row in events if not (row["kind"] == "accepted" and row["touch_no"] in receipts)
    ]
    for row in told["store.offer_code"]:
        if row["touch_no"] in lost:  # a touch that failed gives its code back
            row |= {"customer_no": None, "touch_no": None, "issued_s": None}
    if lost:
        told["store.budget"] = []  # counted again by `verify`, from the touches that are left
    people = {int(touch.partition("/")[0]) for touch in lost}
    changes = [row for row in told.get("warehouse.fact_changes", []) if row["customer_no"] not in people]
    texts = {name: [_line(row) for row in rows] for name, rows in told.items()}
    # a touch told twice is noted twice as changed; whose touches changed is what a refresh reads
    return {**texts, "warehouse.fact_changes": sorted({_line(row) for row in changes})}


def _of(row: dict[str, object]) -> object:
    return row.get("touch_no", row.get("touch_key"))


def _line(row: dict[str, object]) -> str:
    return json.dumps(row, sort_keys=True, ensure_ascii=False)
