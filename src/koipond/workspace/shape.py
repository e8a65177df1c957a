"""Hold a parsed file against its shape: pydantic's errors become findings with line, code and fix. Pure."""

from collections.abc import Mapping
from datetime import date
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from koipond.kernel import Finding, Message, joined
from koipond.workspace.source import Place, Source

M = TypeVar("M", bound=BaseModel)
_GIVEN_MAX = 200

MISSING_CODES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "owner": ("owner_missing", Message("Name who answers for it: 'owner: crm-team'")),
        "holdout_rate": (
            "holdout_missing",
            Message("Leave some in peace to measure against: 'holdout_rate: 0.10'"),
        ),
        "budget": (
            "budget_missing",
            Message("Say what it may cost: 'budget: {total_fen: …, per_customer_fen: …}'"),
        ),
    }
)


def validate(model: type[M], source: Source) -> tuple[M | None, list[Finding]]:
    """Return ``source`` as a ``model``, or None and every mistake in it."""
    try:
        return model.model_validate(source.body), []
    except ValidationError as error:
        return None, [_finding(model, source, detail) for detail in error.errors(include_url=False)]


def canonical(shape: BaseModel) -> dict[str, Any]:
    """Return the plain body that fingerprints and exports: values at their defaults left out."""
    body: dict[str, Any] = shape.model_dump(mode="json", exclude_defaults=True)
    return body


def from_body(model: type[M], body: Mapping[str, Any]) -> M:
    """Return the shape of an applied body (JSON, so days are texts)."""
    return model.model_validate(body, strict=False)


def suggestion(name: str, known: list[str]) -> str:
    """Return advice for the unknown ``name``: the nearest known one, else the whole list."""
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    return (
        Message("Did you mean '{near}'?", near=near[0])
        if near
        else Message("Known here: {known}", known=joined(", ", sorted(known)))
    )


def _finding(model: type[BaseModel], source: Source, detail: ErrorDetails) -> Finding:
    place: Place = tuple(detail["loc"])
    shown = ".".join(str(step) for step in place if step not in ("variants", ""))
    kind = detail["type"]
    if kind == "extra_forbidden":
        return source.finding(
            place,
            "unknown_key",
            Message("unknown key '{place}'", place=place[-1]),
            suggestion(str(place[-1]), _known(model, place[:-1])),
        )
    if kind == "missing":
        code, fix = MISSING_CODES.get(shown, ("missing_key", Message("Add '{name}:'", name=place[-1])))
        return source.finding(place, code, Message("'{shown}' is missing", shown=shown), fix)
    message = joined("", (f"'{shown}': ", _words(detail), _given(detail["input"])))
    return source.finding(_written(source, place), "bad_value", message, _fix(kind, detail))


def _written(source: Source, place: Place) -> Place:
    """Return ``place`` as the file writes it: a slot with one variant stands there without the word."""
    return place if place in source.lines else tuple(step for step in place if step not in ("variants", ""))


def _words(detail: ErrorDetails) -> str:
    told = detail.get("ctx", {})
    error = told.get("error")
    if error is not None and error.args and isinstance(error.args[0], Message):
        return error.args[0]
    if (kind := _KINDS.get(detail["type"])) is not None:
        return kind
    for bound, template in _BOUNDS.items():
        if bound in told:
            return Message(template, limit=told[bound])
    message = detail["msg"].removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


_KINDS: Mapping[str, Message] = MappingProxyType(
    {
        **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), Message("it must be a whole number")),
        **dict.fromkeys(("float_type", "float_parsing"), Message("it must be a number")),
        **dict.fromkeys(("bool_type", "bool_parsing"), Message("it must be true or false")),
        **dict.fromkeys(("list_type", "tuple_type"), Message("it must be a list")),
        **dict.fromkeys(("dict_type", "model_type"), Message("it must hold 'name: value' lines")),
        **dict.fromkeys(
            ("date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"),
            Message("it must be a day such as 2026-01-31"),
        ),
        "string_type": Message("it must be a text"),
    }
)
_BOUNDS: Mapping[str, str] = MappingProxyType(
    {
        "ge": Message("it must be at least {limit}"),
        "le": Message("it must be at most {limit}"),
        "gt": Message("it must be above {limit}"),
        "lt": Message("it must be below {limit}"),
    }
)


def _given(value: object) -> str:
    if isinstance(value, str | int | float | bool | date) or value is None:
        said = repr(value)
        cut = said if len(said) <= _GIVEN_MAX else f"{said[:_GIVEN_MAX]}…"
        return Message(", not {given}", given=cut)
    return ""


def _fix(kind: str, detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    if kind == "literal_error":
        return Message("Write one of {expected}", expected=context["expected"])
    if kind == "string_pattern_mismatch":
        return Message("Write it so that it fits {pattern}", pattern=context["pattern"])
    return Message("Correct the value")


def _known(model: Any, place: Place) -> list[str]:
    """Return the keys that may stand at ``place`` of ``model``."""
    for step in place:
        model = _inner(model, step)
    fields = getattr(model, "model_fields", {})
    return list(fields)


def _inner(model: Any, step: str | int) -> Any:
    fields = getattr(model, "model_fields", None)
    if fields is not None and step in fields:
        return _bare(fields[step].annotation)
    return model


def _bare(annotation: Any) -> Any:
    """Return the model inside ``list[…]``, ``dict[…, …]`` or ``… | None``, else ``annotation``."""
    for inner in get_args(annotation):
        found = _bare(inner)
        if hasattr(found, "model_fields"):
            return found
    return annotation
