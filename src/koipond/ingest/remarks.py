"""What an import says beside its counts (导入说明): what it filled in, assumed or leaves in doubt."""

from collections.abc import Mapping

from koipond.ingest.mapping import ColumnMap
from koipond.ingest.privacy import masked
from koipond.kernel import Message, some_of
from koipond.kernel.countries import UNKNOWN

_SHOWN = 10


def remarks_on_people(quarantined: Mapping[str, int], mapping: ColumnMap, region: str) -> tuple[str, ...]:
    """Return what may be wrong when a phone alone says who somebody is, and rows name nobody (B13)."""
    count = quarantined.get("missing_customer", 0)
    if not count or "phone" not in mapping or "customer_id" in mapping:
        return ()
    where = (
        Message("a number of {region}", region=region)
        if region != UNKNOWN
        else Message("a number: no country is known")
    )
    return (
        Message(
            "{count:,} rows name nobody: their phone is missing or cannot be read as {where}; for "
            "another country write country: XX in koipond.yaml, then: koipond apply",
            count=count,
            where=where,
        ),
    )


def remarks_on_masked(masked_in: Mapping[str, int]) -> tuple[str, ...]:
    """Return what is to be said of values that were covered since they identify people, by column (A07)."""
    if not masked_in:
        return ()
    return (
        Message(
            "values that look like somebody's phone number, address or identity number were "
            "masked: {columns}; equal order numbers, SKUs and other ids stay equal, but nobody "
            "can read them any more",
            columns=some_of([f"{column} ({count:,})" for column, count in masked_in.items()], _SHOWN),
        ),
    )


def remarks_on_orders(notes: Mapping[str, int], mapping: ColumnMap) -> tuple[str, ...]:
    """Return a sentence for each of ``notes`` of an orders import that an operator should know of."""
    found = [Message(text, count=notes[name]) for name, text in _SENTENCES.items() if notes.get(name)]
    if notes.get("missing_amount") and "quantity" in mapping and "unit_price" in mapping:
        found.append(
            Message("to count quantity × unit price in all rows, leave the amount out: --map amount=")
        )
    if mapping.priced:
        found.append(
            Message(
                "{column} is taken as what was paid for each row: no column says how many pieces; if one "
                "does: --map quantity=COLUMN",
                column=masked(mapping.columns["amount"][0]),
            )
        )
    return tuple(found)


_SENTENCES = {
    "repeated_row": Message(
        "{count:,} rows repeat another elsewhere in the file to the letter and were kept once; "
        "if each stands for a piece of its own, import the file again with --keep-repeated"
    ),
    "equal_rows_beside": Message(
        "{count:,} rows equal the row beside them in the same order to the letter: each counts "
        "as a piece bought"
    ),
    "totals_row": Message("{count:,} rows hold totals and no order: put aside"),
    "no_head": Message(
        "{count:,} lines belong to an order that the file of heads does not hold: put aside; export both "
        "files for the same orders"
    ),
    "orders_without_lines": Message(
        "{count:,} orders of the heads have no line in the other file: each counts as one line of its own"
    ),
    "missing_amount": Message(
        "{count:,} rows have an empty amount (or '-'): put aside, since the list price is not what was paid"
    ),
    "lines_without_amount": Message(
        "{count:,} lines have no amount of their own beside others of their order: they count 0"
    ),
    "unpaid_amounts_filled": Message(
        "{count:,} lines of unpaid orders have no amount: quantity × unit price stands for it, else 0"
    ),
    "order_id_carried_down": Message(
        "{count:,} rows have no order number and go on with the order above them: taken from it"
    ),
    "customer_no_carried_down": Message(
        "{count:,} lines say nothing about their customer: taken from their order"
    ),
    "at_s_carried_down": Message("{count:,} lines have no time: taken from their order"),
    "status_carried_down": Message("{count:,} lines have no status: taken from their order"),
    "partial_refunds_unsaid": Message(
        "{count:,} lines are said to be refunded in part and the file does not say how much: "
        "they count as paid in full; if a column says it: --map refund_amount=COLUMN"
    ),
    "orders_known_later": Message(
        "{count:,} orders are known in a later state than this file shows (paid, cancelled or "
        "given back since): they stay as they are; if it was the earlier import that was "
        "wrong, take it out first: koipond quality undo IMPORT"
    ),
    "orders_with_other_lines": Message(
        "{count:,} orders were known with other lines: those of this file replace them; if an "
        "export was cut in two within an order, put its parts into one file and import that"
    ),
    "refunds_beyond_sale": Message(
        "{count:,} orders had more given back than they were sold for: each counts 0, and what is "
        "beyond its sale lowers nothing; look at the amounts of these orders in the file"
    ),
    "refunds_without_sale": Message(
        "{count:,} refunds name no sale that was imported: each lowers its customer's money on "
        "its own day, until the orders they belong to are imported"
    ),
}
"""What a count of an orders import means to who reads it: rules of rows put aside, and notes."""
