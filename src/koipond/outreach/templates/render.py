"""Render a template for a customer, and preview it on several. Pure; compiled once a content."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from liquid import BoundTemplate

from koipond.kernel import Message, joined
from koipond.outreach.header_text import control_in
from koipond.outreach.templates.contain import TemplateError, compile_liquid, render_liquid
from koipond.outreach.templates.model import PARTS, Rendered, Template

_CACHED_PARTS = 4_096


@lru_cache(maxsize=_CACHED_PARTS)
def _compiled(source: str, escape: bool) -> BoundTemplate:
    return compile_liquid(source, escape=escape)


def compile_part(part: str, source: str) -> BoundTemplate:
    """Return the compiled ``part``; HTML escapes every value, text and subject do not."""
    return _compiled(source, part == "html")


def variables_of(template: Template) -> frozenset[str]:
    """Return the dotted paths a template reads from outside; raise TemplateError when it cannot be parsed."""
    return frozenset(
        path
        for parts in template.texts.values()
        for part, source in parts.items()
        for path in compile_part(part, source).global_variable_paths()
    )


def render(template: Template, language: str, values: Mapping[str, Any]) -> Rendered:
    """Return the message in ``language``; raise TemplateError when a variable has no value.

    ``values`` is nested, such as ``{"customer": {"first_name": "Li"}}``; None counts as absent.
    """
    if language not in template.texts:
        raise TemplateError(
            "template '{key}' has no text in '{language}'", key=template.key, language=language
        )
    filled = _fill(template, language, values)
    parts = {
        part: render_liquid(compile_part(part, source), filled)
        for part, source in template.texts[language].items()
    }
    done = {part: parts.get(part, "") for part in PARTS}
    if found := control_in(done["subject"].strip().replace("\t", " ")):
        what = (
            Message("more than one line")
            if found in ("U+000A", "U+000D")
            else Message("the character {found}", found=found)
        )
        raise TemplateError("template '{key}': the subject has {what}", key=template.key, what=what)
    return Rendered(language=language, subject=done["subject"].strip(), text=done["text"], html=done["html"])


def preview(
    template: Template, rows: Iterable[Mapping[str, Any]], languages: Iterable[str]
) -> list[tuple[Rendered | None, str]]:
    """Render each of ``rows`` (template values of real customers) in each language: message or what is wrong.

    Row by row, the languages in the order given.
    """
    results: list[tuple[Rendered | None, str]] = []
    wanted = tuple(languages)
    for row in rows:
        for language in wanted:
            try:
                results.append((render(template, language, row), ""))
            except TemplateError as error:
                results.append((None, str(error)))
    return results


def _fill(template: Template, language: str, values: Mapping[str, Any]) -> dict[str, Any]:
    filled = _without_none(values)
    missing = [path for path in template.required if _get(filled, path) is None]
    if missing:
        raise TemplateError(
            "template '{key}' needs {missing}",
            key=template.key,
            missing=joined(", ", missing),
            variable=missing[0],
        )
    for path, words in template.fallbacks.items():
        if _get(filled, path) is None and language in words:
            _set(filled, path, words[language])
    return filled


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _without_none(value) if isinstance(value, Mapping) else value
        for key, value in values.items()
        if value is not None
    }


def _get(values: Mapping[str, Any], path: str) -> Any:
    found: Any = values
    for step in path.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def _set(values: dict[str, Any], path: str, value: Any) -> None:
    *steps, last = path.split(".")
    place = values
    for step in steps:
        place = place.setdefault(step, {})
    place[last] = value
