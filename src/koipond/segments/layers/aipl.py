"""AIPL (S10): aware, interest, purchase, loyal; the highest stage wins. Source: science D1.

Pure: Ibis expressions over the base. Event names are those of the facts; the defaults are Segment v2 names
and their aliases.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import ibis

from koipond.facts.ports import IbisTable
from koipond.segments.layers.event_names import with_aliases
from koipond.segments.layers.fields import Fields

STAGES = ("aware", "interest", "purchase", "loyal")
BROWSE = with_aliases("Page Viewed", "Product List Viewed", "Product Viewed")
ACTIVE = with_aliases(
    "Cart Viewed",
    "Checkout Started",
    "Coupon Applied",
    "Coupon Claimed",
    "Coupon Entered",
    "Payment Info Entered",
    "Product Added",
    "Product Added to Wishlist",
    "Products Searched",
    "Promotion Clicked",
    "Trial Started",
)
PASSIVE = with_aliases("Promotion Viewed")
PRAISE = with_aliases("Cart Shared", "Content Shared", "Positive Review Posted", "Product Shared")
PURCHASE = with_aliases("Order Completed")
ENGAGED = with_aliases(
    "Checked In",
    "Coupon Applied",
    "Coupon Claimed",
    "Product Added",
    "Product Added to Wishlist",
)
_LISTS = ("browse", "active", "passive", "praise", "purchase", "engaged")


@dataclass(frozen=True, slots=True, kw_only=True)
class AiplDefinition:
    """Windows, least counts, event names, and which stock counts as interest (``stock_counts_as_interest``).

    ``purchase_events`` earn a purchase day when they carry no amount (one with an amount is an order's).
    ``engaged_events`` and ``engaged_window_days`` serve the T of FAST only.
    """

    interest_window_days: int = 15
    browse_days_min: int = 2
    loyal_days_min: int = 2
    loyal_window_days: int = 365
    praise_window_days: int = 365
    purchase_window_days: int = 912
    engaged_window_days: int = 180
    stock_member: bool = True
    stock_follower: bool = False
    stock_friend: bool = False
    browse_events: tuple[str, ...] = BROWSE
    active_events: tuple[str, ...] = ACTIVE
    passive_events: tuple[str, ...] = PASSIVE
    praise_events: tuple[str, ...] = PRAISE
    purchase_events: tuple[str, ...] = PURCHASE
    engaged_events: tuple[str, ...] = ENGAGED

    @property
    def event_names(self) -> frozenset[str]:
        """Every event name that means something here."""
        return frozenset(name for one in _LISTS for name in getattr(self, f"{one}_events"))

    @staticmethod
    def read(source: Fields) -> "AiplDefinition":
        """Take the definition from ``source``; mistakes are left in ``source.findings``."""
        of = AiplDefinition()
        days = [f.name for f in fields(AiplDefinition) if f.name.endswith("_window_days")]
        counts = ("browse_days_min", "loyal_days_min")
        stock, events = source.inner("stock_counts_as_interest"), source.inner("events")
        taken: dict[str, Any] = {
            name: source.whole(name, getattr(of, name), low=1, high=36_500) for name in days
        }
        taken |= {name: source.whole(name, getattr(of, name), low=1, high=1000) for name in counts}
        taken |= {
            f"stock_{name}": stock.flag(name, getattr(of, f"stock_{name}"))
            for name in ("member", "follower", "friend")
        }
        taken |= {f"{name}_events": events.names(name, getattr(of, f"{name}_events")) for name in _LISTS}
        stock.close()
        events.close()
        return AiplDefinition(**taken)

    def to_mapping(self) -> dict[str, Any]:
        """Return the canonical body of layers/aipl.yaml."""
        plain = [f.name for f in fields(self) if f.name.endswith(("_window_days", "_min"))]
        return {name: getattr(self, name) for name in plain} | {
            "stock_counts_as_interest": {
                name: getattr(self, f"stock_{name}") for name in ("member", "follower", "friend")
            },
            "events": {name: sorted(getattr(self, f"{name}_events")) for name in _LISTS},
        }


def stage(rows: IbisTable, definition: AiplDefinition, as_of: Any) -> Any:
    """Return the stage of each row of the base, null for none."""

    def within(column: str, days: int) -> Any:
        return ibis.coalesce(rows[column] > as_of - days, False)

    recent = definition.interest_window_days
    loyal = within("loyal_purchase_day", definition.loyal_window_days)
    praised = within("praise_day", definition.praise_window_days)
    interest = within("active_day", recent) | within("browse_nth_day", recent)
    for name in ("member", "follower", "friend"):
        if getattr(definition, f"stock_{name}"):
            interest = interest | rows[name]
    return ibis.cases(
        (loyal | praised, "loyal"),
        (within("last_purchase_day", definition.purchase_window_days), "purchase"),
        (interest, "interest"),
        (within("passive_day", recent) | within("browse_day", recent), "aware"),
    )


def edges(rows: IbisTable, definition: AiplDefinition) -> list[Any]:
    """Return the days on which the stage of rows with ``aipl`` may be lost by the clock.

    Acts and browsing carry only the stages below purchase.
    """
    bought: Mapping[str, int] = {
        "loyal_purchase_day": definition.loyal_window_days,
        "praise_day": definition.praise_window_days,
        "last_purchase_day": definition.purchase_window_days,
    }
    acts = ("active_day", "browse_nth_day", "browse_day", "passive_day")
    early = ibis.coalesce(rows.aipl.isin(("aware", "interest")), False)
    ends = [rows[name] + days for name, days in bought.items()]
    return ends + [ibis.cases((early, rows[name] + definition.interest_window_days)) for name in acts]
