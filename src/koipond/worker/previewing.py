"""Preview (预览): what a plan's first messages say to the very customers they are meant for."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from koipond.bootstrap import App
from koipond.insights.freshness import fact_rows
from koipond.kernel import epoch_day
from koipond.outreach.model import GateCandidate
from koipond.store.code_days import last_day
from koipond.strategy.plan import preview_touches
from koipond.worker.kept_candidates import CANDIDATES
from koipond.worker.planning import known_again, made_under


def preview_plan(app: App, key: str, count: int) -> dict[str, Any]:
    """Return the first ``count`` messages of plan ``key``, rendered; nothing is sent or kept.

    Codes and unsubscribe links are made at sending and shown as stand-ins. Raises InputError for an unknown
    plan.
    """
    made = made_under(app, key)
    with app.warehouse.read() as reader:
        shown = []
        if reader.has(CANDIDATES):
            known, rows = known_again(made, reader)
            shown = preview_touches(
                known,
                rows,
                count=count,
                barred=app.store.permissions.barred,
                last_days=lambda asked: _last_days(app, key, asked),
            )
        newest = fact_rows(reader, epoch_day(made.plan.as_of))
    messages = [asdict(one) for one in shown]
    return {"plan": key, "messages": messages, **newest, **made.app.stamp(made.plan.as_of)}


def _last_days(app: App, key: str, asked: Sequence[GateCandidate]) -> list[date | None]:
    ends = app.gate().code_ends(asked, app.clock.now(), key)
    return [None if end_s is None else last_day(end_s, app.zone) for end_s in ends]
