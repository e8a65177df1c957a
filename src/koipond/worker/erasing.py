"""Erase people everywhere (删除个人信息): store, sandbox inbox, warehouse. Each step again changes nothing.

The store comes first and names whom; the rest follows from it, now or with the next refresh.
"""

from collections.abc import Sequence
from typing import Any

from koipond.bootstrap import App
from koipond.bootstrap.app import STATE
from koipond.facts.ports import Writer
from koipond.ingest.erasing import count_erased, purge_erased
from koipond.kernel import BusyError, Message, joined
from koipond.store.verify import Check
from koipond.worker.syncing import sync_facts


def erase_people(app: App, customer_nos: Sequence[int], *, by: str) -> dict[str, Any]:
    """Erase the people of ``customer_nos``; return the counts.

    ``waits_for``: who writes the warehouse at this moment; the next publication then takes out the rest.
    """
    counts = app.store.erasure.erase(customer_nos, by=by, now=app.machine.now())
    told: dict[str, Any] = {**counts, "inbox_messages": clear_inbox(app), "warehouse": {}, "waits_for": None}
    try:
        with app.warehouse.write("erase people") as writer:
            told["warehouse"] = purge(app, writer)
            sync_facts(app, writer)
            writer.publish()
    except BusyError as busy:
        told["waits_for"] = str(busy)
    return told


def purge(app: App, writer: Writer) -> dict[str, int]:
    """Take everybody erased out of what ``writer`` publishes next."""
    return purge_erased(writer, app.store.erasure.erased())


def clear_inbox(app: App) -> int:
    """Take the messages of erased people out of the sandbox inbox; return how many."""
    erased = app.store.erasure.erased()
    if not erased or not (app.folder / STATE / "sandbox.sqlite").exists():
        return 0
    box = app.sandbox()
    try:
        return box.forget(app.store.erasure.touch_keys(erased))
    finally:
        box.close()


def erased_in_warehouse(app: App) -> Check:
    """Check that the published facts hold nothing that erased people have said."""
    erased = app.store.erasure.erased()
    if not erased:
        return Check(name="erased_facts", breaks=0, detail="")
    with app.warehouse.read() as reader:
        left = count_erased(reader, erased)
    found = [Message("{count:,} rows of {name}", count=count, name=name) for name, count in left.items()]
    return Check(name="erased_facts", breaks=sum(left.values()), detail=joined("; ", found))
