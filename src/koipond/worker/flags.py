"""Flags of people (员工、未成年人): what imports brought to the warehouse, told to the store."""

from koipond.bootstrap import App
from koipond.ingest.ports import Reader


def tell_flags(app: App, reader: Reader) -> None:
    """Tell the gate who is staff, a minor or refuses profiling: imports know it, the gate must obey it."""
    people = reader.table("customers")
    flags = [people[name].fill_null(False) for name in ("staff", "minor", "profiling_refused")]
    marked = people.filter(flags[0] | flags[1] | flags[2])
    app.store.people.mirror_flags(
        reader.frame(marked.select("customer_no", "staff", "minor", "profiling_refused")), app.clock.now()
    )
