"""What a command says: JSON alone on stdout, or text for people."""

import json
import logging
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from koipond.kernel import InputError, Message, heard, joined, local_time, phrase, spoken

STAMP = ("as_of", "definition_version")
"""What every answer carries (command contract)."""

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="YYYY-MM-DD", help="Observation day D; default the workspace's today."),
]
LanguageOption = Annotated[
    str | None,
    typer.Option("--language", help="zh, en or id; default: KOIPOND_LANGUAGE, else the workspace's."),
]
_FIRST_YEAR, _LAST_YEAR = 1900, 2199  # windows reach back and forth from it
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def parse_day(text: str | None, option: str = "--as-of") -> date | None:
    """Return the day written in ``text`` as YYYY-MM-DD; raise InputError when it is none."""
    if text is None:
        return None
    if not _DAY.fullmatch(text):
        raise InputError("{option} '{text}' is not a day; write it as YYYY-MM-DD", option=option, text=text)
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise InputError(
            "{option} '{text}': there is no such day; write it as YYYY-MM-DD", option=option, text=text
        ) from error
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise InputError(
            "{option} '{text}': write a day of {first_year} to {last_year}, as YYYY-MM-DD",
            option=option,
            text=text,
            first_year=_FIRST_YEAR,
            last_year=_LAST_YEAR,
        )
    return day


def parse_pairs(given: Sequence[str] | None, option: str) -> dict[str, str]:
    """Return name → value of the NAME=VALUE given to ``option``; raise InputError for all that are none."""
    pairs: dict[str, str] = {}
    wrong = []
    for text in given or ():
        name, equals, value = text.partition("=")
        if not equals or not name or name in pairs:
            wrong.append(text)
        pairs[name.strip()] = value.strip()
    if wrong:
        raise InputError(
            "{option} {wrong}: write NAME=VALUE, each name once", option=option, wrong=joined(", ", wrong)
        )
    return pairs


def say(data: Mapping[str, Any], text: Callable[[], str], *, as_json: bool) -> None:
    """Print ``data`` as JSON, or what ``text`` returns. ``data`` must carry the stamp of every answer.

    What was read from facts also says how far they reach: `with_facts` makes the text of such a command.
    """
    if lacking := [name for name in STAMP if name not in data]:
        raise AssertionError(f"the answer lacks {', '.join(lacking)}: add app.stamp() or folder_stamp()")
    print(json.dumps(data, ensure_ascii=False) if as_json else text())


def with_facts(data: Mapping[str, Any], text: str, language: Any = None) -> str:
    """Return ``text``, and below it the newest fact of each source in ``data`` (`facts_known`)."""
    from koipond.insights.freshness_words import facts_line

    return f"{text}\n\n{facts_line(data['newest_facts'], language or spoken())}"


def folder_stamp(folder: Path) -> dict[str, Any]:
    """Return the stamp of a command that needs no workspace: the one of ``folder``, nulls without any."""
    from koipond.bootstrap import stamp_at

    return stamp_at(folder)


def local(instant: str, place: ZoneInfo) -> str:
    """Return an instant of an answer (ISO) as the clock on the wall of the workspace shows it."""
    return local_time(datetime.fromisoformat(instant), place)


def heads(*names: str) -> list[str]:
    """Return the column heads ``names`` in the language spoken."""
    return [phrase(name) for name in names]


def marked(*words: str) -> tuple[str, ...]:
    """Return ``words`` as they are: marks for the catalogues what is said with `word` later."""
    return words


def word(one: str) -> str:
    """Return a state or kind of the program, such as 'sent', in the language spoken."""
    return phrase(one)


def worded(text: str) -> str:
    """Return ``text`` such as 'budget' or 'too_old: 9 days', its word before the colon in the language."""
    name, colon, detail = text.partition(":")
    return f"{word(name)}{colon}{detail}"


def counted(counts: Mapping[str, int], names: Iterable[str] | None = None) -> str:
    """Return 'sent 3, failed 0' of ``counts``, for ``names`` or for what is not 0."""
    shown = [name for name, count in counts.items() if count] if names is None else names
    return heard(
        joined(", ", [Message("{name} {count:,}", name=word(name), count=counts[name]) for name in shown])
    )


def left_out_text(people: int) -> str:
    """Return who is not counted, nothing when everybody is."""
    return phrase("; {people:,} people confirmed as unreal are left out", people=people) if people else ""


class Notes(logging.Handler):
    """Writes what the program logs to stderr, as one line for a person."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write ``record``; stderr is looked up anew, because it may have been exchanged."""
        said = phrase(str(record.msg))
        values = record.args if isinstance(record.args, tuple) else ()
        spoken_values = tuple(heard(one) if isinstance(one, str) else one for one in values)
        note(f"koipond: {said % spoken_values if values else said}")


def note(text: str) -> None:
    """Tell the person something that is not the answer (stderr)."""
    print(text, file=sys.stderr)
