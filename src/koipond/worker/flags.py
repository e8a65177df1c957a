"""Flags of people (员工、未成年人): what imports brought to the warehouse, told to the store."""

from koipond.bootstrap import App
from koipond.facts.ports import Reader
from koipond.ingest.flags import flagged


def tell_flags(app: App, reader: Reader) -> None:
    """Tell the gate who is staff, a minor or refuses profiling: imports know it, the gate must obey it."""
    rows = flagged(reader, app.observation_day(None))
    app.store.people.mirror_flags(rows, app.clock.now())
