"""`koipond send | inbox`: approved touches go out; the sandbox shows what arrived."""

from collections.abc import Mapping
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from koipond.cli.planning import ENDS, PlanKey, plan_key
from koipond.cli.reply import AsOf, JsonFlag, counted, local, note, parse_day, say, with_facts, worded
from koipond.cli.unsent import unsent_lines
from koipond.kernel import InputError, joined, phrase, spoken


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(help="Ask the gate for an approved plan's touches and send what is due.")(send)
    app.command(help="Show what arrived in the sandbox; let receivers answer.")(inbox)


def send(
    context: typer.Context,
    key: PlanKey,
    until_idle: Annotated[
        bool, typer.Option("--until-idle", help="Also wait for retries that are due within minutes.")
    ] = False,
    as_of: AsOf = None,
    as_json: JsonFlag = False,
) -> None:
    from koipond.bootstrap import open_app
    from koipond.worker.sending import send_plan

    with open_app(context.obj) as app:
        day = parse_day(as_of)
        done = send_plan(app, plan_key(app, key, day), until_idle=until_idle)
        data, place = {**done.to_dict(), **app.stamp(day)}, app.zone
    say(data, lambda: _send_text(data, place), as_json=as_json)


def moved_text(one: Mapping[str, Any]) -> str:
    """Say of a strategy that was changed or archived since a plan was made what the plan does."""
    if one["applied"] is None:
        return phrase("  strategy {strategy} is archived since: it touches nobody", strategy=one["strategy"])
    return phrase(
        "  strategy {strategy} is applied as version {applied} since; this plan goes with version {version}, "
        "as approved",
        strategy=one["strategy"],
        applied=one["applied"],
        version=one["version"],
    )


def _send_text(data: Mapping[str, Any], place: ZoneInfo) -> str:
    from koipond.outreach.words import channel_words

    lines = [phrase("plan {plan}, this run: {counts}", plan=data["plan"], counts=counted(data, ENDS))]
    lines += [
        phrase("  the gate blocked {count:,}: {reason}", count=count, reason=worded(reason))
        for reason, count in data["blocked_by"].items()
    ]
    lines.append(phrase("  the whole plan: {counts}", counts=counted(data["total"], ENDS)))
    lines += [
        phrase(
            "  {count:,} wait for {channel}, which this machine cannot send on; see: koipond doctor",
            count=count,
            channel=channel_words(channel)[spoken()].strip(),
        )
        for channel, count in data["closed"].items()
    ]
    lines += [moved_text(one) for one in data["moved"]]
    lines += [f"  {_claimed(one, place)}" for one in data["claimed"]]
    lines += [
        phrase(
            "  {scope} is paused since {local} by {by}; run: koipond resume {scope}",
            scope=one["scope"],
            local=local(one["since"], place),
            by=one["by"],
        )
        for one in data["paused"]
    ]
    lines += unsent_lines(data["problems"])
    if data["wake_at"]:
        lines.append(
            phrase(
                "  the next touch is due {local} ({key})", local=local(data["wake_at"], place), key=place.key
            )
        )
    return "\n".join(lines)


def _claimed(one: Mapping[str, Any], place: ZoneInfo) -> str:
    """Say what another sender holds, and until when."""
    if one["until"] is None:
        return phrase(
            "{touches:,} were claimed by a sender that has ended; the next send takes them",
            touches=one["touches"],
        )
    who = (
        phrase("process {pid} on {host}", pid=one["pid"], host=one["host"])
        if one["host"]
        else phrase("a sender")
    )
    return phrase(
        "{touches:,} are claimed by {who} until {local}, and free a minute after its last "
        "heartbeat; see: koipond doctor",
        touches=one["touches"],
        who=who,
        local=local(one["until"], place),
    )


def inbox(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Newest messages shown.")] = 20,
    play: Annotated[
        str | None, typer.Option(metavar="KIND", help="clicked, replied, unsubscribed, complained …")
    ] = None,
    keys: Annotated[list[str] | None, typer.Option("--key", help="Which touches answer.")] = None,
    as_of: AsOf = None,
    as_json: JsonFlag = False,
) -> None:
    from koipond.bootstrap import open_app
    from koipond.worker.freshness import facts_known

    with open_app(context.obj) as app:
        box = app.sandbox()
        if play:
            box.play(_answering(keys), _kind(play), app.clock.now())
            note(
                phrase(
                    "{count} receivers answer: {play}; the next send records it",
                    count=len(keys or []),
                    play=play,
                )
            )
        day = app.observation_day(parse_day(as_of))
        until = app.end_of(day)
        messages, differ = box.count(until)
        shown = [
            {
                "key": m.key,
                "accepted_at": m.accepted_at.isoformat(),
                "language": m.language,
                "subject": m.subject,
                "text": m.text,
            }
            for m in box.messages(limit, until=until)
        ]
        box.close()
        data = {"messages": messages, "keys": differ, "shown": shown}
        data |= {**facts_known(app, day), **app.stamp(day)}
        place = app.zone
    say(data, lambda: with_facts(data, _inbox_text(data, place)), as_json=as_json)


def _answering(keys: list[str] | None) -> list[str]:
    if not keys:
        raise InputError("--play: say which messages are answered, with --key KEY (inbox shows the keys)")
    return keys


def _kind(play: str) -> Any:
    kinds = ("opened", "clicked", "replied", "complained", "unsubscribed", "bounced")
    if play not in kinds:
        raise InputError("--play {play}: choose one of {kinds}", play=play, kinds=joined(", ", kinds))
    return play


def _inbox_text(data: Mapping[str, Any], place: ZoneInfo) -> str:
    parts = [
        phrase(
            "{messages:,} messages arrived, {keys:,} different touches",
            messages=data["messages"],
            keys=data["keys"],
        )
    ]
    for message in data["shown"]:
        body = "\n".join(f"    {line}" for line in message["text"].strip().splitlines())
        head = f"{local(message['accepted_at'], place)}  {message['key']}  {message['language']}"
        parts.append(f"{head}\n  {message['subject']}\n{body}")
    return "\n\n".join(parts)
