"""Why (为什么): one customer of the workspace, on the day or in a plan already made."""

from dataclasses import asdict
from datetime import date
from typing import Any

import ibis

from koipond.bootstrap import App
from koipond.kernel import InputError
from koipond.rules import words
from koipond.rules.labels import LANGS
from koipond.segments.contradictions import contradictions_of
from koipond.segments.movements import history
from koipond.segments.snapshot import present_profile
from koipond.strategy.why import Explanation, explain
from koipond.worker.planning import CANDIDATES, audiences_of, request_of

HISTORY_MAX = 50
LAYERS = ("lifecycle", "rfm_cell", "rfm_level", "aipl", "grade", "at_risk", "due", "one_time_buyer")


def explain_customer(app: App, asked: str, as_of: date | None, plan: str | None) -> dict[str, Any]:
    """Return the layers of the customer whom ``asked`` names, and what each play does and why.

    ``asked``: the shop's id, phone, e-mail, our uid or number. With ``plan`` its own answer, else one
    computed now. Raises InputError when nobody or several people are meant, or no strategy is applied.
    """
    number = one_customer(app, asked)
    made = app.store.plans.get(plan) if plan else None
    day = made.as_of if made else app.observation_day(as_of)
    strategies = list(app.runtime.strategies.values())
    if not strategies:
        raise InputError("no strategy is applied; run: koipond playbook add NAME, then: koipond apply")
    with app.warehouse.read() as reader:
        present_profile(reader, app.layers, day)
        planned = None
        if made is not None and reader.has(CANDIDATES):
            strategies = [one for one in strategies if one.key in made.strategies]
            mine = (ibis._.plan == plan) & (ibis._.customer_no == number)
            planned = reader.frame(reader.table(CANDIDATES).filter(mine)).to_pylist()
        scope = app.scope(reader, day)
        found: Explanation = explain(
            reader,
            audiences_of(app, reader, day),
            request_of(app, plan or "now", day, strategies),
            scope,
            app.runtime.segments,
            number,
            planned=planned,
        )
        profile = reader.table("profile").filter(ibis._.customer_no == number).select(*LAYERS)
        layers = reader.frame(profile).to_pylist()
        moves = [asdict(one) for one in history(reader, number) if one.on <= day][-HISTORY_MAX:]
    own = layers[0] if layers else {}
    return {
        **found.to_dict(),
        "layers": own or None,
        "contradictions": [
            {"contradiction": name, "words": {one: words(rule, one, scope.catalog) for one in LANGS}}
            for name, rule in contradictions_of(own, scope.catalog).items()
        ],
        "history": [{**move, "on": move["on"].isoformat()} for move in moves],
        **app.stamp(day),
    }


def one_customer(app: App, words: str) -> int:
    """Return the number of the one customer whom ``words`` name; raise InputError for none or several."""
    found = app.store.people.find(words)
    if not found:
        raise InputError(f"nobody is known as '{words}'; give a shop id, phone, e-mail or our own number")
    if len(found) > 1:
        numbers = ", ".join(str(ref.customer_no) for ref in found[:10])
        raise InputError(f"'{words}' names {len(found)} customers: {numbers}; give one of these numbers")
    return app.store.people.survivor(found[0].customer_no)
