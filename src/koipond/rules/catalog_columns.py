"""What the catalogue is made of (字段目录的内容): columns of profile and facts, and computed fields. Data."""

from collections.abc import Mapping
from typing import Literal

from koipond.rules.tree import FactKind, Facts, Field, Known, Measure

Derived = Literal["stored", "days_since", "days_until", "weekday", "hour", "computed"]

NUMBERS = {
    "customer_no": ("customer_no", 0),
    "purchase_days": ("purchase_days", 0),
    "orders_365d": ("orders_365d", 0),
    "repurchase_cycle_days": ("cycle_microdays", 6),
    "r_score": ("r_score", 0),
    "f_score": ("f_score", 0),
    "m_score": ("m_score", 0),
}
MONEY = {"money_365d": "money_365d_fen", "value_365d": "value_365d_fen"}
DAYS = {
    "first_purchase_on": "first_purchase_day",
    "last_purchase_on": "last_purchase_day",
    "due_from_on": "due_from_day",
    "due_to_on": "due_to_day",
}
VIRTUAL: Mapping[str, tuple[str, Derived]] = {
    "days_since_first_purchase": ("first_purchase_day", "days_since"),
    "days_since_last_purchase": ("last_purchase_day", "days_since"),
    "days_until_due": ("due_from_day", "days_until"),
}
_ORDERS = Facts(kind="orders")
_WITH_COUPON = Facts(kind="orders", where=(Known(operand=Field(name="coupon")),))
COMPUTED: Mapping[str, Measure] = {
    "average_order_value": Measure(facts=_ORDERS, how="average", column="net"),
    "coupon_share": Measure(facts=_WITH_COUPON, how="share"),
    "last_store": Measure(facts=_ORDERS, how="latest", column="store"),
    "last_staff": Measure(facts=_ORDERS, how="latest", column="staff"),
    "last_channel": Measure(facts=_ORDERS, how="latest", column="channel"),
}
"""Fields that stand for a measure over facts; nothing of them is kept."""
FACT_TEXTS: Mapping[FactKind, tuple[str, ...]] = {
    "orders": ("channel", "store", "staff", "coupon", "source"),
    "items": ("sku", "category", "product"),
    "events": ("name", "source", "sku"),
    "touches": ("strategy", "play", "variant", "channel", "purpose", "state"),
    "responses": ("kind",),
    "refunds": ("source",),
    "pending": ("channel", "store", "staff", "coupon", "source"),
    "codes": ("list",),
}
FACT_MONEY: Mapping[FactKind, tuple[str, ...]] = {
    "orders": ("net", "gross", "discount"),
    "items": ("amount", "discount"),
    "events": ("amount",),
    "touches": ("cost",),
    "responses": (),
    "refunds": ("amount",),
    "pending": ("net", "gross", "discount"),
    "codes": (),
}
POSITIONAL: Mapping[FactKind, str] = {"events": "name", "responses": "kind"}
