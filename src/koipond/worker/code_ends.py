"""Where codes end before their offer says (券码早于券规则到期): said before anybody is promised a day
(case U04).

A text promises the earlier day and the gate checks it at the moment of sending; who wrote ``valid_days`` may
expect the later one.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from koipond.bootstrap import App
from koipond.kernel import Message
from koipond.outreach.quiet import next_allowed
from koipond.store.code_days import last_day
from koipond.strategy.model import CodeList


def early_ends(app: App, offers: Mapping[str, CodeList]) -> list[dict[str, Any]]:
    """Return those of ``offers`` of which a code given today ends before ``valid_days`` are over.

    ``ends_on``: the first last day that a text would promise; ``ends_by``: the last such day, another one
    where the codes that can be dealt after the quiet hours differ; ``says``: the day that ``valid_days``
    means; ``because``: ``codes`` (imported with an earlier last day) or ``offer`` (its ``expires_on``).
    """
    today = app.observation_day(None)
    stock = app.store.codes.ends(next_allowed(app.clock.now(), app.settings.policy.quiet, app.zone))
    found = []
    for key, offer in sorted(offers.items()):
        if offer.valid_days is None:
            continue
        says = today + timedelta(days=offer.valid_days)
        own = says if offer.expires_on is None else min(says, offer.expires_on)
        first_s, last_s = stock.get(key, (None, None))
        first = own if first_s is None else min(own, last_day(first_s, app.zone))
        if first >= says:
            continue
        last = own if last_s is None else min(own, last_day(last_s, app.zone))
        row = {"offer": key, "ends_on": first.isoformat(), "ends_by": last.isoformat()}
        because = {"says": says.isoformat(), "because": "codes" if first < own else "offer"}
        found.append({**row, **because, "valid_days": offer.valid_days, "days_short": (says - first).days})
    return found


def end_text(row: Mapping[str, Any]) -> str:
    """Return one row of `early_ends` in words."""
    what = (
        Message("codes in stock were imported to end")
        if row["because"] == "codes"
        else Message("'expires_on' ends its codes")
    )
    if row["ends_by"] != row["ends_on"]:
        return Message(
            "offer '{offer}': {what} between {ends_on} and {ends_by}, by code, up to {days_short} days "
            "before 'valid_days: {valid_days}' would ({says}); each text promises the day of its own code",
            **{**row, "what": what},
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
