"""What a command says: JSON alone on stdout, or text for people."""

import json
import sys
from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated, Any

import typer

from koipond.kernel import InputError

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="YYYY-MM-DD", help="Observation day D; default the workspace's today."),
]


def parse_day(text: str | None) -> date | None:
    """Return the day written in ``text``; raise InputError when it is none."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"--as-of '{text}' is not a day; write it as YYYY-MM-DD") from error


def say(data: Mapping[str, Any], text: Callable[[], str], *, as_json: bool) -> None:
    """Print ``data`` as JSON, or what ``text`` returns."""
    print(json.dumps(data, ensure_ascii=False) if as_json else text())


def note(text: str) -> None:
    """Tell the person something that is not the answer (stderr)."""
    print(text, file=sys.stderr)
