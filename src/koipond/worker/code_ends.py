"""Where codes end before their offer says (券码早于券规则到期): said before anybody is promised a day
(case U04).

A text promises the earlier day and the gate checks it at the moment of sending; who wrote ``valid_days`` may
expect the later one.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from koipond.bootstrap import App
from koipond.kernel import Message, day_of
from koipond.store.instants import from_s
from koipond.strategy.model import CodeList


def early_ends(app: App, offers: Mapping[str, CodeList]) -> list[dict[str, Any]]:
    """Return those of ``offers`` of which a code given today ends before ``valid_days`` are over.

    ``ends_on``: the last day that a text would promise; ``says``: the day that ``valid_days`` means;
    ``because``: ``codes`` (imported with an earlier last day) or ``offer`` (its ``expires_on``).
    """
    today = app.observation_day(None)
    stock = app.store.codes.first_ends(app.clock.now())
    found = []
    for key, offer in sorted(offers.items()):
        if offer.valid_days is None:
            continue
        says = today + timedelta(days=offer.valid_days)
        ends = [] if offer.expires_on is None else [(offer.expires_on, "offer")]
        if key in stock:
            ends.append((day_of(from_s(stock[key] - 1), app.zone), "codes"))
        if not ends or (first := min(ends))[0] >= says:
            continue
        row = {"offer": key, "ends_on": first[0].isoformat(), "says": says.isoformat(), "because": first[1]}
        found.append({**row, "valid_days": offer.valid_days, "days_short": (says - first[0]).days})
    return found


def end_text(row: Mapping[str, Any]) -> str:
    """Return one row of `early_ends` in words."""
    what = (
        Message("codes in stock were imported to end")
        if row["because"] == "codes"
        else Message("'expires_on' ends its codes")
    )
    return Message(
        "offer '{offer}': {what} on {ends_on}, {days_short} days before 'valid_days: "
        "{valid_days}' would ({says}); texts promise {ends_on}",
        offer=row["offer"],
        what=what,
        ends_on=row["ends_on"],
        days_short=row["days_short"],
        valid_days=row["valid_days"],
        says=row["says"],
    )
