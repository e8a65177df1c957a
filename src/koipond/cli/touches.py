"""`koipond touches unknown | settle`: touches that may have gone out, and an operator's word on them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from koipond.cli.reply import AsOf, JsonFlag, heads, local, parse_day, say
from koipond.cli.stopping import By, named
from koipond.frames import text_table
from koipond.kernel import InputError, Message, heard, listed, phrase, shortened

if TYPE_CHECKING:
    from koipond.bootstrap import App

UNKNOWN_MAX = 100_000
FILE_BYTES_MAX = 200_000_000
_SHOWN = 20
_LISTED = re.compile(r"([0-9a-f]{32})(?:\s*[,;\t]\s*(accepted|failed))?", re.IGNORECASE)
_MESSAGE_ID = re.compile(r"<([0-9a-f]{32})@[^>\s]+>", re.IGNORECASE)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    touches = typer.Typer(help="Touches one by one.", no_args_is_help=True)
    touches.command(name="unknown", help="Touches that may have gone out: nobody has said.")(unknown)
    touches.command(name="settle", help="Say of unknown touches whether they went out.")(settle)
    app.add_typer(touches, name="touches")


def unknown(
    context: typer.Context,
    channel: Annotated[str | None, typer.Option(help="Only those of one channel.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=UNKNOWN_MAX, help="Oldest touches shown.")] = 1_000,
    as_of: AsOf = None,
    as_json: JsonFlag = False,
) -> None:
    from koipond.bootstrap import open_app

    with open_app(context.obj) as app:
        if channel is not None and channel not in app.sheets:
            raise InputError(
                "there is no channel '{channel}'; there is {sheets}",
                channel=channel,
                sheets=listed(app.sheets),
            )
        day = app.observation_day(parse_day(as_of))
        rows = [
            {
                "key": one.key,
                "customer_no": one.customer_no,
                "channel": one.channel,
                "plan": one.plan,
                "since": one.since.isoformat(),
            }
            for one in app.store.unknowns.all(limit, channel)
        ]
        data = {"unknown": app.store.unknowns.count(), "touches": rows, **app.stamp(day)}
        place = app.zone
    say(data, lambda: _unknown_text(data, place), as_json=as_json)


def _unknown_text(data: Mapping[str, Any], place: ZoneInfo) -> str:
    rows = data["touches"]
    if not rows:
        return phrase("no touch is unknown")
    shown = [row | {"since": local(row["since"], place)} for row in rows]
    table = text_table(
        heads("key", "customer", "channel", "plan", "since"), [[*row.values()] for row in shown]
    )
    lines = [table, phrase("{unknown:,} in all", unknown=data["unknown"])]
    channels = sorted({row["channel"] for row in rows})
    lines += [
        heard(_HOW.get(channel, Message("{channel} cannot be asked", channel=channel)))
        for channel in channels
    ]
    lines.append(phrase("then: koipond touches settle KEY… --accepted|--failed --by NAME, or --file FILE"))
    return "\n".join(lines)


_HOW = {
    "sandbox": Message("sandbox settles them by itself at the next: koipond send"),
    "email": Message(
        "email has no way to ask the server: look for <KEY@your.domain> in its log, which --file reads"
    ),
}


def settle(
    context: typer.Context,
    by: By,
    keys: Annotated[list[str] | None, typer.Argument(metavar="[KEY…]", help="Touches, by their key.")] = None,
    file: Annotated[
        Path | None,
        typer.Option(help="KEY[,accepted|failed] a line, or a mail log with Message-IDs."),
    ] = None,
    accepted: Annotated[bool, typer.Option("--accepted", help="They went out.")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="They did not.")] = False,
    as_json: JsonFlag = False,
) -> None:
    from koipond.bootstrap import open_app

    author = named(by)
    if accepted and failed:
        raise InputError("--accepted and --failed: say one of them")
    said = True if accepted else False if failed else None
    with open_app(context.obj) as app:
        wanted, ours_only = _wanted(keys or [], file, said)
        verdicts, already = _checked(app, wanted, ours_only=ours_only)
        done = app.store.unknowns.settle(
            verdicts, detail="settled by an operator", now=app.clock.now(), by=author
        )
        counts = dict.fromkeys(("accepted", "failed"), 0)
        for (_, state), touches in done.items():
            counts[state.value] += touches
        data = {**counts, "already": already, "unknown": app.store.unknowns.count(), **app.stamp()}
    text = phrase(
        "{accepted:,} went out, {failed:,} did not, {already:,} were settled already",
        accepted=counts["accepted"],
        failed=counts["failed"],
        already=already,
    )
    say(
        data,
        lambda: phrase("{text}; {unknown:,} are unknown still", text=text, unknown=data["unknown"]),
        as_json=as_json,
    )


def _wanted(keys: list[str], file: Path | None, said: bool | None) -> tuple[dict[str, bool], bool]:
    """Return key → went out, and whether keys that are not ours are left out (a log holds others too).

    Raises InputError naming everything that cannot be read.
    """
    if bool(keys) == (file is not None):
        raise InputError("name touches by KEY, or a --file, not both")
    if file is None:
        lines = [(f"'{key}'", key) for key in keys]
    else:
        lines = [
            (phrase("{file}, line {place}", file=file, place=place), line) for place, line in _lines(file)
        ]
        if not any(_LISTED.fullmatch(line) for _, line in lines):
            found = {key.lower() for _, line in lines for key in _MESSAGE_ID.findall(line)}
            if found and said is None:
                raise InputError("{file} is a log: say --accepted or --failed for its Message-IDs", file=file)
            if found:
                return dict.fromkeys(sorted(found), bool(said)), True
    return _listed(lines, said), False


def _listed(lines: list[tuple[str, str]], said: bool | None) -> dict[str, bool]:
    wanted: dict[str, bool] = {}
    wrong = []
    for place, line in lines:
        match = _LISTED.fullmatch(line)
        if match is None:
            wrong.append(
                Message(
                    "{place}: no touch key (32 hex digits), with ,accepted or ,failed behind it", place=place
                )
            )
            continue
        word = match.group(2)
        verdict = said if word is None else word.lower() == "accepted"
        if verdict is None:
            wrong.append(Message("{place}: say --accepted or --failed", place=place))
        elif wanted.setdefault(match.group(1).lower(), verdict) != verdict:
            wrong.append(Message("{place}: the same touch is said to have gone out and not to", place=place))
    _raise(wrong)
    if not wanted:
        raise InputError("no touch is named")
    return wanted


def _checked(app: "App", wanted: Mapping[str, bool], *, ours_only: bool) -> tuple[dict[str, bool], int]:
    """Return what is unknown of ``wanted``, and how many were settled so already; raise InputError for all
    others at once."""
    states = app.store.unknowns.states(wanted)
    verdicts: dict[str, bool] = {}
    wrong, already = [], 0
    for key, accepted in wanted.items():
        state, _ = states.get(key, ("", ""))
        if state == "unknown":
            verdicts[key] = accepted
        elif state and (state == "failed") != accepted and state not in _OPEN:
            already += 1
        elif not state and not ours_only:
            wrong.append(Message("'{key}': there is no such touch; see: koipond touches unknown", key=key))
        elif state and not ours_only:
            wrong.append(Message("'{key}': it is {state}, not unknown", key=key, state=state))
    _raise(wrong)
    return verdicts, already


_OPEN = ("planned", "queued", "leased", "sending", "expired")


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    from koipond.sources.text import require_file

    require_file(file)
    if file.stat().st_size > FILE_BYTES_MAX:
        raise InputError(
            "{file} is larger than {file_bytes_max} MB; cut it to the days in doubt",
            file=file,
            file_bytes_max=FILE_BYTES_MAX // 1000000,
        )
    text = file.read_text(encoding="utf-8-sig", errors="replace")
    for place, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield place, line.strip()


def _raise(wrong: Sequence[str]) -> None:
    if wrong:
        raise InputError("nothing was settled:\n{wrong}", wrong=shortened("\n", wrong, _SHOWN))
