"""What an import comes to, and its publication: facts and journal entry together (发布)."""

import json
from collections.abc import Mapping
from dataclasses import replace

import pyarrow as pa

from koipond.facts.ports import Writer
from koipond.facts.schemas import FACTS
from koipond.ingest.archive import columns_of
from koipond.ingest.judging import samples
from koipond.ingest.mapping import own_name
from koipond.ingest.model import ImportResult
from koipond.ingest.pipelines import Job, Outcome
from koipond.ingest.privacy import masked
from koipond.ingest.quality import QualityRules, count_flagged
from koipond.ingest.remarks import remarks_on_masked
from koipond.ingest.trait_remarks import remarks_on_tiers
from koipond.kernel import CancelledError


def how_ended(error: BaseException) -> str:
    """Return the outcome of an import that ``error`` stopped."""
    return "cancelled" if isinstance(error, CancelledError | KeyboardInterrupt) else "failed"


def result_of(writer: Writer, job: Job, read: int, outcome: Outcome, rules: QualityRules) -> ImportResult:
    """Return what ``job`` came to, not published yet."""
    aside = {rule: count for rule, count in outcome.quarantined.items() if count}
    masked_in = masked_columns(job, outcome.masked)
    return ImportResult(
        import_no=job.import_no,
        kind=job.request.kind,
        file=job.rows.file,
        source=job.request.source,
        read=read,
        kept=read - sum(aside.values()),
        quarantined=aside,
        flagged=count_flagged(writer, rules),
        mapping=job.mapping.shown(),
        formats={**job.rows.details, **outcome.readings.shown()},
        samples=samples(writer, job.import_no) if aside else {},
        changes=outcome.changes,
        notes=outcome.notes,
        version=writer.version + 1,
        declared=tuple(sorted(job.request.declared)),
        remarks=(*outcome.remarks, *remarks_on_masked(masked_in), *_tiers(job, outcome)),
        masked=masked_in,
        unused=tuple(masked(name) for name in job.rows.columns if not _is_used(job, outcome, name)),
        traits=tuple(masked(name) for name in outcome.traits or ()),
    )


def masked_columns(job: Job, by_field: Mapping[str, int]) -> dict[str, int]:
    """Return column → how many of its values were masked; one that serves two fields is counted once."""
    columns, found = job.mapping.shown(), dict[str, int]()
    for name, count in by_field.items():
        column = masked(columns[name])
        found[column] = max(count, found.get(column, 0))
    return found


def _tiers(job: Job, outcome: Outcome) -> tuple[str, ...]:
    """Return what is to be said of the shop's own member tiers in a file of customers or orders."""
    if outcome.traits is not None:
        return remarks_on_tiers(outcome.traits, are_traits=True)
    unused = [name for name in job.rows.columns if not _is_used(job, outcome, name)]
    return remarks_on_tiers(unused, are_traits=False) if job.request.kind == "orders" else ()


def _is_used(job: Job, outcome: Outcome, column: str) -> bool:
    """Say whether anything of ``column`` was read, and kept when it is a further one of customers."""
    if column not in job.mapping.used:
        return False
    if column not in job.mapping.others or outcome.traits is None:
        return True
    name = own_name(column)
    return name in outcome.traits or f"traits.{name}" in outcome.traits


def publish(writer: Writer, job: Job, outcome: Outcome, result: ImportResult) -> ImportResult:
    """Publish facts and journal entry together, or nothing when this very file is in force already."""
    imports = writer.table("imports")
    same = imports.filter(
        (imports["fingerprint"] == job.rows.fingerprint)
        & (imports["kind"] == result.kind)
        & (imports["source"] == result.source)
        & (imports["kept"] == result.kept)
    )
    known = writer.frame(same.agg(import_no=same["import_no"].max())).to_pylist()[0]["import_no"]
    if known is not None and not outcome.changed:
        return replace(result, import_no=known, version=writer.version, repeated=True)
    entry = {
        "import_no": job.import_no,
        "kind": result.kind,
        "source": result.source,
        "file": result.file,
        "fingerprint": job.rows.fingerprint,
        "at_s": int(job.registry.now.timestamp()),
        "read": result.read,
        "kept": result.kept,
        "result": json.dumps(result.to_dict(), ensure_ascii=False),
    }
    one = writer.stage("import_entry", pa.Table.from_pylist([entry], schema=FACTS["imports"]))
    writer.append("imports", one.select(columns_of("imports")))
    return replace(result, version=writer.publish())
