"""One workspace, opened (打开工作区): settings, store, warehouse and clock, built once for a command."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from zoneinfo import ZoneInfo

from koipond.bootstrap.clock import OPENING_HOUR, LastFactClock, LazyClock
from koipond.bootstrap.environment import read_environment
from koipond.bootstrap.heartbeat import Heartbeat
from koipond.bootstrap.links import usable_url
from koipond.bootstrap.rights import tighten
from koipond.bootstrap.served import served_url
from koipond.bootstrap.stores import STATE, open_store, store_file, warehouse_root
from koipond.channels.sandbox import SandboxChannel
from koipond.facts.ports import Holder, Reader, Writer
from koipond.ingest.belonging import JOINED, Verdict
from koipond.kernel import Clock, InputError, KoipondError, day_bounds, day_of, epoch_day
from koipond.outreach.ports import Channel, ChannelSheet
from koipond.outreach.templates import Template
from koipond.settings import Settings, SystemClock, elapsed_s
from koipond.store import Store
from koipond.store.gate import StoredGate
from koipond.store.leases import BEAT, LeaseKind
from koipond.store.outbox import StoredOutbox
from koipond.store.senders import Sender
from koipond.warehouse import (
    EngineOptions,
    ParquetReader,
    ParquetWarehouse,
    ParquetWriter,
    is_alive,
    is_visible,
    this_process,
)
from koipond.warehouse.mark import MarkFile
from koipond.warehouse.spill import sweep
from koipond.warehouse.tidying import SPILL
from koipond.workspace import WorkspaceSettings
from koipond.workspace.kinds import kind_named
from koipond.workspace.load import load_boot
from koipond.workspace.settings import BootSettings

if TYPE_CHECKING:
    from pyroaring import BitMap

    from koipond.bootstrap.definition_set import DefinitionSet
    from koipond.ingest.quality import QualityRules
    from koipond.rules import Catalog
    from koipond.segments.layers.definitions import LayerSet
    from koipond.segments.scope import Scope

_ANCHOR = "clock_anchor"
_ANCHOR_LIFE = timedelta(hours=6)


@dataclass(frozen=True)
class App:
    """What a command works with. Use as a context manager: it closes the store.

    Definitions and settings are those of one apply, the newest when they were first asked for; a process that
    lives long takes the `latest` before each piece of work.
    """

    folder: Path
    boot: BootSettings
    environment: Settings
    machine: Clock
    store: Store
    pair: Verdict = JOINED
    """What store and warehouse are to each other: always usable, but for `doctor` and `verify`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.heartbeat.close()
        self.store.close()

    @cached_property
    def heartbeat(self) -> Heartbeat:
        """What keeps our leases alive: on the machine's clock alone, and when others can see the store."""
        real = isinstance(self.machine, SystemClock) and not self.store.database.in_memory
        return Heartbeat(self.store.leases.beat if real else None, self.machine, BEAT)

    def this_process(self, purpose: str) -> Holder:
        """Describe this process as the holder of a lease."""
        return this_process(purpose)

    def is_alive(self, holder: Holder) -> bool:
        """Say whether the process of a lease still runs; True where it cannot be seen from here."""
        return is_alive(holder)

    def state_of(self, holder: Holder) -> str:
        """Say what is known of a lease's process: runs, gone or unseen (elsewhere, or another container)."""
        if not is_visible(holder):
            return "unseen"
        return "runs" if is_alive(holder) else "gone"

    @cached_property
    def definitions(self) -> "DefinitionSet":
        """All that was applied, as it stood when this was first asked for."""
        from koipond.bootstrap.definition_set import read_definitions

        return read_definitions(self.store, self.boot)

    @cached_property
    def warehouse_version(self) -> int:
        """The warehouse version found when this was first asked for."""
        return self.store.versions.newest_number()

    @property
    def settings(self) -> WorkspaceSettings:
        """The applied settings: the folder's `koipond.yaml` says only where the workspace is kept."""
        return self.definitions.settings

    def versions(self) -> tuple[int, int]:
        """Return the numbers of the apply and of the warehouse version that this works with."""
        return self.definitions.number, self.warehouse_version

    def is_latest(self) -> bool:
        """Say whether nothing was applied, imported or refreshed since: two indexed reads."""
        number, version = self.versions()
        return self.store.definitions.version() == number and self.store.versions.newest_number() == version

    def latest(self) -> "App":
        """Return this workspace as it stands now: itself, or one on the same store and warehouse."""
        if self.is_latest():
            return self
        return self._beside()

    def at(self, number: int) -> "App":
        """Return this workspace under what the apply ``number`` left in force: what a plan was made under."""
        from koipond.bootstrap.definition_set import read_definitions

        if number == self.definitions.number:
            return self
        return self._beside(
            definitions=read_definitions(self.store, self.boot, number),
            warehouse_version=self.warehouse_version,
            clock=self.clock,
        )

    def _beside(self, **own: object) -> "App":
        """Return another of this workspace, with what must not be opened twice and with ``own``."""
        other = replace(self)
        vars(other).update(warehouse=self.warehouse, heartbeat=self.heartbeat, **own)  # files and threads
        return other

    def gate(self) -> StoredGate:
        """Return the contact gate under the workspace's applied settings."""
        return self.store.gate(self.zone, quiet=self.settings.policy.quiet, quotas=self.quotas)

    def outbox(self, purpose: str = "send") -> StoredOutbox:
        """Return the outbox under the workspace's applied settings; whoever claims closes it at the end."""
        sender = Sender(
            hold=lambda _now: self.hold_lease("sender", purpose),
            drop=self.drop_lease,
            is_alive=self.is_alive,
            machine=self.machine,
        )
        quiet = self.settings.policy.quiet
        return self.store.outbox(self.zone, quiet=quiet, quotas=self.quotas, sender=sender)

    def hold_lease(self, kind: LeaseKind, purpose: str) -> str:
        """Take a lease that the heartbeat keeps alive; return its id."""
        held = self.store.leases.open(kind, self.this_process(purpose), self.machine.now())
        self.heartbeat.hold(held)
        return held

    def drop_lease(self, held: str) -> None:
        """Give a lease back."""
        self.heartbeat.drop(held)
        self.store.leases.close(held)

    def elapsed_s(self) -> float:
        """Return seconds that only go forward; on a virtual clock they stand still with it."""
        if isinstance(self.machine, SystemClock):
            return elapsed_s()
        return self.machine.now().timestamp()

    @property
    def zone(self) -> ZoneInfo:
        """The workspace's zone."""
        return self.definitions.zone

    @cached_property
    def clock(self) -> LazyClock:
        """The workspace's clock: what `now` is for plans, caps, quiet hours and touches."""
        return LazyClock(self._find_clock)

    @cached_property
    def warehouse(self) -> ParquetWarehouse:
        """The workspace's warehouse; its leases run on the machine's clock."""
        threads = {} if self.environment.threads is None else {"threads": self.environment.threads}
        options = EngineOptions(memory_limit=self.environment.memory_limit, **threads)
        root = warehouse_root(self.folder)
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        ids = self.store.belonging.ids()
        mark = None if ids is None else MarkFile(root, ids)
        return ParquetWarehouse(root, self.store.versions, self.machine, options, self.heartbeat, mark)

    @contextmanager
    def computing(self, writer: ParquetWriter) -> Iterator[Writer]:
        """Yield what a refresh computes with over the files of ``writer``: itself, or Spark when that is set.

        Raises InputError when Spark lacks something.
        """
        if self.settings.warehouse.engine == "duckdb":
            yield writer
            return
        from koipond.warehouse.spark_session import SparkOptions
        from koipond.warehouse.spark_writer import spark_writer

        options = SparkOptions(
            master=self.environment.spark_master,
            memory=self.environment.spark_memory,
            shuffle_partitions=self.environment.spark_partitions,
        )
        with spark_writer(writer, options) as own:
            yield own

    @property
    def layers(self) -> "LayerSet":
        """The applied layer definitions."""
        return self.definitions.layers

    @property
    def sheets(self) -> Mapping[str, ChannelSheet]:
        """The channels' capability sheets under the brand's own costs and quotas."""
        return self.definitions.sheets

    @cached_property
    def quotas(self) -> dict[str, int]:
        """Channel → touches the platform allows a local day."""
        return {key: s.quota_per_day for key, s in self.sheets.items() if s.quota_per_day is not None}

    @cached_property
    def address_kinds(self) -> dict[str, str]:
        """Channel → kind of identifier it reaches people by."""
        return {key: s.address_kind for key, s in self.sheets.items() if s.address_kind is not None}

    def store_mark(self) -> tuple[int, int] | None:
        """Return what tells the embedded store's file from any other at its place; None when it is not there.

        A process that has it open goes on writing to a file that was moved away, where nobody finds it again.
        PostgreSQL has no file, and None always.
        """
        file = store_file(self.folder)
        if self.boot.store is not None or not file.exists():
            return None
        found = file.stat()
        return found.st_dev, found.st_ino

    def sandbox(self) -> SandboxChannel:
        """Open the sandbox's inbox; the caller closes it."""
        return SandboxChannel(self.folder / STATE / "sandbox.sqlite", self.sheets["sandbox"])

    def channel_makers(self) -> dict[str, Callable[[], Channel]]:
        """Return what opens each channel this machine is set up for; each may raise InputError."""
        made: dict[str, Callable[[], Channel]] = {"sandbox": self.sandbox}
        url = self.environment.smtp_url
        if url is not None:
            made["email"] = lambda: self._email(url)
        return made

    @contextmanager
    def channels(self) -> Iterator[list[Channel]]:
        """Open the channels that this machine can send on: the sandbox, and e-mail when a server is set."""
        opened: list[Channel] = []
        try:
            opened.extend(make() for make in self.channel_makers().values())
            yield opened
        finally:
            for channel in opened:
                channel.close()

    def _email(self, url: str) -> Channel:
        from koipond.channels.email import EmailChannel, email_settings

        if self.environment.mail_from is None:
            raise InputError(
                "KOIPOND_SMTP_URL is set but no sender; export KOIPOND_MAIL_FROM=hello@your.domain"
            )
        sender = self.settings.name or self.settings.key
        settings = email_settings(
            url, self.environment.mail_from, sender, bounces=self.environment.mail_bounces
        )
        return EmailChannel(settings, self.sheets["email"])

    @cached_property
    def public_url(self) -> str:
        """Where customers reach this server, as it goes into mail; raise InputError for one that cannot."""
        return usable_url(self.environment.public_url or served_url(self.store.settings))

    def unsubscribe_url(self, touch_key: str) -> str:
        """Return the one-click link of a touch (RFC 8058); the key itself is the secret (128 random bits)."""
        return f"{self.public_url}/unsubscribe/{touch_key}"

    def template(self, key: str, version: int) -> Template:
        """Return an applied version of a template; raise InputError when there is none."""
        if (key, version) not in self._templates:
            found = self.store.definitions.get("template", key, version)
            if found is None:
                raise InputError("template '{key}' has no version {version}", key=key, version=version)
            self._templates[key, version] = kind_named("template").restore(found.body, self.catalog)
        return self._templates[key, version]

    @cached_property
    def _templates(self) -> dict[tuple[str, int], Template]:
        return {}

    @property
    def catalog(self) -> "Catalog":
        """The fields that rules may name."""
        return self.definitions.catalog

    @property
    def named_catalog(self) -> "Catalog":
        """The catalogue with what the brand calls its segments, tags, traits and strategies."""
        return self.definitions.named_catalog

    @property
    def quality_rules(self) -> "QualityRules":
        """When a person looks unreal."""
        return self.definitions.quality_rules

    @contextmanager
    def reading(self, as_of: date | None = None) -> Iterator[tuple[ParquetReader, date]]:
        """Open the warehouse with the profile of the observation day; yield the reader and the day.

        The profile is the one that a refresh on that day would publish.
        """
        from koipond.segments.snapshot import present_profile

        day = self.observation_day(as_of)
        with self.warehouse.read() as reader:
            present_profile(reader, self.layers, day)
            yield reader, day

    def scope(self, reader: Reader, day: date, members: Mapping[str, "BitMap"] | None = None) -> "Scope":
        """Return over whom rules are read, on the profile that ``reader`` presents.

        ``members``: segment → customers, default those of the applied segments on ``day``.
        """
        from pyroaring import BitMap

        from koipond.segments.day_members import DayMembers
        from koipond.segments.scope import Scope
        from koipond.segments.state import PROFILE

        verdicts = self.store.verdicts.current().to_pylist()
        scope = Scope(
            reader=reader,
            as_of_day=epoch_day(day),
            catalog=self.named_catalog,
            lists=self.store.lists,
            codes=self.store.code_book,
            excluded=BitMap(row["customer_no"] for row in verdicts if row["verdict"] == "confirmed"),
            profile=reader.table(PROFILE),
        )
        found = DayMembers(scope, self.definitions.segments) if members is None else members
        return replace(scope, members=found)

    def observation_day(self, as_of: date | None) -> date:
        """Return D: ``as_of``, or the workspace's today."""
        return as_of or day_of(self.clock.now(), self.zone)

    def end_of(self, day: date) -> datetime:
        """Return the last whole second of a local day."""
        return day_bounds(day, self.zone)[1] - timedelta(seconds=1)

    def instant_of(self, day: date) -> datetime:
        """Return the instant from which ``day`` is looked at: now for today, else its last second."""
        return self.clock.now() if day == self.observation_day(None) else self.end_of(day)

    def stamp(self, day: date | None = None) -> dict[str, Any]:
        """Return what every answer carries; ``day``: the observation day, default the workspace's today."""
        seen = self.observation_day(day)
        return {"as_of": seen.isoformat(), "definition_version": self.definitions.number}

    def _find_clock(self) -> Clock:
        self.versions()  # first: what comes while the newest fact is looked up shows as not latest
        if self.settings.clock == "system":
            return self.machine
        newest = newest_fact_at(self.warehouse)
        if newest is None:
            return self.machine
        return LastFactClock(self.machine, newest, self.zone, self._anchor(newest))

    def _anchor(self, newest: datetime) -> datetime:
        """Return the machine's instant at which the newest day's morning began, beginning it when needed."""
        kept: Mapping[str, Any] = self.store.settings.get(_ANCHOR) or {}
        now = self.machine.now()
        day = day_of(newest, self.zone).isoformat()
        if kept.get("day") == day:
            began = datetime.fromisoformat(kept["began_at"])
            if now - began < _ANCHOR_LIFE:
                return began
        self.store.settings.set(_ANCHOR, {"day": day, "began_at": now.isoformat()})
        return now


def open_app(
    folder: Path,
    *,
    environment: Settings | None = None,
    machine: Clock | None = None,
    new: bool = False,
    apart: bool = False,
    say_unapplied: bool = True,
) -> App:
    """Open the workspace in ``folder``.

    ``new``: there must be neither store nor warehouse yet. ``apart``: open it even when they do not belong
    together, as long as that needs no change of the store; for commands that only look. ``say_unapplied``:
    log when its `koipond.yaml` differs from what is in force.

    Raises InputError when it is no workspace, or its settings are wrong; PairError when store and
    warehouse do not belong together: nothing was written then.
    """
    from koipond.bootstrap.first_settings import adopt_settings, log_unapplied, require_settings

    boot = load_boot(folder)
    if boot.store is None and not store_file(folder).exists():
        require_settings(folder)  # no store is made for a wrong file
    tighten(folder / STATE)
    sweep(warehouse_root(folder) / SPILL)
    store, pair = open_store(folder, boot, new=new, apart=apart)
    app = App(
        folder=folder,
        boot=boot,
        environment=environment or read_environment(),
        machine=machine or SystemClock(),
        store=store,
        pair=pair,
    )
    store.imports.live_as(this_process, is_alive, app.heartbeat)
    try:
        if pair.usable:
            adopt_settings(app.store, folder, app.machine.now())
        if say_unapplied:
            log_unapplied(folder, app.settings)
    except BaseException:
        app.store.close()
        raise
    return app


def is_kept(folder: Path) -> bool:
    """Say whether the workspace in ``folder`` has a store, as far as that shows without opening it."""
    return load_boot(folder).store is not None or store_file(folder).exists()


def stamp_at(folder: Path) -> dict[str, Any]:
    """Return the stamp of the workspace in ``folder``, nulls when there is none that can be opened.

    For commands that read files alone: no store is made for them.
    """
    nothing = {"as_of": None, "definition_version": None}
    try:
        if not is_kept(folder):
            return nothing
        with open_app(folder, say_unapplied=False) as app:
            return app.stamp()
    except KoipondError:
        return nothing


CLOCK_FACTS = ((("orders", "at_s"),), (("events", "at_s"), ("refunds", "at_s"), ("customers", "joined_s")))
"""What the clock of a `last_fact` workspace lives on: orders, and without any the other acts of customers."""


def newest_fact_at(warehouse: ParquetWarehouse) -> datetime | None:
    """Return the instant of the newest order; without orders of the newest event, refund or joining.

    None without any. Touches do not count: what we send would move our own clock.
    """
    with warehouse.read() as reader:
        for kinds in CLOCK_FACTS:
            found = [
                reader.scalar(reader.table(name)[column].max().name("newest"))
                for name, column in kinds
                if reader.has(name)
            ]
            if newest := max((at for at in found if at is not None), default=None):
                return datetime.fromtimestamp(newest, UTC)
    return None


__all__ = ["OPENING_HOUR", "STATE", "App", "newest_fact_at", "open_app", "stamp_at"]
