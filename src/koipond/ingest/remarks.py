"""What an import says beside its counts (导入说明): what it filled in, assumed or leaves in doubt."""

from collections.abc import Iterator, Mapping


def remarks_on_orders(notes: Mapping[str, int]) -> tuple[str, ...]:
    """Return a sentence for each of ``notes`` of an orders import that an operator should know of."""
    return tuple(_sentences(notes))


def _sentences(notes: Mapping[str, int]) -> Iterator[str]:
    if count := notes.get("orders_known_later"):
        yield (
            f"{count:,} orders are known in a later state than this file shows (paid, cancelled or given back"
            " since): they stay as they are; if it was the earlier import that was wrong, take it out first:"
            " koipond quality undo IMPORT"
        )
    if count := notes.get("refunds_without_sale"):
        yield (
            f"{count:,} refunds name no sale that was imported: each lowers its customer's money on its own"
            " day, until the orders they belong to are imported"
        )
