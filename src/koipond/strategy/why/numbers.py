"""The numbers behind a reason: which cap, how full, when free again; what was said about consent; …"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from koipond.budgets import CODE_LIST
from koipond.experiments.assignment import ROTATION_DAYS, rotation_of
from koipond.facts.ports import IbisTable
from koipond.kernel import Amount, day_bounds, day_of, from_epoch_day, local_time, zone
from koipond.outreach.caps import applies
from koipond.outreach.consent import ALL
from koipond.outreach.model import FrequencyCap, Reason
from koipond.outreach.ports import HeldConsent, HeldSuppression, Permissions
from koipond.outreach.words import scope_words
from koipond.strategy.plan.context import Context
from koipond.strategy.plan.inboxes import touches
from koipond.strategy.plan.model import CodesLeft
from koipond.strategy.plan.task import DAY_S, PlayTask, send_on, window_start_s
from koipond.strategy.why.words import CONSENT, DATES, DECIDED, LIFTED, SUPPRESSIONS, WINDOWS, said

MAX_ROWS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What the facts say of one customer, newest first."""

    known: Context
    customer_no: int
    touches: tuple[Mapping[str, Any], ...]
    profile: Mapping[str, Any]
    place: ZoneInfo  # the customer's own zone, else the workspace's
    permissions: Permissions  # what the gate knows now, theirs and that of the address

    def shown(self, second: int) -> str:
        """Return an instant as a local time of the workspace."""
        return local_time(datetime.fromtimestamp(second, UTC), self.known.places[0])


def person(known: Context, customer_no: int, permissions: Permissions | None = None) -> Person:
    """Read what is known of ``customer_no``; without ``permissions`` every no in the facts is their own."""

    def rows(dataset: str) -> tuple[Mapping[str, Any], ...]:
        if not known.facts.has(dataset):
            return ()
        table = known.facts.rows(dataset)
        mine: IbisTable = table.filter(table.customer_no == customer_no)
        return tuple(known.reader.frame(mine.order_by(mine.at_s.desc()).limit(MAX_ROWS)).to_pylist())

    profile: Mapping[str, Any] = {}
    if known.facts.has("profile"):
        table = known.reader.table("profile")
        found = known.reader.frame(table.filter(table.customer_no == customer_no).limit(1)).to_pylist()
        profile = found[0] if found else {}
    zones = [row["text_value"] for row in rows("traits") if row["name"] == "zone"]
    named = zones[0] if zones and zones[0] in known.zones else None
    consents, suppressions = rows("consents"), rows("suppressions")
    return Person(
        known=known,
        customer_no=customer_no,
        touches=_touches(known, customer_no),
        permissions=permissions or _own(consents, suppressions),
        profile=profile,
        place=known.places[known.zones.index(named) + 1] if named else zone(known.request.zone),
    )


def _touches(known: Context, customer_no: int) -> tuple[Mapping[str, Any], ...]:
    """Return the touches that count for a customer, those to his inbox too, the newest first."""
    if not known.facts.has("touches"):
        return ()
    table = touches(known)
    mine: IbisTable = table.filter(table.customer_no == customer_no)
    return tuple(known.reader.frame(mine.order_by(mine.at_s.desc()).limit(MAX_ROWS)).to_pylist())


def _own(consents: Iterable[Mapping[str, Any]], suppressions: Iterable[Mapping[str, Any]]) -> Permissions:
    """Return facts as permissions, the newest first."""
    stated, barred = HeldConsent._fields[:-1], HeldSuppression._fields[:-1]
    return Permissions(
        consents=tuple(HeldConsent(**{n: row[n] for n in stated}, own=True) for row in consents),
        suppressions=tuple(HeldSuppression(**{n: row[n] for n in barred}, own=True) for row in suppressions),
    )


def numbers(
    who: Person, play: PlayTask, reason: Reason, detail: str, row: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what the sentence of ``reason`` is made of; times are local to the workspace."""
    given: dict[str, Any] = {"detail": detail, "channel": row["channel"]}
    more = _BY_REASON.get(reason)
    return {**given, **(more(who, play, detail, row) if more else {})}


def _not_running(who: Person, play: PlayTask, _: str, __: Mapping[str, Any]) -> dict[str, Any]:
    strategy, today = play.strategy, who.known.request.as_of
    if play.stopped:
        since = who.known.request.paused[play.stopped]
        return {"dates": said(DATES["stopped"], stopped=scope_words(play.stopped), since=since)}
    if strategy.paused:
        return {"dates": said(DATES["paused"])}
    if strategy.starts_on and strategy.starts_on > today:
        return {"dates": said(DATES["before"], day=strategy.starts_on.isoformat())}
    return {"dates": said(DATES["after"], day=(strategy.ends_on or today).isoformat())}


def _suppressed(who: Person, _: PlayTask, __: str, row: Mapping[str, Any]) -> dict[str, Any]:
    found = [one for one in who.permissions.suppressions if one.channel in (ALL, row["channel"])]
    if not found:  # lifted since the plan was made
        return {"why": "", "why_words": said(LIFTED), "since": "–", "of_address": False}
    first = next((one for one in found if one.own), found[0])
    words = said(SUPPRESSIONS.get(first.reason, (first.reason,) * 3))
    since = who.shown(first.at_s or 0)
    return {"why": first.reason, "why_words": words, "since": since, "of_address": not first.own}


def _no_consent(who: Person, play: PlayTask, _: str, row: Mapping[str, Any]) -> dict[str, Any]:
    purpose, channel = play.play.purpose, row["channel"]
    places = ((channel, purpose), (channel, ALL), (ALL, purpose), (ALL, ALL))  # the narrowest decides
    held = [one for place in places for one in who.permissions.consents if one[:2] == place][:1]
    if not held or held[0].granted:  # granted: since the plan was made
        words = said(CONSENT["given" if held else "never"], at=who.shown(held[0].at_s) if held else "")
        return {"purpose": purpose, "consent": words, "refused_at": None, "of_address": False}
    at = who.shown(held[0].at_s or 0)
    words = said(CONSENT["refused"], at=at)
    return {"purpose": purpose, "consent": words, "refused_at": at, "of_address": not held[0].own}


def _holdout(who: Person, play: PlayTask, _: str, __: Mapping[str, Any]) -> dict[str, Any]:
    rotation = rotation_of(who.known.request.as_of)
    until = from_epoch_day((rotation + 1) * ROTATION_DAYS)
    return {"until": until.isoformat(), "rate": f"{play.strategy.holdout_rate:.0%}"}


def _re_entry(who: Person, play: PlayTask, _: str, __: Mapping[str, Any]) -> dict[str, Any]:
    """``unsent``: a touch that did not go out has used up the day's turn, and is no fact."""
    days, request = play.strategy.re_entry_days, who.known.request
    since_s = int(request.now.timestamp()) - days * DAY_S
    mine = [one["at_s"] for one in who.touches if one["strategy"] == play.strategy.key]
    last = max(mine, default=0)
    if last <= since_s and who.customer_no in request.had.get((play.strategy.key, play.play.key), ()):
        free = day_bounds(request.as_of, zone(request.zone))[1]
        free_at = who.shown(int(free.timestamp()))
        return {"unsent": True, "days": days, "on": request.as_of.isoformat(), "free_at": free_at}
    return {"days": days, "last_at": who.shown(last), "free_at": who.shown(last + max(days, 1) * DAY_S)}


def _duplicate(who: Person, play: PlayTask, _: str, row: Mapping[str, Any]) -> dict[str, Any]:
    contents = {arm.content for arm in play.arms if arm.arm.name == row["variant"]}
    last = max((t for t in who.touches if t["content"] in contents), key=lambda touch: int(touch["at_s"]))
    days = who.known.request.policy.duplicate_content_days
    return {
        "last_at": who.shown(last["at_s"]),
        "said_by": last["strategy"],
        "free_at": who.shown(last["at_s"] + days * DAY_S),
    }


def _frequency_cap(who: Person, _: PlayTask, detail: str, __: Mapping[str, Any]) -> dict[str, Any]:
    cap = next(task.cap for task in who.known.caps if task.cap.key == detail)
    start = window_start_s(cap, who.known.request.now, who.place)
    counted = sorted(
        touch["at_s"]
        for touch in who.touches
        if touch["at_s"] >= start and applies(cap, touch["channel"], touch["purpose"] or "marketing")
    )
    return {
        "count": len(counted),
        "touches_max": cap.touches_max,
        "window": said(WINDOWS[cap.window], days=cap.days),
        "free_at": who.shown(_free_s(cap, counted, who)),
    }


def _free_s(cap: FrequencyCap, counted: list[int], who: Person) -> int:
    """Return when ``cap`` has room again if nothing more is sent."""
    now = who.known.request.now
    if cap.window == "rolling_days":
        leaves = counted[len(counted) - cap.touches_max] if len(counted) >= cap.touches_max else 0
        return max(leaves + cap.days * DAY_S, int(now.timestamp()))
    day = day_of(now, who.place)
    following: dict[str, date] = {
        "calendar_day": day + timedelta(days=1),
        "calendar_week": day + timedelta(days=7 - day.weekday()),
        "calendar_month": (day.replace(day=1) + timedelta(days=32)).replace(day=1),
    }
    return int(day_bounds(following[cap.window], who.place)[0].timestamp())


def _quota(who: Person, _: PlayTask, __: str, row: Mapping[str, Any]) -> dict[str, Any]:
    return {"quota": who.known.channels[row["channel"]].quota_per_day}


def _budget(who: Person, play: PlayTask, detail: str, __: Mapping[str, Any]) -> dict[str, Any]:
    if detail.startswith(CODE_LIST):
        key = detail.removeprefix(CODE_LIST)
        stock = who.known.request.codes.get(key, CodesLeft(left=0))
        lapsed = who.customer_no in stock.lapsed
        return {"list": key, "issued": stock.issued, "left": stock.left, "lapsed": lapsed}
    budget, currency = play.strategy.budget, who.known.request.currency
    lines = dict(budget.lines(play.strategy.key, send_on(who.known.request)))
    limit = lines.get(detail, budget.per_customer_fen)
    return {"limit": Amount(limit or 0, currency), "limit_fen": limit}


def _negative_margin(who: Person, play: PlayTask, _: str, row: Mapping[str, Any]) -> dict[str, Any]:
    request = who.known.request
    arm = next(task for task in play.arms if task.arm.name == row["variant"])
    cost = arm.offer_cost_fen + who.known.channels[row["channel"]].cost_fen
    orders, spent = who.profile.get("orders_365d") or 1, who.profile.get("money_365d_fen") or 0
    return {
        "cost": Amount(cost, request.currency),
        "order": Amount(int(spent) // int(orders), request.currency),
        "margin": f"{(request.default_margin_bp or 0) / 10_000:.0%}",
    }


def _priority(who: Person, play: PlayTask, detail: str, __: Mapping[str, Any]) -> dict[str, Any]:
    """Return what decided for the strategy ``detail``: its priority, or the order of keys among equals."""
    mine = play.strategy.priority
    theirs = {one.key: one.priority for one in who.known.request.strategies}.get(detail)
    if theirs is None:  # another customer at the address, or a strategy that is gone since the plan was made
        return {"decided": said(DECIDED["before"])}
    by = "play" if detail == play.strategy.key else "priority" if theirs > mine else "key"
    given = {"mine": mine, "theirs": theirs, "own": play.strategy.key, "detail": detail}
    return {
        "decided_by": by,
        "priority": mine,
        "other_priority": theirs,
        "decided": said(DECIDED[by], **given),
    }


_BY_REASON = {
    Reason.NOT_RUNNING: _not_running,
    Reason.SUPPRESSED: _suppressed,
    Reason.NO_CONSENT: _no_consent,
    Reason.HOLDOUT: _holdout,
    Reason.RE_ENTRY: _re_entry,
    Reason.DUPLICATE_CONTENT: _duplicate,
    Reason.FREQUENCY_CAP: _frequency_cap,
    Reason.PRIORITY_LOST: _priority,
    Reason.PLATFORM_QUOTA: _quota,
    Reason.BUDGET: _budget,
    Reason.NEGATIVE_MARGIN: _negative_margin,
}
