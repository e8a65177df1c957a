"""What may be shown (可推荐商品): stock, margin and category of each item. Pure."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from koipond.frames import TableLike, require_columns, to_arrow
from koipond.frames.columns import floats
from koipond.kernel import InputError
from koipond.recommend.ranking import Eligibility


def eligibility_of(
    items: pa.Array,
    *,
    catalogue: TableLike | None,
    item: str,
    margin_min: float | None = None,
    per_category_max: int | None = None,
) -> Eligibility:
    """Return which of ``items`` may be shown.

    ``catalogue`` has one row an item in column ``item``, and any of ``in_stock`` (true or false), ``margin``
    (a number) and ``category`` (text). An item that is not in it, or not in stock, is not shown; nor is one
    below ``margin_min``. Without a catalogue everything may be shown. Raises InputError for a filter whose
    column is missing, or an item listed twice.
    """
    if catalogue is None:
        if margin_min is not None or per_category_max is not None:
            raise InputError("margin_min and per_category_max need a catalogue with margin and category")
        return Eligibility(allowed=np.ones(len(items), dtype=bool))
    table = to_arrow(catalogue)
    needed = [item]
    needed += ["margin"] if margin_min is not None else []
    needed += ["category"] if per_category_max is not None else []
    require_columns(table, needed)
    if len(pc.unique(table.column(item))) != table.num_rows:
        raise InputError("the catalogue lists an item twice in column '{item}'", item=item)
    if per_category_max is not None and per_category_max < 1:
        raise InputError(
            "per_category_max must be at least 1, not {per_category_max}", per_category_max=per_category_max
        )
    listed = table.column(item).combine_chunks().cast(items.type)
    row = pc.fill_null(pc.index_in(items, listed), -1).to_numpy(zero_copy_only=False)
    allowed = row >= 0
    if "in_stock" in table.column_names:
        stock = pc.fill_null(table.column("in_stock").cast(pa.bool_()), False)
        allowed &= stock.to_numpy()[row] & (row >= 0)
    if margin_min is not None:
        allowed &= floats(table, "margin")[row] >= margin_min
    if per_category_max is None:
        return Eligibility(allowed=allowed)
    encoded = table.column("category").combine_chunks().dictionary_encode()
    kinds = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return Eligibility(
        allowed=allowed,
        category=np.where(row >= 0, kinds[row], -1),
        per_category_max=per_category_max,
    )
