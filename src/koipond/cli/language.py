"""In which language a command speaks: before anything of the workspace is opened."""

import os
import re
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

    What --json prints is for machines and stays English. Else, in this order: --language, the variable
    KOIPOND_LANGUAGE, the workspace's, that of the terminal's locale when Koipond speaks it, English.
    """
    if "--json" in given:
        return "en"
    asked = [value for option, value in pairwise(given) if option == "--language"]
    asked += [one.removeprefix("--language=") for one in given if one.startswith("--language=")]
    asked += [os.environ.get(VARIABLE, ""), _said_by(folder, _LINE)]
    asked += [os.environ.get(name, "")[:2] for name in _LOCALE_VARIABLES]
    spoken: dict[str, Language] = {language: language for language in LANGUAGES}
    return next((spoken[one] for one in asked if one in spoken), "en")


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
    return lambda context: say(context).replace("Usage: ", phrase("Usage: "), 1)


def _parameters(command: Any) -> list[Any]:
    """Return what ``command`` takes; the library makes the help option when it is first asked for."""
    import typer

    asks = command.get_help_option(typer.Context(command, **HELP))
    return [*command.params, *([] if asks is None else [asks])]


def _tree(command: Any) -> list[Any]:
    below = getattr(command, "commands", {}).values()
    return [command, *(one for child in below for one in _tree(child))]
