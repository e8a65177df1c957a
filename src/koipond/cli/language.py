"""In which language a command speaks: before anything of the workspace is opened."""

import os
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from koipond.kernel import LANGUAGES, Language, heard, speak
from koipond.kernel.message import Message

if TYPE_CHECKING:
    from click import Command

VARIABLE = "KOIPOND_LANGUAGE"
_FILE = "koipond.yaml"
_LINE = re.compile(rf"^language:\s*['\"]?({'|'.join(LANGUAGES)})\b", re.MULTILINE)
_BYTES_MAX = 1_000_000
_LOCALE_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")


def speak_for(given: Sequence[str], folder: Path) -> None:
    """Speak the language of the command line ``given`` in the workspace ``folder`` (`language_of`)."""
    speak(language_of(given, folder))


def language_of(given: Sequence[str], folder: Path) -> Language:
    """Return the language to speak.

    What --json prints is for machines and stays English. Else, in this order: --language, the variable
    KOIPOND_LANGUAGE, the workspace's, that of the terminal's locale when Koipond speaks it, English.
    """
    if "--json" in given:
        return "en"
    asked = [value for option, value in pairwise(given) if option == "--language"]
    asked += [one.removeprefix("--language=") for one in given if one.startswith("--language=")]
    asked += [os.environ.get(VARIABLE, ""), _of_workspace(folder)]
    asked += [os.environ.get(name, "")[:2] for name in _LOCALE_VARIABLES]
    spoken: dict[str, Language] = {language: language for language in LANGUAGES}
    return next((spoken[one] for one in asked if one in spoken), "en")


def _of_workspace(folder: Path) -> str:
    """Return the language that ``folder`` says, read as a line: a start waits for no parser."""
    try:
        with (folder / _FILE).open(encoding="utf-8", errors="replace") as opened:
            found = _LINE.search(opened.read(_BYTES_MAX))
    except OSError:
        return ""
    return found[1] if found else ""


def translate_help(command: "Command | Any") -> None:
    """Put the help of ``command``, of what is below it and of their options into the language spoken."""
    for one in _tree(command):
        for name in ("help", "short_help", "epilog"):
            if text := getattr(one, name, None):
                setattr(one, name, heard(Message(text)))
        for parameter in one.params:
            if text := getattr(parameter, "help", None):
                parameter.help = heard(Message(text))


def help_texts(command: "Command | Any") -> list[str]:
    """Return every text that `translate_help` looks up."""
    found: dict[str, None] = {}
    for one in _tree(command):
        texts = [getattr(one, name, None) for name in ("help", "short_help", "epilog")]
        for text in (*texts, *(getattr(parameter, "help", None) for parameter in one.params)):
            if text:
                found[text] = None
    return list(found)


def _tree(command: "Command | Any") -> "list[Any]":
    below = getattr(command, "commands", {}).values()
    return [command, *(one for child in below for one in _tree(child))]
