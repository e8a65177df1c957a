"""`koipond people`: suppress, lift, erase and show people, one or a list of them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from koipond.cli.reply import JsonFlag, counted, marked, say, word
from koipond.kernel import InputError, Message, RefusedError, joined, phrase

if TYPE_CHECKING:
    from koipond.bootstrap import App

Customer = Annotated[
    str | None, typer.Argument(metavar="CUSTOMER", help="Shop id, phone or e-mail; else our uid or number.")
]
File = Annotated[Path | None, typer.Option("--file", metavar="FILE", help="A list: one customer a line.")]
By = Annotated[str, typer.Option("--by", help="Who decides; noted in the audit log.")]
OnChannel = Annotated[str, typer.Option("--channel", help="One channel; default: every one.")]
PEOPLE_MAX = 100_000
_OWN = ("complaint", "unfriended", "hard_bounce")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    people = typer.Typer(help="Suppress, erase and look up people.", no_args_is_help=True)
    people.command(name="suppress", help="Reach somebody no more, whatever they consented to.")(suppress_)
    people.command(name="lift", help="Take suppressions back; consent is asked again.")(lift)
    people.command(name="erase", help="Remove what names somebody; their no stays.")(erase)
    people.command(name="show", help="What is known that permits or forbids reaching somebody.")(show)
    app.add_typer(people, name="people")


def suppress_(
    context: typer.Context,
    by: By,
    reason: Annotated[
        str, typer.Option(help="complaint, unfriended or hard_bounce; anything else is kept as a note.")
    ],
    customer: Customer = None,
    file: File = None,
    channel: OnChannel = "all",
    as_json: JsonFlag = False,
) -> None:
    from koipond.bootstrap import open_app

    place = _channel(channel)
    if not reason.strip():
        raise InputError("--reason is empty; say why")
    kind, note = (reason, "") if reason in _OWN else ("operator", reason)
    with open_app(context.obj) as app:
        numbers = _numbers(app, customer, file)
        added = app.store.erasure.suppress(numbers, kind, place, note, by=by, now=app.machine.now())
        data = {"people": len(numbers), "suppressed": added, "channel": place, "reason": kind, **app.stamp()}
    say(
        data,
        lambda: phrase(
            "{added} of {count} people are suppressed now ({kind})",
            added=added,
            count=len(numbers),
            kind=kind,
        ),
        as_json=as_json,
    )


def lift(
    context: typer.Context,
    by: By,
    customer: Customer = None,
    file: File = None,
    reason: Annotated[str | None, typer.Option(help="Only suppressions of this reason.")] = None,
    channel: OnChannel = "all",
    as_json: JsonFlag = False,
) -> None:
    from koipond.bootstrap import open_app

    place = _channel(channel)
    if reason == "erased":
        raise RefusedError("an erased person has no address left; they have to come to you again")
    with open_app(context.obj) as app:
        numbers = _numbers(app, customer, file)
        gone = app.store.erasure.lift(numbers, reason, place, by=by, now=app.machine.now())
        data = {"people": len(numbers), "lifted": gone, **app.stamp()}
    say(
        data,
        lambda: phrase(
            "{gone} suppressions of {count} people were taken back", gone=gone, count=len(numbers)
        ),
        as_json=as_json,
    )


def erase(
    context: typer.Context,
    by: By,
    customer: Customer = None,
    file: File = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and change nothing.")] = False,
    as_json: JsonFlag = False,
) -> None:
    from koipond.bootstrap import open_app
    from koipond.worker.erasing import erase_people

    with open_app(context.obj) as app:
        numbers = _numbers(app, customer, file)
        if dry_run:
            told: dict[str, Any] = app.store.erasure.count(numbers)
        else:
            told = erase_people(app, numbers, by=by)
        data = {"people": len(numbers), "dry_run": dry_run, **told, **app.stamp()}
    say(data, lambda: _erased_text(data), as_json=as_json)


_ERASED = marked("identifiers", "touches_ended", "messages_emptied", "lists", "tags")


def _erased_text(data: dict[str, Any]) -> str:
    what = Message("would be erased") if data["dry_run"] else Message("are erased")
    counts = counted(data, _ERASED)
    lines = [phrase("{people} people {what}: {counts}", people=data["people"], what=what, counts=counts)]
    if data.get("waits_for"):
        lines.append(
            phrase(
                "  the warehouse follows with its next publication: {waits_for}", waits_for=data["waits_for"]
            )
        )
    return "\n".join(lines)


def show(context: typer.Context, customer: Customer, as_json: JsonFlag = False) -> None:
    from koipond.bootstrap import open_app

    with open_app(context.obj) as app:
        [number] = _numbers(app, customer, None)
        data = {**app.store.erasure.shown(number), **app.stamp()}
    say(data, lambda: _shown_text(data), as_json=as_json)


def _shown_text(data: dict[str, Any]) -> str:
    lines = [
        phrase(
            "customer {customer_no} (with {members})",
            customer_no=data["customer_no"],
            members=joined(", ", map(str, data["members"])),
        )
    ]
    lines += [f"  {word(name)}" for name in marked("staff", "minor") if data[name]]
    lines += [
        phrase("  suppressed on {channel}: {reason}", channel=one["channel"], reason=one["reason"])
        for one in data["suppressed"]
    ]
    lines += [
        phrase(
            "  {channel}, {purpose}: {granted} since {at}",
            channel=one["channel"],
            purpose=one["purpose"],
            granted=phrase("agreed") if one["granted"] else phrase("refused"),
            at=one["at"],
        )
        for one in data["consents"]
    ]
    return "\n".join(lines)


def _channel(word: str) -> str:
    from koipond.ingest.consent_words import channel_of

    found = channel_of(word)
    if found is None:
        raise InputError("--channel {word}: there is no such channel; leave it out for every one", word=word)
    return found


def _numbers(app: "App", customer: str | None, file: Path | None) -> list[int]:
    """Return the people named, by one or by a list; raise InputError with every line that names nobody."""
    from koipond.worker.explaining import one_customer

    if (customer is None) == (file is None):
        raise InputError("name one CUSTOMER, or a list with --file FILE")
    if customer is not None:
        return [one_customer(app, customer)]
    assert file is not None
    return _each(_lines(file), lambda words: one_customer(app, words), str(file))


def _lines(file: Path) -> list[tuple[int, str]]:
    from koipond.sources.text import list_lines

    return [*list_lines(file, PEOPLE_MAX, "customer")]


def _each(lines: Sequence[tuple[int, str]], find: Callable[[str], int], file: str) -> list[int]:
    numbers: dict[int, None] = {}
    faults = []
    for place, words in lines:
        try:
            numbers[find(words)] = None
        except InputError as error:
            faults.append(Message("{file}, line {place}: {error}", file=file, place=place, error=error))
    if faults:
        raise InputError(joined("\n", faults))
    return list(numbers)
