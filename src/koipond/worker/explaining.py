"""Why (为什么): one customer of the workspace, on the day or in a plan already made."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

import ibis
import pyarrow as pa

from koipond.bootstrap import App
from koipond.facts.ports import Reader
from koipond.facts.schemas import FACTS
from koipond.facts.tables import read_facts
from koipond.kernel import InputError, epoch_day, joined, local_time
from koipond.outreach.model import TouchState
from koipond.outreach.ports import Permissions
from koipond.outreach.words import unsent_words
from koipond.rules import words
from koipond.rules.labels import LANGS
from koipond.segments.contradictions import contradictions_of
from koipond.segments.held import with_held
from koipond.segments.layers.grade import CUT_NAMES
from koipond.segments.layers.scalars import NEVER
from koipond.segments.movements import history
from koipond.segments.snapshot import Presented, present_profile
from koipond.store.erasure import ERASED
from koipond.store.instants import from_s
from koipond.strategy.plan.inboxes import co_holders
from koipond.strategy.why import Explanation, explain
from koipond.strategy.why.grades import gap_answer, held_answer
from koipond.strategy.why.words import ERASED_PERSON, PEOPLE_RULE_WORDS, UNREAL_PERSON, UNSENT, said
from koipond.worker.freshness import facts_known
from koipond.worker.kept_candidates import CANDIDATES
from koipond.worker.planning import audiences_of, request_of

HISTORY_MAX = 50
LAYERS = (
    *("lifecycle", "rfm_cell", "rfm_level", "aipl", "grade", "held_grade"),
    *("at_risk", "due", "one_time_buyer"),
)


def explain_customer(app: App, asked: str, as_of: date | None, plan: str | None) -> dict[str, Any]:
    """Return the layers of the customer whom ``asked`` names, and what each play does and why.

    ``asked``: the shop's id, phone, e-mail, our uid or number. With ``plan`` its own answer, else one
    computed now. Raises InputError when nobody or several people are meant, or no strategy is applied.
    """
    number = one_customer(app, asked)
    made = app.store.plans.get(plan) if plan else None
    app = app if made is None else app.at(made.definition_version)
    day = made.as_of if made else app.observation_day(as_of)
    strategies = list(app.definitions.strategies.values())
    if not strategies:
        raise InputError("no strategy is applied; run: koipond playbook add NAME, then: koipond apply")
    with app.warehouse.read() as reader:
        presented = present_profile(reader, app.layers, day)
        permissions = app.store.permissions.of(number)
        beside = co_holders(reader, number)
        others = {one: app.store.permissions.of(one) for one in beside}
        _present_permissions(reader, {number: permissions, **others})
        planned = None
        if made is not None and reader.has(CANDIDATES):
            strategies = [one for one in strategies if one.key in made.strategies]
            mine = (ibis._.plan == plan) & (ibis._.customer_no == number)
            planned = reader.frame(reader.table(CANDIDATES).filter(mine)).to_pylist()
        scope = app.scope(reader, day)
        found: Explanation = explain(
            reader,
            audiences_of(app, reader, day),
            request_of(app, plan or "now", day, strategies, afresh=planned is None),
            scope,
            app.definitions.segments,
            number,
            planned=planned,
            permissions=permissions,
            beside=beside,
        )
        profile = reader.table("profile").filter(ibis._.customer_no == number)
        profile = with_held(profile, reader, read_facts(reader), epoch_day(day)).select(*LAYERS)
        layers = reader.frame(profile).to_pylist()
        own = layers[0] if layers else {}
        grades = _grades(app, reader, presented, own, number, day)
        moves = [asdict(one) for one in history(reader, number) if one.on <= day][-HISTORY_MAX:]
    answer = found.to_dict()
    if plan is not None:
        _say_what_became(app, plan, number, answer["plays"])
    return {
        **answer,
        "erased": _erased(app, permissions),
        "unreal": _unreal(app, number),
        "layers": own or None,
        **grades,
        "contradictions": [
            {"contradiction": name, "words": {one: words(rule, one, scope.catalog) for one in LANGS}}
            for name, rule in contradictions_of(own, scope.catalog).items()
        ],
        "history": [{**move, "on": move["on"].isoformat()} for move in moves],
        **facts_known(app, day),
        **app.stamp(day),
    }


def _say_what_became(app: App, plan: str, number: int, plays: Sequence[dict[str, Any]]) -> None:
    """Let the answer of a plan that was sent say so where a touch of it did not go out."""
    ended = {
        (one.strategy, one.play): one
        for one in app.store.touches.of(number)
        if one.plan == plan and one.state in (TouchState.FAILED, TouchState.EXPIRED)
    }
    for play in plays:
        one = ended.get((play["strategy"], play["play"]))
        if play["outcome"] != "touch" or one is None:
            continue
        play["ended"] = {"state": str(one.state), "detail": one.detail}
        play["words"] = said(
            UNSENT, due_at=local_time(one.due_at, app.zone), why=unsent_words(one.detail) or one.detail
        )


def _present_permissions(reader: Reader, held: Mapping[int, Permissions]) -> None:
    """Let the answer rest on what the gate knows now: the copies of the warehouse may be older."""
    for dataset in ("consents", "suppressions"):
        made: list[dict[str, Any]] = [
            {"customer_no": number, **row._asdict()}
            for number, permissions in held.items()
            for row in getattr(permissions, dataset)
        ]
        facts = [{name: row[name] for name in FACTS[dataset].names} for row in made]
        table = pa.Table.from_pylist(facts, FACTS[dataset])
        reader.present(dataset, reader.stage(f"_asked_{dataset}", table))


def _erased(app: App, permissions: Permissions) -> dict[str, Any] | None:
    """Return since when a person is erased, with words; None for anybody else."""
    since = [one.at_s for one in permissions.suppressions if one.reason == ERASED and one.own]
    if not since:
        return None
    at = local_time(from_s(min(since)), app.zone)
    return {"since": at, "words": said(ERASED_PERSON, since=at)}


def _unreal(app: App, number: int) -> dict[str, Any] | None:
    """Return who confirmed a person as unreal, when and by which rule; None for anybody else (case U14)."""
    members = app.store.people.members(number)
    found = [one for one in app.store.verdicts.of(members) if one.verdict == "confirmed"]
    if not found:
        return None
    first = found[0]
    given = {"rule": first.rule, "by": first.by, "at": local_time(first.at, app.zone)}
    rules = said(PEOPLE_RULE_WORDS[first.rule])
    return {**given, "words": said(UNREAL_PERSON, **{**given, "rule": rules})}


def _grades(
    app: App, reader: Reader, presented: Presented, own: Mapping[str, Any], number: int, day: date
) -> dict[str, Any]:
    """Return the held grade with its words, and the gap to the next snapshot grade; None where none is."""
    held, definition = None, app.layers.grade
    if own.get("held_grade") is not None:
        state = app.store.grades.of(number)
        known = state is not None and state.grade == own["held_grade"] and state.since <= day
        held = held_answer(own["held_grade"], state if known else None)
    gap = None
    if own.get("grade") is not None:
        column = f"money_{definition.window.suffix}_fen"
        value = presented.base.filter(presented.base.customer_no == number)[column].max()
        least = {name: presented.scalars.values[f"{name}_min_fen"] for name in CUT_NAMES}
        gap = gap_answer(
            value_fen=int(reader.scalar(value.name("value")) or 0),
            grade=own["grade"],
            least_fen={name: fen for name, fen in least.items() if fen < NEVER},
            window_days=definition.window_days,
            currency=app.settings.currency,
        )
    return {"held_grade": held, "next_grade": gap}


def one_customer(app: App, words: str) -> int:
    """Return the number of the one customer whom ``words`` name; raise InputError for none or several."""
    people = app.store.people
    found = sorted(
        {people.survivor(ref.customer_no) for ref in people.find(words, region=app.settings.region)}
    )
    if not found:
        raise InputError(
            "nobody is known as '{words}'; give a shop id, phone, e-mail or our own number", words=words
        )
    if len(found) > 1:
        numbers = joined(", ", map(str, found[:10]))
        raise InputError(
            "'{words}' names {count} customers: {numbers}; give one of these numbers",
            words=words,
            count=len(found),
            numbers=numbers,
        )
    return found[0]
