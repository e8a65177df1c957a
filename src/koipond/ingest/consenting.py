"""Consents from a file (导入授权): withdrawals are in force first of all, grants last of all.

1. Read and judged without the warehouse's lease: a file with a word nobody knows is refused whole.
2. The withdrawals are recorded: they hold from then on, whatever else runs and becomes of the import.
3. As writer of the warehouse: new customers, rows put aside and the journal entry are published.
4. The grants take force and the import is done, in one commit of the store; then the copy in the warehouse.

Killed before 4 it leaves no grant; the same file again goes on and is counted once. Killed after it, the same
file again, a plan or a refresh brings the copy.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from koipond.facts.ports import IbisTable, Reader, Warehouse, Writer
from koipond.ingest.addresses import keys_of
from koipond.ingest.archive import columns_of, take_back
from koipond.ingest.consent_rows import judge_consents
from koipond.ingest.consent_words import SEVERAL, ConsentWords, read_words
from koipond.ingest.contacts import copy_consents
from koipond.ingest.customers import know_customers
from koipond.ingest.door import Door
from koipond.ingest.judging import aside_rows, shown, write_aside
from koipond.ingest.model import ImportResult, Progress
from koipond.ingest.people import resolve_people
from koipond.ingest.pipelines import Job, Outcome
from koipond.ingest.ports import ConsentBook, ImportJournal, ImportStart
from koipond.ingest.privacy import said
from koipond.ingest.publishing import how_ended, masked_columns, publish, result_of
from koipond.ingest.quality import QualityRules
from koipond.ingest.readings import Readings, decide
from koipond.ingest.remarks import remarks_on_masked
from koipond.ingest.settling import ASIDE_MAX, settle_dead
from koipond.ingest.staging import Staged, stage_rows
from koipond.ingest.waiting import Patience, writing
from koipond.kernel import BusyError, Clock, InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """A file as it was understood, out of the engine that read it. ``new``: withdrawals not known before."""

    aside: pa.Table  # the rows that are put aside, as `quarantine` keeps them
    judged: pa.Table
    people: pa.Table
    withdrawals: pa.Table
    grants: pa.Table
    readings: Readings
    read: int
    masked: Mapping[str, int]
    new: int = 0

    @property
    def notes(self) -> dict[str, int]:
        """Say how many of which kind there are."""
        aside = self.judged.filter(pc.is_valid(self.judged["rule"])).select(["row", "granted"])
        counts = {
            "withdrawals": self.withdrawals.num_rows,
            "withdrawals_counted_from_now": sum(self.withdrawals.column("undated").to_pylist()),
            "withdrawals_put_aside": len({one["row"] for one in aside.to_pylist() if not one["granted"]}),
        }
        return {name: count for name, count in counts.items() if count}


def import_consents(
    job: Job,
    start: ImportStart,
    *,
    book: ConsentBook,
    warehouse: Warehouse,
    journal: ImportJournal,
    clock: Clock,
    rules: QualityRules,
    patience: Patience | None,
    progress: Progress | None,
    cancelled: Callable[[], bool] | None,
) -> ImportResult:
    """Record what the file says about consents; see the module.

    Raises InputError when the file cannot be read as it stands: then nothing was recorded. Raises BusyError
    when another process kept the warehouse too long and there are grants: it says what is in force.
    """
    with warehouse.read() as reader:
        registry = job.registry
        door = Door(
            job.mapping, job.request.declared, blind=registry.identities.blind, region=registry.region,
            dates_as_written="%" in (job.request.date_format or ""),
        )  # fmt: skip
        staged = stage_rows(reader, job.rows, job.mapping, progress, cancelled, door, clock)
        raw = staged.table
        [column, *_] = job.mapping.columns["status"]
        words = read_words(reader, raw, job.request, job.rows.file, column)
        readings = _readings(reader, raw, words, job)
        journal.dead(job.registry.now)  # whose process is gone holds no lease from here on
        job = replace(job, import_no=journal.begin(start, job.registry.now))
        try:
            heard = _understand(reader, raw, words, readings, job, staged)
            new = book.count_new(heard.withdrawals, import_no=job.import_no)  # with a killed import's
            book.record(heard.withdrawals, import_no=job.import_no, proof=_proof(job), now=job.registry.now)
        except BaseException as error:
            told = said(error, registry.region)
            journal.finish(job.import_no, how_ended(error), {"error": told}, clock.now())
            raise
    return _Completion(job, replace(heard, new=new), book, journal, clock, rules).run(warehouse, patience)


@dataclass(frozen=True, slots=True)
class _Completion:
    """What is left to do once the withdrawals are in force."""

    job: Job
    heard: _Heard
    book: ConsentBook
    journal: ImportJournal
    clock: Clock
    rules: QualityRules

    def run(self, warehouse: Warehouse, patience: Patience | None) -> ImportResult:
        job, opened = self.job, False
        try:
            with writing(warehouse, f"import consents {job.rows.file}", self._beating(patience)) as writer:
                opened = True
                settle_dead(writer, self.journal, self.clock.now(), consents=self.book, touches=job.touches)
                return self._complete(writer)
        except BaseException as error:
            self._fail(how_ended(error), said(error, self.job.registry.region))
            if isinstance(error, BusyError) and not opened:
                return self._without_warehouse(error)
            raise

    def _beating(self, patience: Patience | None) -> Patience | None:
        def wait(busy: BusyError) -> bool:
            self.journal.beat(self.job.import_no, self.clock.now())
            return patience is not None and patience(busy)

        return wait

    def _complete(self, writer: Writer) -> ImportResult:
        job, heard = self.job, self.heard
        self._take_over(writer)
        judged = writer.stage("import_judged", heard.judged)
        aside = write_aside(writer, writer.stage("import_aside", heard.aside), job.import_no)
        people = writer.stage("import_consenting", heard.people)
        outcome = Outcome(
            quarantined=aside,
            changes={"consents_new": heard.new + self.book.count_new(heard.grants, import_no=job.import_no)},
            notes={"customers_new": know_customers(writer, judged, people, job.import_no)},
            readings=heard.readings,
            masked=heard.masked,
        )
        result = result_of(writer, job, heard.read, outcome, self.rules)
        result = publish(writer, job, outcome, replace(result, notes={**result.notes, **heard.notes}))
        if result.repeated:
            self.book.hand_over(job.import_no, result.import_no)
            result = self._copied(writer, result)
            self.journal.finish(job.import_no, "done", result.to_dict(), self.clock.now())
            return result
        self.journal.finish(job.import_no, "published", result.to_dict(), self.clock.now())
        now = self.clock.now()
        self.book.record(heard.grants, import_no=job.import_no, proof=_proof(job), now=now, closes=True)
        result = self._copied(writer, result)
        self.journal.finish(job.import_no, "done", result.to_dict(), self.clock.now())
        return result

    def _copied(self, writer: Writer, result: ImportResult) -> ImportResult:
        """Publish the copy of what holds now, unless the warehouse has it; so does one repeated."""
        if not copy_consents(writer, self.book):
            return result
        if result.repeated:  # what this reading of the file wrote is in force already
            take_back(writer, self.job.import_no)
        return replace(result, version=writer.publish())

    def _take_over(self, writer: Writer) -> None:
        """Take back what an import of this very file published that died before its grants took force."""
        imports = writer.table("imports")
        twins = imports.filter(
            (imports["fingerprint"] == self.job.rows.fingerprint)
            & (imports["kind"] == self.job.request.kind)
            & (imports["source"] == self.job.request.source)
        )
        for number in writer.frame(twins.select("import_no")).column("import_no").to_pylist():
            entry = self.journal.entry(number)
            if entry is not None and entry.outcome in ("failed", "cancelled"):
                take_back(writer, number)

    def _fail(self, how: str, error: str) -> None:
        """End the import, unless its grants are in force: then only a copy is missing."""
        entry = self.journal.entry(self.job.import_no)
        if entry is None or entry.outcome != "done":
            self.journal.finish(self.job.import_no, how, {"error": error}, self.clock.now())

    def _without_warehouse(self, busy: BusyError) -> ImportResult:
        """Say what is in force although another process kept the warehouse; raise when grants are not."""
        job, heard = self.job, self.heard
        grants = self.book.count_new(heard.grants, import_no=job.import_no)
        rules = heard.aside.column("rule").to_pylist()
        if grants:
            raise BusyError(
                "import {import_no} of {file}: {num_rows:,} withdrawals are in force; "
                "{grants:,} grants are not, and {count:,} rows are not put aside: {busy}. "
                "Run the command again",
                import_no=job.import_no,
                file=job.rows.file,
                num_rows=heard.withdrawals.num_rows,
                grants=grants,
                count=len(rules),
                busy=busy,
                waits_for=str(busy),
            )
        aside = {rule: rules.count(rule) for rule in dict.fromkeys(rules)}
        kept = self.journal.put_by(job.import_no, heard.aside.to_pylist()[:ASIDE_MAX])
        masked_in = masked_columns(job, heard.masked)
        waiting = {"copies_that_wait_for_the_warehouse": 1, "rows_put_aside_that_wait": kept}
        return ImportResult(
            import_no=job.import_no,
            kind="consents",
            file=job.rows.file,
            source=job.request.source,
            read=heard.read,
            kept=heard.read - len(rules),
            quarantined=aside,
            flagged={},
            mapping=job.mapping.shown(),
            formats={**job.rows.details, **heard.readings.shown()},
            samples=shown(heard.aside.to_pylist()),
            changes={"consents_new": heard.new},
            notes={**heard.notes, **{name: count for name, count in waiting.items() if count}},
            version=0,
            remarks=remarks_on_masked(masked_in),
            masked=masked_in,
        )


def _understand(
    reader: Reader, raw: IbisTable, words: ConsentWords, readings: Readings, job: Job, staged: Staged
) -> _Heard:
    found = resolve_people(reader, raw, job.request, job.registry, staged.door, keys_of)
    now_s = int(job.registry.now.timestamp())
    judged = judge_consents(reader, found.rows, words, readings, job.setting, now_s)
    good = judged.filter(judged["rule"].isnull())
    return _Heard(
        aside=reader.frame(aside_rows(raw, _once(judged), declared=bool(job.request.declared))),
        judged=reader.frame(judged.select("row", "rule", "field", "customer_no", "granted")),
        people=reader.frame(found.people),
        withdrawals=_facts(reader, good.filter(~good["granted"])),
        grants=_facts(reader, good.filter(good["granted"])),
        readings=replace(
            readings, tables={"status": words.status, "channel": words.channel, "purpose": words.purpose}
        ),
        read=staged.count,
        masked=staged.masked,
    )


def _once(judged: IbisTable) -> IbisTable:
    """Return the rows with a rule, each once, however many addresses it names."""
    bad = judged.filter(judged["rule"].notnull())
    return bad.group_by("row").agg(**{name: bad[name].min() for name in ("rule", "field", "customer_no")})


def _facts(reader: Reader, rows: IbisTable) -> pa.Table:
    names = [*columns_of("consents"), "undated"]
    for several in ("channel", "purpose"):
        rows = rows.mutate(**{several: rows[several].split(SEVERAL).unnest()})
    return reader.frame(rows.select(names).distinct().order_by("at_s", "customer_no"))


def _readings(reader: Reader, raw: IbisTable, words: ConsentWords, job: Job) -> Readings:
    """Decide how times are read. When nobody can tell, and the file only withdraws, all count from now."""
    try:
        return decide(reader, raw, job.mapping, job.request, job.rows)
    except InputError:
        if job.request.date_format is not None or "true" in words.status.values():
            raise
        columns = {name: names for name, names in job.mapping.columns.items() if name != "at"}
        return decide(reader, raw, replace(job.mapping, columns=columns), job.request, job.rows)


def _proof(job: Job) -> str:
    return f"import {job.import_no}: {job.rows.file} sha256 {job.rows.fingerprint}"
