"""Fields of each kind of import: of what type, and which are required. Column names: synonyms.toml."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Literal

from koipond.ingest.model import Kind

FieldType = Literal["identifier", "text", "number", "money", "instant", "status", "truth"]

PERSON = ("customer_id", "phone", "email")
"""The fields that say who somebody is: one of them is enough."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a kind of import."""

    name: str
    type: FieldType
    told_only: bool = False  # never guessed by a column's name


@dataclass(frozen=True, slots=True)
class Synonyms:
    """Column names that usually hold a field: clear ones, where none is there weak ones, then late ones.

    ``whole``: amounts of a whole order, for files without quantity and unit price. ``beside``: another column
    → names that mean the field in a file that has it.
    """

    names: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()
    beside: Mapping[str, Sequence[str]] = field(default_factory=dict)


def _fields(kind: FieldType, names: str) -> tuple[Field, ...]:
    return tuple(Field(name, kind) for name in names.split())


_PEOPLE = _fields("identifier", "customer_id phone email")

FIELDS: MappingProxyType[Kind, tuple[Field, ...]] = MappingProxyType(
    {
        "orders": (
            *_PEOPLE,
            *_fields("text", "order_id line_id"),
            *_fields("instant", "at"),
            *_fields("money", "amount unit_price"),
            *_fields("number", "quantity"),
            *_fields("money", "discount"),
            *_fields("number", "discount_rate"),
            Field("paid_share", "number", told_only=True),
            Field("order_amount", "money", told_only=True),
            *_fields("money", "refund_amount"),
            *_fields("money", "order_refund_amount"),
            *_fields("instant", "refunded_at"),
            *_fields("text", "sku category coupon store staff channel"),
            *_fields("status", "status refund_status"),
            *_fields("text", "currency refund_of"),
        ),
        "events": (
            *_PEOPLE,
            *_fields("text", "name"),
            *_fields("instant", "at"),
            *_fields("text", "event_id sku"),
            *_fields("money", "amount"),
        ),
        "customers": (
            *_PEOPLE,
            *_fields("instant", "joined_at updated_at birthday"),
            *_fields("text", "gender city"),
            *_fields("truth", "member follower friend staff minor profiling_refused"),
        ),
        "products": (*_fields("text", "sku name category"), *_fields("money", "price margin")),
        "consents": (
            *_PEOPLE,
            *_fields("text", "channel purpose"),
            *_fields("status", "status"),
            *_fields("instant", "at"),
        ),
        "touches": (
            *_PEOPLE,
            *_fields("text", "channel"),
            *_fields("instant", "at"),
            *_fields("text", "touch_id strategy play content purpose"),
            *_fields("money", "cost"),
        ),
    }
)

REQUIRED: MappingProxyType[Kind, tuple[tuple[tuple[str, ...], ...], ...]] = MappingProxyType(
    {
        # each entry: alternatives, of which one must be mapped completely
        "orders": (
            (("customer_id",), ("phone",), ("email",)),
            (("order_id",),),
            (("at",),),
            (("amount",), ("quantity", "unit_price"), ("order_amount",)),
        ),
        "events": ((("customer_id",), ("phone",), ("email",)), (("name",),), (("at",),)),
        "customers": ((("customer_id",), ("phone",), ("email",)),),
        "products": ((("sku",),),),
        # a no without a channel or a time counts for every channel, from now on
        "consents": ((("customer_id",), ("phone",), ("email",)), (("status",),)),
        "touches": ((("customer_id",), ("phone",), ("email",)), (("channel",),), (("at",),)),
    }
)

RIVALS: MappingProxyType[str, tuple[str, ...]] = MappingProxyType(
    {
        "amount": ("order_amount",),
        "order_amount": ("amount",),
        "discount": ("discount_rate",),
        "discount_rate": ("discount",),
        "paid_share": ("discount", "discount_rate"),
        "refund_amount": ("order_refund_amount",),
        "order_refund_amount": ("refund_amount",),
    }
)
"""Fields that say the same in another way: when one is told, the others are not guessed."""

KEEPS_OTHER_COLUMNS: frozenset[Kind] = frozenset({"events", "customers"})
"""Kinds whose further columns become event properties or traits."""

NESTS = ("properties", "traits")
"""Objects of a JSON line whose members are columns of their own, called ``properties.plan``."""


@cache
def synonyms(kind: Kind, field: str) -> Synonyms:
    """Return the usual column names of ``field`` in a file of ``kind``."""
    table = _table()
    found = table["person" if field in PERSON else kind].get(field, {})
    beside = found.get("beside", {})
    ranks = {rank: tuple(names) for rank, names in found.items() if rank != "beside"}
    return Synonyms(**ranks, beside=beside)


@cache
def _table() -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    text = resources.files("koipond.ingest").joinpath("synonyms.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
