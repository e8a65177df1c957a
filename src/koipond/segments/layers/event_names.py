"""Event names as layers know them (事件名称): Segment v2 commerce names, and how else trackers write them.

Facts keep the name a file has; the default lists of a layer hold the aliases beside the v2 name. A list that
a brand writes itself is taken as it stands.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import ibis

from koipond.facts.ports import Reader

ALIASES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Cart Viewed": ("view_cart",),
        "Checkout Started": ("begin_checkout",),
        "Order Completed": ("purchase", "Purchase", "checkout_completed"),
        "Page Viewed": ("page_view",),
        "Payment Info Entered": ("add_payment_info",),
        "Product Added": ("add_to_cart", "product_added_to_cart"),
        "Product Added to Wishlist": ("add_to_wishlist",),
        "Product List Viewed": ("view_item_list", "collection_viewed"),
        "Product Shared": ("share",),
        "Product Viewed": ("view_item",),
        "Products Searched": ("search", "search_submitted"),
        "Promotion Clicked": ("select_promotion",),
        "Promotion Viewed": ("view_promotion",),
    }
)
"""v2 name → the names that Google's and Shopify's trackers give the same act; snake case is added to each."""
SHOWN_MAX = 20


def with_aliases(*names: str) -> tuple[str, ...]:
    """Return ``names`` with every other way to write them, sorted."""
    written = {one for name in names for one in (name, *ALIASES.get(name, ()))}
    return tuple(sorted(written | {name.lower().replace(" ", "_") for name in names}))


def unrecognised(reader: Reader, import_no: int, known: Iterable[str]) -> dict[str, int]:
    """Return name → rows of the events of an import, most first, when none of them is among ``known``.

    Empty when one is recognised: a file of everything a site does holds many names that mean nothing here.
    """
    events = reader.table("events")
    rows = events.filter(events.import_no == import_no)
    if int(reader.scalar(rows.filter(rows.name.isin(sorted(known))).count())):
        return {}
    counted = rows.group_by("name").agg(n=rows.count())
    found = reader.frame(counted.order_by(ibis.desc("n"), "name").limit(SHOWN_MAX)).to_pylist()
    return {row["name"]: int(row["n"]) for row in found}
