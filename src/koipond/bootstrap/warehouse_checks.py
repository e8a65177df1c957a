"""What `verify` sees of the warehouse and of leases (数仓核查): the pair, published files, holders."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from koipond.bootstrap.app import App
from koipond.facts.ports import FileRecord
from koipond.ingest.belonging import Verdict
from koipond.kernel import Message, joined, wall_time
from koipond.store.leases import TTL
from koipond.store.verify import Check, check_of
from koipond.warehouse import host_name
from koipond.warehouse.checksums import digest
from koipond.warehouse.tidying import data_files, quarantined

GARBAGE_AFTER = timedelta(days=1)


def warehouse_checks(app: App) -> list[Check]:
    """Run every check that needs the warehouse's folder or the machine's clock."""
    return [
        check_of("pair", list(_pair(app.pair))),
        check_of("store_file", app.store.belonging.damages()),
        _files(app),
        check_of("lease_holders", list(_holders(app, app.machine.now()))),
    ]


def _pair(verdict: Verdict) -> Iterator[str]:
    """Store and warehouse belong together."""
    if not verdict.usable:
        yield joined("; ", (verdict.problem, verdict.fix))


def _files(app: App) -> Check:
    """Every file of a kept version is there as it was published; says what else lies in the folder."""
    root = app.warehouse.root
    records = app.store.versions.files()
    named = {
        (dataset, file)
        for manifest in app.store.versions.kept(app.machine.now())
        for dataset, files in manifest.datasets.items()
        for file in files
    }
    breaks = [broken for one in sorted(named) if (broken := _broken(app, one, records.get(one)))]
    known = {root / dataset / file for dataset, file in (*named, *records)}
    loose = sum(file not in known for file in data_files(root))
    found = check_of("warehouse_files", breaks)
    aside = len(quarantined(root))
    notes = [
        *[found.detail] * bool(found.detail),
        *[Message("{loose} files that no version names", loose=loose)] * bool(loose),
        *[Message("{aside} in quarantine", aside=aside)] * bool(aside),
    ]
    return Check(name=found.name, breaks=found.breaks, detail=joined("; ", notes))


def _broken(app: App, named: tuple[str, str], record: FileRecord | None) -> str:
    """Return what is wrong with a published file; one of an older release has no record but its name."""
    path = app.warehouse.root / named[0] / named[1]
    place = "/".join(named)
    try:
        size = path.stat().st_size
    except OSError:
        return Message("{place} is missing", place=place)
    if record is None:
        return ""
    if size != record.bytes:
        return Message(
            "{place} has {size} bytes, {bytes} were published", place=place, size=size, bytes=record.bytes
        )
    return (
        ""
        if digest(path) == record.sha256
        else Message("{place} is not what was published (sha256)", place=place)
    )


def _holders(app: App, now: datetime) -> Iterator[str]:
    """No lease reaches further than any honest heart beats, and each reader's version is on record."""
    versions = {manifest.version for manifest in app.store.versions.kept(now)}
    for held in app.store.leases.held():
        who = Message(
            "lease {lease} ({kind}: {purpose}, {host})",
            lease=held.lease,
            kind=held.kind,
            purpose=held.holder.purpose,
            host=host_name(held.holder.host),
        )
        if held.until > now + 2 * TTL:
            yield Message(
                "{who} ends {until}: its holder's clock is ahead; koipond leases free",
                who=who,
                until=wall_time(held.until),
            )
        elif held.until < now - GARBAGE_AFTER:
            yield Message(
                "{who} ended {until} and is still on record; koipond leases free",
                who=who,
                until=wall_time(held.until),
            )
        elif held.version and held.until > now and held.version not in versions:
            yield Message(
                "{who} holds version {version}, which is not on record", who=who, version=held.version
            )
