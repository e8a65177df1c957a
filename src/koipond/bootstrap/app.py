"""One workspace, opened (打开工作区): settings, store, warehouse and clock, built once for a command."""

import os
from collections.abc import Iterator, Mapping
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
from koipond.bootstrap.rights import tighten
from koipond.channels.sandbox import SandboxChannel
from koipond.channels.sheets import SHEETS
from koipond.ingest.ports import Reader, Writer
from koipond.kernel import Clock, InputError, KoipondError, day_bounds, day_of, epoch_day, zone
from koipond.outreach.ports import Channel, ChannelSheet
from koipond.outreach.templates import Template
from koipond.settings import Settings, SystemClock
from koipond.store import Store, load_keys, save_keys
from koipond.warehouse import EngineOptions, ParquetReader, ParquetWarehouse, ParquetWriter
from koipond.warehouse.parquet import SPILL
from koipond.warehouse.spill import sweep
from koipond.workspace import WorkspaceSettings, load_folder
from koipond.workspace.kinds import kind_named

if TYPE_CHECKING:
    from pyroaring import BitMap

    from koipond.bootstrap.definitions import Runtime
    from koipond.ingest.quality import QualityRules
    from koipond.rules import Catalog
    from koipond.segments.layers.definitions import LayerSet
    from koipond.segments.scope import Scope

STATE = ".koipond"
"""Folder of the embedded store and the warehouse, below the workspace."""

_ANCHOR = "clock_anchor"
_ANCHOR_LIFE = timedelta(hours=6)


@dataclass(frozen=True)
class App:
    """What a command works with. Use as a context manager: it closes the store."""

    folder: Path
    settings: WorkspaceSettings
    environment: Settings
    machine: Clock
    store: Store

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.store.close()

    @cached_property
    def zone(self) -> ZoneInfo:
        """The workspace's zone."""
        return zone(self.settings.zone)

    @cached_property
    def clock(self) -> LazyClock:
        """The workspace's clock: what `now` is for plans, caps, quiet hours and touches."""
        return LazyClock(self._find_clock)

    @cached_property
    def warehouse(self) -> ParquetWarehouse:
        """The workspace's warehouse; its leases run on the machine's clock."""
        threads = {} if self.environment.threads is None else {"threads": self.environment.threads}
        options = EngineOptions(memory_limit=self.environment.memory_limit, **threads)
        root = self.folder / STATE / "warehouse"
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        return ParquetWarehouse(root, self.store.versions, self.machine, options)

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

    @cached_property
    def layers(self) -> "LayerSet":
        """The applied layer definitions."""
        from koipond.bootstrap.layers import applied_layers

        return applied_layers(self.store.definitions.current(), self.settings)

    @cached_property
    def sheets(self) -> Mapping[str, ChannelSheet]:
        """The channels' capability sheets under the brand's own costs and quotas."""
        made = dict(SHEETS)
        for key, own in self.settings.channels.items():
            if key not in made:
                raise InputError(f"koipond.yaml: there is no channel '{key}'; there is {', '.join(SHEETS)}")
            if own.cost_fen is not None:
                made[key] = replace(made[key], cost_fen=own.cost_fen)
            if own.quota_per_day is not None:
                made[key] = replace(made[key], quota_per_day=own.quota_per_day)
        return made

    @cached_property
    def quotas(self) -> dict[str, int]:
        """Channel → touches the platform allows a local day."""
        return {key: s.quota_per_day for key, s in self.sheets.items() if s.quota_per_day is not None}

    @cached_property
    def address_kinds(self) -> dict[str, str]:
        """Channel → kind of identifier it reaches people by."""
        return {key: s.address_kind for key, s in self.sheets.items() if s.address_kind is not None}

    def sandbox(self) -> SandboxChannel:
        """Open the sandbox's inbox; the caller closes it."""
        return SandboxChannel(self.folder / STATE / "sandbox.sqlite", self.sheets["sandbox"])

    @contextmanager
    def channels(self) -> Iterator[list[Channel]]:
        """Open the channels that this machine can send on: the sandbox, and e-mail when a server is set."""
        opened: list[Channel] = [self.sandbox()]
        try:
            if self.environment.smtp_url is not None:
                opened.append(self._email(self.environment.smtp_url))
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

    def unsubscribe_url(self, touch_key: str) -> str:
        """Return the one-click link of a touch (RFC 8058); the key itself is the secret (128 random bits)."""
        base = self.environment.public_url or "http://127.0.0.1:8765"
        return f"{base.rstrip('/')}/unsubscribe/{touch_key}"

    def template(self, key: str, version: int) -> Template:
        """Return an applied version of a template; raise InputError when there is none."""
        if (key, version) not in self._templates:
            found = self.store.definitions.get("template", key, version)
            if found is None:
                raise InputError(f"template '{key}' has no version {version}")
            self._templates[key, version] = kind_named("template").restore(found.body, self.catalog)
        return self._templates[key, version]

    @cached_property
    def _templates(self) -> dict[tuple[str, int], Template]:
        return {}

    @cached_property
    def catalog(self) -> "Catalog":
        """The fields that rules may name."""
        from koipond.rules import default_catalog

        return default_catalog(self.settings.currency)

    @cached_property
    def quality_rules(self) -> "QualityRules":
        """When a person looks unreal."""
        return self.settings.quality.resolve()

    @cached_property
    def runtime(self) -> "Runtime":
        """The applied definitions as values."""
        from koipond.bootstrap.definitions import Runtime

        return Runtime(self.store, self.catalog)

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
            catalog=self.catalog,
            lists=self.store.lists,
            excluded=BitMap(row["customer_no"] for row in verdicts if row["verdict"] == "confirmed"),
            profile=reader.table(PROFILE),
        )
        found = DayMembers(scope, self.runtime.segments) if members is None else members
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
        return {"as_of": seen.isoformat(), "definition_version": self.store.definitions.version()}

    def _find_clock(self) -> Clock:
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


def open_app(folder: Path, *, environment: Settings | None = None, machine: Clock | None = None) -> App:
    """Open the workspace in ``folder``; raise InputError when it is none, or its settings are wrong."""
    loaded = load_folder(folder)
    if loaded.settings is None:
        problems = "\n".join(str(finding) for finding in loaded.errors)
        raise InputError(problems or f"{folder} is no workspace; make one with: koipond init {folder}")
    state = folder / STATE
    tighten(state)
    sweep(state / "warehouse" / SPILL)
    return App(
        folder=folder,
        settings=loaded.settings,
        environment=environment or read_environment(),
        machine=machine or SystemClock(),
        store=open_store(folder, loaded.settings),
    )


def open_store(folder: Path, settings: WorkspaceSettings) -> Store:
    """Open the workspace's store: the one `koipond.yaml` names, or SQLite inside the folder."""
    if settings.id is None:
        raise InputError(f"{folder}/koipond.yaml has no id; write 'id: ' and 32 hex digits of your own")
    ring = load_keys(settings.id, make=False)
    store = Store.open(_store_url(folder, settings), ring, schema=f"koipond_{settings.key}")
    if ring.file is not None and not ring.file.exists():
        save_keys(ring)
    return store


def _store_url(folder: Path, settings: WorkspaceSettings) -> str:
    if settings.store is None:
        state = folder / STATE
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        return f"sqlite:///{(state / 'store.sqlite').resolve()}"
    name = settings.store[2:-1]
    url = os.environ.get(name)
    if not url:
        raise InputError(f"koipond.yaml keeps the store in ${{{name}}}, which is not set; export it first")
    return url


def stamp_at(folder: Path) -> dict[str, Any]:
    """Return the stamp of the workspace in ``folder``, nulls when there is none that can be opened.

    For commands that read files alone: no store is made for them.
    """
    nothing = {"as_of": None, "definition_version": None}
    try:
        settings = load_folder(folder).settings
        if settings is None or (settings.store is None and not (folder / STATE / "store.sqlite").exists()):
            return nothing
        with open_app(folder) as app:
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


__all__ = ["OPENING_HOUR", "STATE", "App", "newest_fact_at", "open_app", "open_store", "stamp_at"]
