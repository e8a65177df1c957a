"""`koipond codes`: code lists of the brand's own shop, and what became of the codes."""

from pathlib import Path
from typing import Annotated, Any

import typer

from koipond.cli.reply import AsOf, JsonFlag, heads, parse_day, say, with_facts
from koipond.frames import text_table
from koipond.kernel import Amount, InputError, Message, heard, joined, listed, phrase

CODES_MAX = 1_000_000


def register(app: typer.Typer) -> None:
    """Add the commands."""
    codes = typer.Typer(help="Codes of the brand's own shop, one a customer.", no_args_is_help=True)
    codes.command(name="import", help="Add codes, one a line, to a list.")(import_codes)
    codes.command(name="list", help="How many codes are issued, redeemed, expired, open and left.")(
        list_codes
    )
    app.add_typer(codes, name="codes")


def import_codes(
    context: typer.Context,
    list_key: Annotated[str, typer.Argument(metavar="LIST", help="Key of the offer.")],
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="One code a line, or a table whose header names the code.")
    ],
    column: Annotated[
        str | None,
        typer.Option("--column", metavar="NAME", help="Column of the codes, as the first line writes it."),
    ] = None,
    expires_on: Annotated[
        str | None,
        typer.Option(
            "--expires-on",
            metavar="YYYY-MM-DD",
            help="Last good day of these codes; an earlier one in a code's own row counts.",
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    from koipond.bootstrap import open_app
    from koipond.kernel import day_bounds
    from koipond.sources.code_list import read_codes

    found = read_codes(file, CODES_MAX, column)
    day = parse_day(expires_on, "--expires-on")
    with open_app(context.obj) as app:
        if list_key not in app.definitions.offers:
            raise InputError(
                "no code list '{list_key}' is applied; there is {known}",
                list_key=list_key,
                known=listed(sorted(app.definitions.offers)),
            )
        codes, today = found.codes, app.observation_day(None)
        days = [min((d for d in (one.last_day, day) if d), default=None) for one in codes]
        ends = {d: day_bounds(d, app.zone)[1] for d in set(days) if d}
        added = app.store.codes.add(
            list_key,
            [one.code for one in codes],
            lines=[one.line for one in codes],
            ends=[ends[d] if d else None for d in days],
            over_at=day_bounds(today, app.zone)[0],
        )
        data = {
            "list": list_key,
            "read": len(codes) + found.gone,
            "added": added.new,
            "left_out": {"not_free": found.gone, "over": added.over},
            "known": {"moved": added.moved, "promised": added.promised, "undated": added.undated},
            "own_last_day": sum(one.last_day is not None and one.last_day >= today for one in codes),
            "shortened": found.shortened,
            "not_used": list(found.unused),
            "unnamed": found.unnamed,
            **app.stamp(),
        }
    say(data, lambda: _import_text(data), as_json=as_json)


def _import_text(data: dict[str, Any]) -> str:
    """Return what became of a file of codes, one thing a line."""
    out = data["left_out"]
    count = data["read"] - sum(out.values())
    said = [
        phrase(
            "{added:,} of {count:,} codes are new in {list_key}",
            added=data["added"],
            count=count,
            list_key=data["list"],
        )
    ]
    said += [
        phrase(text, count=n)
        for name, text in _COUNTS.items()
        if (n := {**data, **out, **data["known"]}[name])
    ]
    if data["not_used"]:
        said.append(phrase("not used: {columns}", columns=joined(", ", data["not_used"])))
    return "\n".join(said)


_COUNTS = {
    "not_free": Message("left out, marked as used or not to be given: {count:,}"),
    "over": Message("left out, their last day is over: {count:,}"),
    "moved": Message("codes in stock that have another last day now, the one of this file: {count:,}"),
    "promised": Message(
        "codes already issued that keep the last day they went out with; this file gives another: {count:,}"
    ),
    "undated": Message("codes in stock that keep the last day they have, as this file gives none: {count:,}"),
    "own_last_day": Message("codes with a last day of their own: {count:,}"),
    "shortened": Message("last days with a time before 23:59, of which the day before counts: {count:,}"),
    "unnamed": Message(
        "not used: what stands behind the code, lines: {count:,}; name these columns in the first line if it"
        " matters"
    ),
}


_CODE_MONEY = ("cost_fen", "liability_fen")


def list_codes(context: typer.Context, as_of: AsOf = None, as_json: JsonFlag = False) -> None:
    from koipond.bootstrap import open_app
    from koipond.worker.freshness import facts_known
    from koipond.worker.offers import code_counts

    with open_app(context.obj) as app:
        day = app.observation_day(parse_day(as_of))
        rows, currency = code_counts(app, day), app.settings.currency
        data = {"lists": rows, **facts_known(app, day), **app.stamp(day)}
    say(data, lambda: with_facts(data, _code_text(rows, currency)), as_json=as_json)


def _code_text(rows: list[dict[str, Any]], currency: str) -> str:
    """Return the lists as a table; what no order tells is "not known"."""
    header = heads(
        "list", "issued", "redeemed", "expired", "open", "left", "cost of redeemed", "open liability"
    )
    names = ["list", "issued", "redeemed", "expired", "open", "left"]
    table = []
    for row in rows:
        amounts = [None if row[name] is None else heard(Amount(row[name], currency)) for name in _CODE_MONEY]
        table.append(
            [phrase("not known") if cell is None else cell for cell in (*(row[n] for n in names), *amounts)]
        )
    text = text_table(header, table)
    if any(row["redeemed"] is None for row in rows):
        text += phrase(
            "\nno order names a coupon: to count redemptions, import orders with --map coupon=COLUMN"
        )
    return text
