"""In which language a command speaks: before anything of the workspace is opened."""

import os
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

from koipond.kernel import (
    LANGUAGES,
    InputError,
    Language,
    Message,
    heard,
    joined,
    live_in,
    phrase,
    speak,
    spoken,
    zone,
)

VARIABLE = "KOIPOND_LANGUAGE"
HELP: dict[str, Any] = {"help_option_names": ["-h", "--help"]}
"""How the program is asked for help."""
_FILE = "koipond.yaml"
_LINE = re.compile(rf"^language:\s*['\"]?({'|'.join(LANGUAGES)})\b", re.MULTILINE)
_ZONE = re.compile(r"^zone:\s*['\"]?([A-Za-z0-9_+/-]+)", re.MULTILINE)
_BYTES_MAX = 1_000_000
_LOCALE_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")


def speak_for(given: Sequence[str], folder: Path) -> None:
    """Speak the language of the command line ``given`` in the workspace ``folder`` (`language_of`).

    Times are told in the workspace's zone.
    """
    speak(language_of(given, folder))
    with suppress(InputError):  # whatever opens the workspace says what is wrong with its zone
        live_in(zone(_said_by(folder, _ZONE) or "UTC"))


def language_of(given: Sequence[str], folder: Path) -> Language:
    """Return the language to speak.

    What --json prints is for machines and stays English. Else the first of `_preferred` that is spoken.
    """
    if "--json" in given:
        return "en"
    asked = [value for option, value in pairwise(given) if option == "--language"]
    asked += [one.removeprefix("--language=") for one in given if one.startswith("--language=")]
    return _preferred(asked, folder)


def language_written(option: str | None, folder: Path) -> Language:
    """Return the language of a text that is an answer itself: an explanation, a report, a file for people.

    ``option``: what --language says. It is the language that is spoken; with --json too, which has such a
    text among its values (decision 0018). Raises InputError for a language that is not spoken.
    """
    if option is not None and option not in LANGUAGES:
        raise InputError(
            "--language {language}: use {languages}", language=option, languages=joined(", ", LANGUAGES)
        )
    return _preferred([option or ""], folder)


def _preferred(asked: Sequence[str], folder: Path) -> Language:
    """Return the first language that is spoken: what is ``asked`` for by --language, the variable
    KOIPOND_LANGUAGE, the workspace's, that of the terminal's locale, English."""
    named = [*asked, os.environ.get(VARIABLE, ""), _said_by(folder, _LINE)]
    named += [os.environ.get(name, "")[:2] for name in _LOCALE_VARIABLES]
    spoken: dict[str, Language] = {language: language for language in LANGUAGES}
    return next((spoken[one] for one in named if one in spoken), "en")


def _said_by(folder: Path, line: re.Pattern[str]) -> str:
    """Return what ``line`` of the settings in ``folder`` says, without a parser: a start waits for none."""
    try:
        with (folder / _FILE).open(encoding="utf-8", errors="replace") as opened:
            found = line.search(opened.read(_BYTES_MAX))
    except OSError:
        return ""
    return found[1] if found else ""


def translate_help(command: Any) -> None:
    """Put the help of ``command``, of what is below it and of their options into the language spoken."""
    if spoken() == "en":
        return
    for one in _tree(command):
        for name in ("help", "short_help", "epilog"):
            if text := getattr(one, name, None):
                setattr(one, name, heard(Message(text)))
        one.get_usage = _usage(one.get_usage)
        for parameter in _parameters(one):
            if text := getattr(parameter, "help", None):
                parameter.help = heard(Message(text))


def help_texts(command: Any) -> list[str]:
    """Return every text that `translate_help` looks up."""
    found: dict[str, None] = {}
    for one in _tree(command):
        texts = [getattr(one, name, None) for name in ("help", "short_help", "epilog")]
        for text in (*texts, *(getattr(parameter, "help", None) for parameter in _parameters(one))):
            if text:
                found[text] = None
    return list(found)


def _usage(say: Callable[[Any], str]) -> Callable[[Any], str]:
    def said(context: Any) -> str:
        _fold_help()
        return say(context).replace("Usage: ", phrase("Usage: "), 1)

    return said


def _fold_help() -> None:
    """Let the help wrap where a line is full: Chinese has no blanks, and the library would cut it off."""
    drawing = sys.modules.get("typer.rich_utils")  # not read before help is drawn
    make = getattr(drawing, "_make_rich_text", None)
    if make is None or getattr(make, "folds", False):
        return

    def folded(*given: Any, **options: Any) -> Any:
        made = make(*given, **options)
        made.overflow = "fold"
        return made

    folded.folds = True  # type: ignore[attr-defined]
    drawing._make_rich_text = folded  # type: ignore[union-attr]


def _parameters(command: Any) -> list[Any]:
    """Return what ``command`` takes; the library makes the help option when it is first asked for."""
    import typer

    asks = command.get_help_option(typer.Context(command, **HELP))
    return [*command.params, *([] if asks is None else [asks])]


def _tree(command: Any) -> list[Any]:
    below = getattr(command, "commands", {}).values()
    return [command, *(one for child in below for one in _tree(child))]
