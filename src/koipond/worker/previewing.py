"""Preview (预览): what a plan's first messages say to the very customers they are meant for."""

from dataclasses import asdict
from typing import Any

from koipond.bootstrap import App
from koipond.strategy.plan import preview_touches
from koipond.worker.kept_candidates import CANDIDATES
from koipond.worker.planning import chosen, known_again


def preview_plan(app: App, key: str, count: int) -> dict[str, Any]:
    """Return the first ``count`` messages of plan ``key``, rendered; nothing is sent or kept.

    Codes and unsubscribe links are made at sending and shown as stand-ins. Raises InputError for an unknown
    plan.
    """
    plan = app.store.plans.get(key)
    strategies = chosen(app, sorted(plan.strategies))
    with app.warehouse.read() as reader:
        shown = []
        if reader.has(CANDIDATES):
            known, rows = known_again(app, reader, key, plan.as_of, strategies)
            shown = preview_touches(known, rows, count=count, barred=app.store.permissions.barred)
    return {"plan": key, "messages": [asdict(one) for one in shown], **app.stamp(plan.as_of)}
