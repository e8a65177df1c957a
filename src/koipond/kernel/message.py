"""What people read, in their language: a template with its values, looked up in the gettext catalogues.

The English template is the id of a message in `koipond/locale/*/LC_MESSAGES/messages.po`: logs, `--json`
and whatever has no translation are English.
"""

import gettext
import os
import re
import string
from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any, Literal, Protocol, get_args, runtime_checkable

Language = Literal["zh", "en", "id"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
LOCALE = Path(__file__).resolve().parent.parent / "locale"
"""Where the catalogues stand."""
DOMAIN = "messages"
"""The one in which the command line library looks up its own words."""
_SWAPPED = str.maketrans(",.", ".,")
_JOINT = re.compile(r"(?:\{part[0-9]+\}|[,;:] )+")
"""A template of `joined`: nothing but values and what stands between them."""
_FULL_WIDTH = str.maketrans({",": "，", ";": "；", ":": "：", " ": ""})
_SPOKEN: ContextVar[Language] = ContextVar("spoken", default="en")


@runtime_checkable
class Spoken(Protocol):
    """What each language says in its own way."""

    def in_language(self, language: Language) -> str:
        """Return it in ``language``."""


class Message(str):
    """One sentence. As text it is English; `in_language` says it in another language.

    ``template``: with ``{name}`` for each of ``values``; without values it stands as it is. A value may be a
    message, or an error that carries one.
    """

    template: str
    values: Mapping[str, Any]

    def __new__(cls, template: str, /, **values: Any) -> "Message":
        """Return the message; raise KeyError when a name of ``template`` has no value."""
        made = super().__new__(cls, template.format(**values) if values else template)
        made.template, made.values = template, values
        return made

    def __add__(self, other: str) -> "Message":
        return joined("", (self, other))

    def __radd__(self, other: str) -> "Message":
        return joined("", (other, self))

    def in_language(self, language: Language) -> str:
        """Return the sentence in ``language``; in English when the catalogue does not have it."""
        if language == "en":
            return str(self)
        template = _catalogue(language).gettext(self.template) if self.template else ""
        if language == "zh" and template == self.template and _JOINT.fullmatch(template):
            template = template.translate(_FULL_WIDTH)
        if not self.values:
            return template
        values = {name: _value(one, language) for name, one in self.values.items()}
        return _FORMATS[language].vformat(template, (), values)


def joined(separator: str, parts: Iterable[str]) -> Message:
    """Return ``parts``, messages or plain texts, as one message."""
    values = {f"part{place}": part for place, part in enumerate(parts)}
    return Message(separator.join(f"{{{name}}}" for name in values), **values)


def shortened(separator: str, parts: Sequence[str], most: int) -> Message:
    """Return ``parts`` as one message, at most ``most`` of them and how many there are besides."""
    more = len(parts) - most
    rest = [Message("and {count:,} more", count=more)] if more > 0 else []
    return joined(separator, [*parts[:most], *rest])


def some_of(parts: Sequence[str], most: int, separator: str = ", ") -> Message:
    """Return 'a, b, c', or 'a, b and 7 more' when there are more than ``most``."""
    shown, more = joined(separator, parts[:most]), len(parts) - most
    return Message("{shown} and {count:,} more", shown=shown, count=more) if more > 0 else shown


def listed(parts: Iterable[str]) -> Message:
    """Return 'a, b, c', or 'none' when there is nothing."""
    found = tuple(parts)
    return joined(", ", found) if found else Message("none")


def any_of(parts: Sequence[str]) -> Message:
    """Return 'a, b or c'."""
    return _ended(Message("{some} or {last}"), parts)


def all_of(parts: Sequence[str]) -> Message:
    """Return 'a, b and c'."""
    return _ended(Message("{some} and {last}"), parts)


def _ended(template: Message, parts: Sequence[str]) -> Message:
    if len(parts) < 2:
        return joined("", parts)
    return Message(template, some=joined(", ", parts[:-1]), last=parts[-1])


def in_language(text: str, language: Language) -> str:
    """Return ``text`` in ``language`` when it is a message or an amount, else as it is."""
    return text.in_language(language) if isinstance(text, Spoken) else text


def number_in(figure: str, language: Language) -> str:
    """Return a figure such as 1,234.5 as ``language`` writes it."""
    return figure.translate(_SWAPPED) if language == "id" else figure


def phrase(template: str, /, **values: Any) -> str:
    """Return the sentence in the language being spoken (`speak`)."""
    return Message(template, **values).in_language(_SPOKEN.get())


def heard(text: str) -> str:
    """Return ``text``, a message or a plain text, in the language being spoken."""
    return in_language(text, _SPOKEN.get())


def speak(language: Language) -> None:
    """From now on say everything in ``language``, the command line library's own words too."""
    _SPOKEN.set(language)
    gettext.bindtextdomain(DOMAIN, str(LOCALE))
    os.environ["LANGUAGE"] = language


def spoken() -> Language:
    """Return the language being spoken."""
    return _SPOKEN.get()


class _Numbers(string.Formatter):
    """Formats as the language writes numbers: Indonesian swaps comma and point."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def format_field(self, value: Any, format_spec: str) -> Any:
        text = super().format_field(value, format_spec)
        return number_in(text, self._language) if _is_number(value) and format_spec else text


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_FORMATS: Mapping[Language, string.Formatter] = {language: _Numbers(language) for language in LANGUAGES}


def _value(value: Any, language: Language) -> Any:
    said = getattr(value, "message", value)  # of an error
    return said.in_language(language) if isinstance(said, Spoken) else value


@cache
def _catalogue(language: Language) -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, LOCALE, languages=[language], fallback=True)
