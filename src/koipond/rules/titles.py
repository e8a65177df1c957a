"""What the brand calls its segments, lists, tags, traits and strategies (名称), in each language. Pure."""

from collections.abc import Mapping

from koipond.rules.labels import LANGS

Titles = Mapping[tuple[str, str], Mapping[str, str]]
"""(kind, key) → language → name; kinds: segment, list, tag, tag value (``group:value``), trait …"""


def title(names: Mapping[str, str], key: str) -> dict[str, str]:
    """Return the name in each language; one that is not given is that of another, at last ``key``."""
    other = next((names[lang] for lang in ("en", "zh", "id") if names.get(lang)), key)
    return {lang: names.get(lang) or other for lang in LANGS}
