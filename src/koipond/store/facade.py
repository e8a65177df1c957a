"""The store of one workspace (状态库): one class a port, behind one object."""

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from koipond.kernel import InputError
from koipond.outreach.model import QuietHours
from koipond.store.arms import StoredArms
from koipond.store.audit import StoredAudit
from koipond.store.belonging import StoredBelonging
from koipond.store.codes import CodeEnd, StoredCodes
from koipond.store.consents import StoredConsents
from koipond.store.counters import Counters
from koipond.store.definitions import StoredDefinitions
from koipond.store.engine import Database, open_database
from koipond.store.erasure import StoredErasure
from koipond.store.export import StoredExport
from koipond.store.gate import StoredGate
from koipond.store.grades import StoredGrades
from koipond.store.groups import StoredLists, StoredTags
from koipond.store.handover import StoredHandover
from koipond.store.held_codes import StoredCodeBook
from koipond.store.history import StoredTouches
from koipond.store.identity import NewUids, StoredIdentity, random_uids
from koipond.store.imports import StoredJournal, StoredVerdicts
from koipond.store.in_force import RuleBook
from koipond.store.keys import KeyRing
from koipond.store.leases import StoredLeases
from koipond.store.migrate import migrate
from koipond.store.optout import StoredOptOuts
from koipond.store.outbox import StoredOutbox
from koipond.store.pauses import StoredPauses
from koipond.store.people import StoredPeople
from koipond.store.permissions import StoredPermissions
from koipond.store.plans import StoredPlans
from koipond.store.proposals import StoredProposals
from koipond.store.rotation import require_own, rotate, unfindable
from koipond.store.senders import Sender, unattended
from koipond.store.terms import Terms
from koipond.store.unknowns import StoredUnknowns
from koipond.store.upkeep import bring_up
from koipond.store.verify import StoredChecks
from koipond.store.versions import StoredVersionLog
from koipond.store.waiting import StoredWaiting
from koipond.store.workspace_values import StoredSettings


class Store:
    """Everything that permits an action. Instants are handed in, never asked of the machine."""

    def __init__(self, database: Database, ring: KeyRing, new_uids: NewUids = random_uids) -> None:
        self.database = database
        self._new_uids = new_uids
        self._book = RuleBook()
        self._use_keys(ring)
        self.leases = StoredLeases(database)
        self.belonging = StoredBelonging(database)
        self.versions = StoredVersionLog(database)
        self.consents = StoredConsents(database)
        self.definitions = StoredDefinitions(database)
        self.imports = StoredJournal(database)
        self.verdicts = StoredVerdicts(database)
        self.numbers = Counters(database)
        self.audit = StoredAudit(database)
        self.settings = StoredSettings(database)
        self.arms = StoredArms(database)
        self.lists = StoredLists(database)
        self.tags = StoredTags(database)
        self.grades = StoredGrades(database)
        self.codes = StoredCodes(database)
        self.code_book = StoredCodeBook(database)
        self.plans = StoredPlans(database)
        self.proposals = StoredProposals(database)
        self.touches = StoredTouches(database)
        self.pauses = StoredPauses(database)
        self.unknowns = StoredUnknowns(database)

        self.opt_outs = StoredOptOuts(database)
        self.erasure = StoredErasure(database)
        self.permissions = StoredPermissions(database)
        self.waiting = StoredWaiting(database)

    @classmethod
    def open(
        cls,
        url: str,
        ring: KeyRing,
        *,
        schema: str | None = None,
        new_uids: NewUids = random_uids,
        before: Callable[[Database], None] | None = None,
    ) -> Self:
        """Open the store at ``url`` and bring its tables up to date.

        ``sqlite:///FILE``, ``sqlite://`` (in memory, for rehearsals) or ``postgresql://…`` with one
        ``schema`` a workspace. ``before`` looks at the store while nothing was written to it. Raises
        InputError when the URL or the store cannot be used, or ``ring`` is not that of the store.
        """
        database = open_database(url, schema)
        try:
            if before is not None:
                before(database)
            migrate(database)
            require_own(database, ring)
            bring_up(database, ring)
        except sa.exc.DatabaseError as error:
            database.close()
            if not isinstance(error, sa.exc.OperationalError) and type(error) is not sa.exc.DatabaseError:
                raise  # a statement of ours is wrong
            place = sa.make_url(url).render_as_string(hide_password=True)
            raise InputError(
                "the store at {place} cannot be opened: {orig}", place=place, orig=error.orig
            ) from error
        except BaseException:
            database.close()
            raise
        return cls(database, ring, new_uids)

    def rotate_keys(self) -> KeyRing:
        """Put every identifier under a new key; other processes must be started again."""
        self._use_keys(rotate(self.database, self.keys))
        return self.keys

    def unfindable(self) -> list[str]:
        """Return what says how many identifiers stand under which key that nobody is looked up under."""
        with self.database.read() as connection:
            return list(unfindable(connection, self.keys))

    def _use_keys(self, ring: KeyRing) -> None:
        self.keys = ring
        self.identity = StoredIdentity(self.database, ring, new_uids=self._new_uids)
        self.people = StoredPeople(self.database, ring)
        self.handover = StoredHandover(self.database, ring)
        self.checks = StoredChecks(self.database, ring)

    def gate(
        self, place: ZoneInfo, *, quiet: QuietHours | None = None, quotas: Mapping[str, int] | None = None
    ) -> StoredGate:
        """Return the contact gate under the workspace's zone, quiet hours and the platforms' quotas a day."""
        terms = Terms(place=place, quiet=quiet or QuietHours(), quotas=quotas or {})
        return StoredGate(self.database, terms, book=self._book)

    def outbox(
        self,
        place: ZoneInfo,
        *,
        quiet: QuietHours | None = None,
        quotas: Mapping[str, int] | None = None,
        sender: Sender | None = None,
    ) -> StoredOutbox:
        """Return the outbox under the workspace's zone, quiet hours and the platforms' quotas a day.

        ``sender``: whose lease it claims under, default one that nothing keeps alive.
        """
        terms = Terms(place=place, quiet=quiet or QuietHours(), quotas=quotas or {})
        own = sender or unattended(self.leases)
        return StoredOutbox(self.database, terms, sender=own, book=self._book)

    def code_end(self, place: ZoneInfo) -> CodeEnd:
        """Return when codes end under the offers in force, days counted in ``place``, as the gate says."""
        with self.database.read() as connection:
            rules = self._book.rules(connection)
        return lambda key, own_s, issued_s: rules.code_end_s(key, own_s, issued_s, place)

    def export(self, place: ZoneInfo) -> StoredExport:
        """Return what tells the warehouse what happened, days counted in ``place``."""
        return StoredExport(self.database, place)

    def close(self) -> None:
        """Close every connection."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
