"""What the contact gate decides (触达闸门). Pure: it works on what the store loaded and locked.

Candidates are decided in order against people, budgets and codes that change as they go, so two touches to
one customer in one batch meet each other. Order of the checks: `Reason`. Source: design §7, science D6.
"""

import hashlib
import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from koipond.budgets import on_day
from koipond.kernel import InputError, Message, hash_bucket, require_aware, zone
from koipond.kernel.ids import BUCKETS
from koipond.outreach.caps import Slot, applies, window
from koipond.outreach.consent import Place, Standing, find
from koipond.outreach.model import FrequencyCap, GateCandidate, GateDecision, QuietHours, Reason
from koipond.outreach.quiet import next_allowed_by

GLOBAL = "global"
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Touched:
    """The touch a candidate has become: its key, when it is due, and the plan that asked for it."""

    key: str
    due_s: int
    plan: str


@dataclass(slots=True)
class Person:
    """All linked customers of one person, as the gate sees them. Keys of ``arms`` are (scope, salt)."""

    root_no: int
    staff: bool = False
    minor: bool = False
    zone: str | None = None
    suppressed: dict[str, str] = field(default_factory=dict)  # channel or '*' → reason
    consents: dict[Place, Standing] = field(default_factory=dict)  # (channel, purpose), * = all
    addresses: set[str] = field(default_factory=set)  # kinds of identifiers
    arms: dict[tuple[str, str], str] = field(default_factory=dict)
    slots: list[Slot] = field(default_factory=list)
    held_out: list[tuple[str, int]] = field(default_factory=list)  # (strategy, at_s)
    spent_fen: dict[str, int] = field(default_factory=dict)  # strategy → fen of held touches
    codes: dict[str, tuple[int, int | None]] = field(default_factory=dict)  # list → (code_no, expires_s)
    touches: dict[tuple[str, str, str], Touched] = field(default_factory=dict)  # by place
    held_places: dict[tuple[str, str, str], str] = field(default_factory=dict)  # place → scope held out of
    inboxes: dict[str, list[list[Slot]]] = field(default_factory=dict)  # kind → slots of each co-holder

    def barred(self, channel: str, purpose: str, consent_required: bool) -> Reason | None:
        """Say whether this person has forbidden a touch already admitted, or the law has."""
        if self.staff:
            return Reason.STAFF
        if "*" in self.suppressed or channel in self.suppressed:
            return Reason.SUPPRESSED
        if self.minor and purpose == "marketing":
            return Reason.MINOR
        return Reason.NO_CONSENT if self.forbids(channel, purpose, consent_required) else None

    def forbids(self, channel: str, purpose: str, consent_required: bool) -> bool:
        """Say whether consent keeps ``channel`` shut. A refusal always does, also where none is required or
        it is assumed; no statement at all only where consent is required."""
        said = find(self.consents, channel, purpose)
        return consent_required if said is None else not said.granted

    def consented(self, channel: str, purpose: str) -> bool:
        """Say whether a consent of this person holds."""
        said = find(self.consents, channel, purpose)
        return said is not None and said.granted


@dataclass(slots=True)
class Funds:
    """What each budget has given already, and what this batch takes. Quotas are budgets of single touches."""

    taken: dict[str, int]
    added: dict[str, int] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)  # the highest limit anything was taken under

    def fits(self, scope: str, amount: int, limit: int) -> bool:
        return self.taken.get(scope, 0) + self.added.get(scope, 0) + amount <= limit

    def take(self, scope: str, amount: int, limit: int) -> None:
        self.added[scope] = self.added.get(scope, 0) + amount
        self.limits[scope] = max(limit, self.limits.get(scope, limit))


@dataclass(slots=True)
class Stock:
    """Unissued codes of one list, by when they end (None = never), each kind in the order of its numbers."""

    by_end: dict[int | None, deque[int]]

    def find(self, at_s: int) -> int | None:
        """Return the first code that is still good at ``at_s``."""
        good = [codes[0] for end, codes in self.by_end.items() if codes and (end is None or end > at_s)]
        return min(good, default=None)

    def take(self, code_no: int) -> int | None:
        """Take the code that `find` has named and return when it ends."""
        for end, codes in self.by_end.items():
            if codes and codes[0] == code_no:
                codes.popleft()
                return end
        raise AssertionError(f"code {code_no} is not in stock")


StandingStill = Callable[[str, str, str], str | None]
"""(channel, strategy, play) → why nobody is touched there now, None when nothing stands in the way."""


@dataclass(frozen=True, slots=True)
class Draw:
    """An arm drawn for the first time, to be recorded whatever happens next."""

    scope: str
    salt: str
    root_no: int
    arm: str  # touch | holdout
    candidate: GateCandidate


@dataclass(frozen=True, slots=True)
class Admission:
    """A touch to be written. ``shares``: budget scope → what it took of it."""

    key: str
    root_no: int
    candidate: GateCandidate
    due_s: int
    expires_s: int
    offer_cost_fen: int
    shares: Mapping[str, int]
    code_no: int | None
    new_code: bool

    @property
    def asked_s(self) -> int:
        """When it was to go, whatever the clock and the hours said."""
        return math.ceil(self.candidate.due_at.timestamp())


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A candidate kept back; it uses up its occurrence and its re-entry wait like a touched one."""

    root_no: int
    candidate: GateCandidate
    scope: str


Lost = tuple[Reason, str] | None


@dataclass(slots=True)
class Batch:
    """What the store loaded for one batch, and what the batch changes."""

    people: Mapping[int, Person]  # customer → person; linked customers share one
    funds: Funds
    stock: Mapping[str, "Stock"]  # list → unissued codes
    now_s: int
    place: ZoneInfo
    plan: str = ""
    approved_no: int | None = None  # the apply under which what is asked for was approved
    quiet: Sequence[QuietHours] = (QuietHours(),)  # all hold
    quotas: Mapping[str, int] = field(default_factory=dict)  # channel → touches a local day
    address_kinds: Mapping[str, str] = field(default_factory=dict)  # channel → identifier
    assumed: Mapping[str, str] | None = None  # channel → segment, as applied; None = as the candidate says
    standing_still: StandingStill = lambda _channel, _strategy, _play: None
    draws: list[Draw] = field(default_factory=list)
    held_out: list[HeldOut] = field(default_factory=list)
    admissions: list[Admission] = field(default_factory=list)
    windows: dict[tuple[FrequencyCap, int, int, str], tuple[int, int]] = field(default_factory=dict)
    dues: dict[tuple[datetime, str | None, bool], int | None] = field(default_factory=dict)


def touch_key(candidate: GateCandidate) -> str:
    """Return the key of the touch ``candidate`` would become: 32 hex digits, also its Message-ID.

    It names who gets what turn of which play, whatever the version: a new version makes nobody new.
    """
    place = f"{candidate.strategy}\0{candidate.play}\0{candidate.occurrence}"
    text = f"{place}\0{candidate.customer_uid}"
    return hashlib.blake2b(text.encode(), digest_size=16, person=b"koipond touch").hexdigest()


def decide(batch: Batch, candidates: Sequence[GateCandidate]) -> list[GateDecision]:
    """Decide on ``candidates`` in order, noting in ``batch`` what is to be written."""
    return [_decide(batch, one) for one in candidates]


def _decide(batch: Batch, one: GateCandidate) -> GateDecision:
    person = batch.people.get(one.customer_no)
    if person is None:
        raise InputError(
            "customer {customer_no} is not known to the store; run: koipond refresh",
            customer_no=one.customer_no,
        )
    known = person.touches.get(_place(one))
    if known is not None and known.plan == batch.plan:
        return _admitted(one, known, new=False)
    lost = _still(batch, one) or _may_not(batch, person, one)
    if (due_s := _due_s(batch, person, one)) is None:
        lost = lost or (Reason.NOT_RUNNING, _NO_HOUR)
    else:
        lost = lost or _may_not_now(batch, person, one, due_s)
    if lost is not None:
        reason, detail = lost
        return GateDecision(
            customer_no=one.customer_no, play=one.play, touch_key=None, reason=reason, detail=detail
        )
    return _admitted(one, person.touches[_place(one)], new=True)


_NO_HOUR = Message("the quiet hours of the approval and of now leave no hour of the day open")


def _may_not_now(batch: Batch, person: Person, one: GateCandidate, due_s: int) -> Lost:
    """Whether hold-outs, waits, caps or money forbid a touch at ``due_s``; else it is admitted."""
    slots = _slots(batch, person)
    lost = _holdout(batch, person, one) or _had(slots, person, one, due_s)
    if lost is None and _place(one) in person.touches:
        lost = Reason.RE_ENTRY, ""  # another plan has used up the occurrence, whatever the waits say
    return lost or _capped(batch, slots, person, one, due_s) or _no_money(batch, person, one, due_s)


def _place(one: GateCandidate) -> tuple[str, str, str]:
    """Return what a person may be touched for once, whatever the version."""
    return one.strategy, one.play, one.occurrence


def _due_s(batch: Batch, person: Person, one: GateCandidate) -> int | None:
    """Return when ``one`` may go: not before now, not before asked, not while it is quiet; None = never."""
    place = (one.due_at, person.zone, one.purpose == "marketing")
    if place not in batch.dues:
        due = max(require_aware(one.due_at), datetime.fromtimestamp(batch.now_s, UTC))
        if one.purpose == "marketing":
            where = batch.place if person.zone is None else zone(person.zone)
            open_ = next_allowed_by(due, batch.quiet, where)
            batch.dues[place] = None if open_ is None else math.ceil(open_.timestamp())
        else:
            batch.dues[place] = math.ceil(due.timestamp())
    return batch.dues[place]


def _admitted(one: GateCandidate, found: Touched, *, new: bool) -> GateDecision:
    return GateDecision(
        customer_no=one.customer_no,
        play=one.play,
        touch_key=found.key,
        reason=None,
        due_at=datetime.fromtimestamp(found.due_s, UTC),
        new=new,
    )


def _still(batch: Batch, one: GateCandidate) -> Lost:
    """Whether the strategy touches anybody now: it runs, and neither it nor its plan was stopped."""
    why = batch.standing_still(one.channel, one.strategy, one.play)
    return None if why is None else (Reason.NOT_RUNNING, why)


def _may_not(batch: Batch, person: Person, one: GateCandidate) -> Lost:
    """Who may not be reached at all."""
    if person.staff:
        return Reason.STAFF, ""
    for channel in ("*", one.channel):
        if channel in person.suppressed:
            return Reason.SUPPRESSED, person.suppressed[channel]
    if person.minor and one.purpose == "marketing":
        return Reason.MINOR, ""
    kind = batch.address_kinds.get(one.channel)
    if one.address_required and kind is not None and kind not in person.addresses:
        return Reason.NO_ADDRESS, kind
    required = must_consent(batch.assumed, one.channel, one.consent_required, one.consent_assumed)
    if person.forbids(one.channel, one.purpose, required):
        return Reason.NO_CONSENT, f"{one.channel}:{one.purpose}"
    return None


def must_consent(in_force: Mapping[str, str] | None, channel: str, required: bool, assumed: str) -> bool:
    """Say whether a touch needs a yes of its own: where one is required, and where it was assumed for the
    members of segment ``assumed`` and is not any more; ``in_force``: channel → segment, as applied."""
    return required or (bool(assumed) and in_force is not None and in_force.get(channel) != assumed)


def _holdout(batch: Batch, person: Person, one: GateCandidate) -> Lost:
    """Draw the arms (science D6), record them, and hold back whom they say; also who was held out of this
    very turn, whatever the rates say by now."""
    if (scope := person.held_places.get(_place(one))) is not None:
        return Reason.HOLDOUT, scope
    draws = [(one.strategy, one.holdout_salt, one.holdout_strategy_rate, 0)]
    if global_applies(one):
        turn = one.holdout_global_start  # each rotation is a draw of its own
        draws.insert(0, (GLOBAL, global_round(one), one.holdout_global_rate, turn))
    for scope, salt, rate, start in draws:
        if _arm(batch, person, one, (scope, salt), rate, start) == "holdout":
            person.held_out.append((one.strategy, batch.now_s))
            batch.held_out.append(HeldOut(person.root_no, one, scope))
            return Reason.HOLDOUT, scope
    return None


def global_applies(one: GateCandidate) -> bool:
    """Say whether the global hold-out concerns ``one``: it never holds back transactional messages."""
    return one.purpose == "marketing" and one.holdout_global_rate > 0


def global_round(one: GateCandidate) -> str:
    """Return what names one rotation of the global hold-out."""
    return f"{one.holdout_salt}@{one.holdout_global_start}"


def _arm(
    batch: Batch, person: Person, one: GateCandidate, place: tuple[str, str], rate: float, start: int
) -> str:
    """Return the recorded arm of ``person``, or draw and record it."""
    if place not in person.arms:
        bucket = hash_bucket(one.holdout_salt, place[0], one.customer_uid)
        held = (bucket - start) % BUCKETS < round(rate * BUCKETS)
        person.arms[place] = "holdout" if held else "touch"
        batch.draws.append(Draw(*place, person.root_no, person.arms[place], one))
    return person.arms[place]


def _had(slots: Sequence[Slot], person: Person, one: GateCandidate, due_s: int) -> Lost:
    """What the customer, or the inbox, has had of this strategy or content lately."""
    wait_s, same_s = one.re_entry_days * _DAY_S, one.duplicate_content_days * _DAY_S
    for slot in slots:
        if wait_s and slot.strategy == one.strategy and slot.to_s > due_s - wait_s:
            return Reason.RE_ENTRY, ""
    if wait_s and any(key == one.strategy and at > due_s - wait_s for key, at in person.held_out):
        return Reason.RE_ENTRY, ""
    for slot in slots:
        if same_s and slot.content == one.content and slot.to_s > due_s - same_s:
            return Reason.DUPLICATE_CONTENT, slot.strategy
    return None


def _slots(batch: Batch, person: Person) -> Sequence[Slot]:
    """Return what ``person`` has had: his own slots, and what went to an address of his under the number of
    another customer. Two records with one address are one inbox."""
    if not person.inboxes:
        return person.slots
    near = [
        slot
        for kind, held in person.inboxes.items()
        for slots in held
        for slot in slots
        if batch.address_kinds.get(slot.channel) == kind
    ]
    return [*person.slots, *near]


def _capped(batch: Batch, slots: Sequence[Slot], person: Person, one: GateCandidate, due_s: int) -> Lost:
    """Whether the customer, or the inbox, has had enough of everything: frequency caps."""
    expires_s = int(one.expires_at.timestamp())
    for cap in one.caps:
        if applies(cap, one.channel, one.purpose):
            low, high = _window(batch, cap, due_s, expires_s, person.zone)
            count = sum(
                s.to_s >= low and s.from_s < high and applies(cap, s.channel, s.purpose) for s in slots
            )
            if count >= cap.touches_max:
                return Reason.FREQUENCY_CAP, cap.key
    return None


def _window(
    batch: Batch, cap: FrequencyCap, due_s: int, expires_s: int, own_zone: str | None
) -> tuple[int, int]:
    place = (cap, due_s, expires_s, own_zone or "")
    if place not in batch.windows:
        where = batch.place if own_zone is None else zone(own_zone)
        batch.windows[place] = window(cap, due_s, expires_s, where)
    return batch.windows[place]


def _no_money(batch: Batch, person: Person, one: GateCandidate, due_s: int) -> Lost:
    """Take the platform's quota, the budgets and a code; the last check, so it also writes the admission."""
    funds, shares = batch.funds, dict[str, int]()
    on = datetime.fromtimestamp(due_s, UTC).astimezone(batch.place).date()
    lines = [(on_day(line.scope, on), line.limit_fen) for line in one.budgets]
    limits = dict(lines)
    quota = batch.quotas.get(one.channel)
    if quota is not None:
        scope = quota_scope(one.channel, datetime.fromtimestamp(due_s, UTC), batch.place)
        if not funds.fits(scope, 1, quota):
            return Reason.PLATFORM_QUOTA, one.channel
        shares[scope], limits[scope] = 1, quota
    code_no, new_code = _find_code(batch, person, one, due_s)
    offer_cost_fen = one.offer_cost_fen if new_code or one.code_list is None else 0
    amount = one.cost_fen + offer_cost_fen
    for scope, limit in lines:
        if not funds.fits(scope, amount, limit):
            return Reason.BUDGET, scope
        shares[scope] = amount
    spent = person.spent_fen.get(one.strategy, 0) + amount
    if one.per_customer_limit_fen is not None and spent > one.per_customer_limit_fen:
        return Reason.BUDGET, "per_customer"
    if one.code_list is not None and code_no is None:
        return Reason.BUDGET, f"code_list:{one.code_list}"
    for scope, share in shares.items():
        funds.take(scope, share, limits[scope])
    person.spent_fen[one.strategy] = spent
    _write(batch, person, one, due_s, offer_cost_fen, shares, code_no, new_code)
    return None


def quota_scope(channel: str, at: datetime, place: ZoneInfo) -> str:
    """Return the scope that counts the touches of ``channel`` on the local day of ``at``."""
    return f"quota:{channel}:{at.astimezone(place).date().isoformat()}"


def day_scopes(
    quotas: Mapping[str, int], candidates: Sequence[GateCandidate], now: datetime, place: ZoneInfo
) -> set[str]:
    """Return the quotas and budgets ``candidates`` may count under: quiet hours move a touch by a day at
    most."""
    moves = (timedelta(days=0), timedelta(days=1))
    asked = {(one.channel, max(one.due_at, now), one.budgets) for one in candidates}
    found: set[str] = set()
    for channel, at, budgets in asked:
        for move in moves:
            on = (at + move).astimezone(place).date()
            found.update(on_day(line.scope, on) for line in budgets)
            if channel in quotas:
                found.add(quota_scope(channel, at + move, place))
    return found


def _find_code(batch: Batch, person: Person, one: GateCandidate, due_s: int) -> tuple[int | None, bool]:
    """Return (code, is it newly issued): one code of a list a customer, reused while it is good; only one
    that is still good when the touch is due."""
    if one.code_list is None:
        return None, False
    held = person.codes.get(one.code_list)
    if held is not None:
        code_no, expires_s = held
        return (code_no if expires_s is None or expires_s > due_s else None), False
    stock = batch.stock.get(one.code_list)
    found = None if stock is None else stock.find(due_s)
    return found, found is not None


def code_ends(batch: Batch, candidates: Sequence[GateCandidate]) -> list[int | None]:
    """Return for each of ``candidates`` when the code ends that it would be dealt, were all of them admitted
    in this order; None when it has none or one without an end. Takes the codes from the batch's stock."""
    return [_code_end(batch, batch.people[one.customer_no], one) for one in candidates]


def _code_end(batch: Batch, person: Person, one: GateCandidate) -> int | None:
    due_s = _due_s(batch, person, one)
    code_no, new_code = (None, False) if due_s is None else _find_code(batch, person, one, due_s)
    if one.code_list is None or code_no is None:
        return None
    if new_code:
        person.codes[one.code_list] = (code_no, batch.stock[one.code_list].take(code_no))
    return person.codes[one.code_list][1]


def _write(
    batch: Batch,
    person: Person,
    one: GateCandidate,
    due_s: int,
    offer_cost_fen: int,
    shares: Mapping[str, int],
    code_no: int | None,
    new_code: bool,
) -> None:
    expires_s = int(one.expires_at.timestamp())
    if new_code and one.code_list is not None and code_no is not None:
        person.codes[one.code_list] = (code_no, batch.stock[one.code_list].take(code_no))
    key = touch_key(one)
    slot = Slot(one.channel, one.purpose, one.strategy, one.content, due_s, max(due_s, expires_s))
    person.slots.append(slot)
    person.touches[_place(one)] = Touched(key, due_s, batch.plan)
    batch.admissions.append(
        Admission(key, person.root_no, one, due_s, expires_s, offer_cost_fen, shares, code_no, new_code)
    )
