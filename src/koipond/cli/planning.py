"""`koipond plan | preview | approve | plans`: who would be touched, and the approval that it takes."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from koipond.cli.reply import (
    AsOf,
    JsonFlag,
    heads,
    left_out_text,
    marked,
    parse_day,
    say,
    with_facts,
    word,
    worded,
)
from koipond.cli.stopping import Reason, named
from koipond.cli.unsent import ended_unsent, unsent_lines
from koipond.frames import text_table
from koipond.kernel import Amount, InputError, Message, heard, phrase, spoken

if TYPE_CHECKING:
    from koipond.bootstrap import App
    from koipond.outreach.model import TouchState
    from koipond.store.plans import StoredPlan

ENDS = marked("sent", "failed", "unknown", "blocked", "deferred")
"""What a touch of a plan can come to, as `send` and `plans` count it."""
STATUSES = marked("making", "unfinished", "draft", "approved", "sent", "withdrawn")
"""What a plan can be."""
PlanKey = Annotated[str, typer.Argument(metavar="PLAN", help="Key that plan printed, or 'latest'.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(help="Plan the day's touches: who, what, when, why not.")(plan)
    app.command(help="Show a plan's first messages as their customers would get them.")(preview)
    app.command(help="Approve a plan; nothing is sent without it.")(approve)
    group = typer.Typer(help="List the plans, newest first; withdraw one.", invoke_without_command=True)
    group.callback()(plans)
    group.command(help="End a plan's touches that wait; what they hold is given back.")(withdraw)
    app.add_typer(group, name="plans")


def plan(
    context: typer.Context,
    strategies: Annotated[
        list[str] | None, typer.Argument(metavar="[STRATEGY…]", help="Default: all applied.")
    ] = None,
    as_of: AsOf = None,
    as_json: JsonFlag = False,
) -> None:
    from koipond.bootstrap import open_app
    from koipond.worker.freshness import facts_known
    from koipond.worker.planning import plan_touches

    with open_app(context.obj) as app:
        made = plan_touches(app, strategies or (), parse_day(as_of))
        data, currency = {**made.to_dict(), **facts_known(app, made.as_of)}, app.settings.currency
    say(data, lambda: with_facts(data, plan_text(data, currency)), as_json=as_json)


def preview(
    context: typer.Context,
    key: PlanKey,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many messages.")] = 5,
    as_json: JsonFlag = False,
) -> None:
    from koipond.bootstrap import open_app
    from koipond.worker.previewing import preview_plan

    with open_app(context.obj) as app:
        data = preview_plan(app, plan_key(app, key), limit)
    say(data, lambda: with_facts(data, preview_text(data).rstrip()), as_json=as_json)


def preview_text(data: Mapping[str, Any]) -> str:
    """Return the messages as text."""
    from koipond.outreach.words import channel_words

    parts = []
    for one in data["messages"]:
        variant = f" ({one['variant']})" if one["variant"] else ""
        parts.append(
            phrase(
                "customer {customer_no} · {strategy}/{play}{variant} · {channel}",
                customer_no=one["customer_no"],
                strategy=one["strategy"],
                play=one["play"],
                variant=variant,
                channel=channel_words(one["channel"])[spoken()].strip(),
            )
        )
        message = one["message"]
        lines = [one["problem"]] if message is None else [message["subject"], *message["text"].splitlines()]
        parts += [f"  {line}" for line in lines if line.strip()] + [""]
    return "\n".join(parts) if parts else phrase("plan {plan} touches nobody", plan=data["plan"])


def approve(
    context: typer.Context,
    key: PlanKey,
    by: Annotated[str, typer.Option(help="Who approves.")],
    as_json: JsonFlag = False,
) -> None:
    from koipond.bootstrap import open_app

    with open_app(context.obj) as app:
        approved = app.store.plans.approve(plan_key(app, key), by, app.machine.now())
        data = {"plan": approved.key, "status": approved.status, "approved_by": approved.approved_by}
        data |= app.stamp(approved.as_of)
    say(
        data,
        lambda: phrase(
            "plan {plan} is {status} by {approved_by}",
            plan=data["plan"],
            status=word(str(data["status"])),
            approved_by=data["approved_by"],
        ),
        as_json=as_json,
    )


def plans(
    context: typer.Context,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="YYYY-MM-DD", help="Only those of this day.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    from koipond.bootstrap import open_app
    from koipond.worker.freshness import facts_known

    if context.invoked_subcommand is not None:
        return
    wanted = parse_day(as_of)
    with open_app(context.obj) as app:
        found = [one for one in app.store.plans.all() if wanted in (None, one.as_of)]
        box = app.store.outbox(app.zone)
        states = box.counts_of([one.key for one in found])
        rows = [
            {
                "plan": one.key,
                "as_of": one.as_of.isoformat(),
                "status": _status(app, one),
                "strategies": dict(one.strategies),
                "touches": one.summary.get("touches"),
                "total": (total := _came_to(one, states[one.key])),
                "problems": ended_unsent(box, one.key) if total["failed"] or total["unknown"] else [],
                "approved_by": one.approved_by,
            }
            for one in found
        ]
        data = {"plans": rows, **facts_known(app, app.observation_day(wanted)), **app.stamp(wanted)}
    say(data, lambda: with_facts(data, _plans_text(rows)), as_json=as_json)


def withdraw(
    context: typer.Context,
    key: PlanKey,
    by: Annotated[str, typer.Option(help="Who withdraws it.")],
    reason: Reason = "",
    as_json: JsonFlag = False,
) -> None:
    from koipond.bootstrap import open_app
    from koipond.outreach.model import TouchState
    from koipond.worker.syncing import tell_facts

    author = named(by)
    with open_app(context.obj) as app:
        plan, now = plan_key(app, key), app.clock.now()
        ended = app.store.plans.withdraw(plan, by=author, reason=reason.strip(), now=now)
        states = app.store.outbox(app.zone).counts(plan)
        tell_facts(app, "withdraw")
        data = {
            "plan": plan,
            "status": "withdrawn",
            "ended": ended,
            "under_way": states.get(TouchState.SENDING, 0),
            **app.stamp(),
        }
    text = phrase(
        "plan {plan} is withdrawn: {ended:,} touches that waited have ended", plan=plan, ended=ended
    )
    more = (
        Message("; {under_way:,} are being handed over", under_way=data["under_way"])
        if data["under_way"]
        else ""
    )
    say(data, lambda: text + more, as_json=as_json)


def _status(app: "App", plan: "StoredPlan") -> str:
    """Return a plan's status; one that nobody is making any more is unfinished."""
    if plan.status != "making":
        return plan.status
    writers = [one for one in app.store.leases.held() if one.kind == "writer"]
    return "making" if any(app.is_alive(one.holder) for one in writers) else "unfinished"


def _came_to(plan: "StoredPlan", states: "Mapping[TouchState, int]") -> dict[str, int]:
    """Return what went out of ``plan`` beside what was planned; before it was sent nobody is blocked."""
    from koipond.worker.sending import ends_of, total_of

    touches = int(plan.summary.get("touches") or 0)
    return total_of(touches, states) if plan.status == "sent" else {**ends_of(states), "blocked": 0}


def _plans_text(rows: Sequence[Mapping[str, Any]]) -> str:
    header = heads("plan", "as of", "status", "planned", *ENDS, "approved by")
    table = [
        [
            *(row["plan"], row["as_of"], word(row["status"]), row["touches"]),
            *(row["total"][name] for name in ENDS),
            row["approved_by"] or "-",
        ]
        for row in rows
    ]
    lines = [f"{row['plan']}: {line.strip()}" for row in rows for line in unsent_lines(row["problems"])]
    return "\n\n".join([text_table(header, table), *(["\n".join(lines)] if lines else [])])


REASONS = marked(
    *("not_running", "stale_segment", "staff", "suppressed", "minor", "no_address", "no_consent", "holdout"),
    *("re_entry", "duplicate_content", "template_error", "frequency_cap", "priority_lost", "platform_quota"),
    *("budget", "negative_margin", "staff_capacity"),
)
"""Why somebody is left in peace, as a plan's table says it."""

DETAILS = marked("same_address", "global", "per_customer")
"""What stands behind a reason and is no key of the brand's own."""


def _detail(reason: str, detail: str) -> str:
    from koipond.outreach.words import detail_words

    if (words := detail_words(reason, detail)) is not None:
        return words[spoken()]
    return word(detail) if detail in DETAILS else detail


def plan_key(app: "App", given: str, day: date | None = None) -> str:
    """Return the plan that ``given`` names; ``latest`` is the newest. ``day``: it must be of that day."""
    if given != "latest":
        if day is not None and (found := app.store.plans.get(given)).as_of != day:
            raise InputError(
                "plan {given} is of {as_of}, not of {day}; leave --as-of out",
                given=given,
                as_of=found.as_of,
                day=day,
            )
        return given
    finished = [one for one in app.store.plans.all() if one.status not in ("making", "unfinished")]
    newest = [one for one in finished if day in (None, one.as_of)]
    if not newest:
        of = "" if day is None else Message(" of {day}", day=day)
        raise InputError("there is no plan{of} yet; make one with: koipond plan", of=of)
    return newest[0].key


def plan_text(data: Mapping[str, Any], currency: str) -> str:
    """Return the plan's numbers: the notes first, then plays, then why the others are left in peace."""
    lines = [heard(note) for note in data["notes"]]
    lines.append(
        phrase(
            "plan {plan} as of {as_of}: {touches:,} touches ({deferred:,} deferred) for "
            "{cost_fen}; {considered:,} candidates, {customers:,} customers{left_out_text}",
            plan=data["plan"],
            as_of=data["as_of"],
            touches=data["touches"],
            deferred=data["deferred"],
            cost_fen=Amount(data["cost_fen"], currency),
            considered=data["considered"],
            customers=data["customers"],
            left_out_text=left_out_text(data["left_out"]),
        )
    )
    plays = [
        [f"{p['strategy']}/{p['play']}", p["considered"], p["touches"], p["deferred"]] for p in data["plays"]
    ]
    lines.append(text_table(heads("play", "candidates", "touches", "deferred"), plays))
    losses = [
        [
            worded(str(loss["reason"])),
            _detail(str(loss["reason"]), loss["detail"]),
            f"{loss['strategy']}/{loss['play']}",
            loss["candidates"],
        ]
        for loss in data["losses"]
    ]
    if losses:
        lines.append(text_table(heads("left in peace", "detail", "play", "candidates"), losses))
    if data["touches"]:
        lines.append(
            phrase("Next: koipond approve {plan} --by NAME, then: koipond send {plan}", plan=data["plan"])
        )
    return "\n\n".join(lines)
