"""A template as data: texts by language and part, and which variables it cannot do without. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from koipond.kernel import fingerprint

Part = Literal["subject", "text", "html"]
PARTS: tuple[Part, ...] = ("subject", "text", "html")


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One message in several languages.

    ``texts``: language → part → Liquid source. ``required``: variables (dotted paths) without which nobody
    gets this message. ``fallbacks``: variable → language → what stands in when the customer has no value.
    """

    key: str
    texts: Mapping[str, Mapping[str, str]]
    required: tuple[str, ...] = ()
    fallbacks: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def content(self) -> str:
        """Fingerprint of what is said, without personal values: equal content is a duplicate (design §7)."""
        texts = {language: dict(parts) for language, parts in self.texts.items()}
        fallbacks = {name: dict(words) for name, words in self.fallbacks.items()}
        return fingerprint({"texts": texts, "fallbacks": fallbacks})

    def language_for(self, wanted: str, default: str) -> str:
        """Return ``wanted`` when the template has it, else ``default``, else its first language."""
        for language in (wanted, default):
            if language in self.texts:
                return language
        return min(self.texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A message ready to go. Parts the template lacks are empty."""

    language: str
    subject: str
    text: str
    html: str
