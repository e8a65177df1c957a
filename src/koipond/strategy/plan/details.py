"""What the numbers behind a reason stand for, and what an operator must know first. Pure."""

from collections.abc import Sequence

from koipond.budgets import code_list_scope, daily_scope, total_scope
from koipond.kernel import Message
from koipond.outreach.model import Reason
from koipond.strategy.plan.bids import Bid
from koipond.strategy.plan.cells import Cell
from koipond.strategy.plan.checks import GLOBAL_DETAIL
from koipond.strategy.plan.context import Context
from koipond.strategy.plan.model import CUSTOMER, DAY, LISTS, ORDER, SAME_INBOX
from koipond.strategy.plan.task import PlayTask, send_on

CUSTOMER_SCOPE = "per_customer"
INBOX = "same_address"
_REASONS = {place: reason for reason, place in ORDER.items()}


def reason_of(number: int) -> Reason:
    """Return the reason at place ``number`` of the order of the checks."""
    return _REASONS[number]


def detail_of(known: Context, bid: Bid, reason: Reason, number: int) -> str:
    """Return what ``number`` stands for: the cap's key, the winning strategy, the budget's scope …"""
    play = bid.play
    if reason is Reason.STALE_SEGMENT:
        return ", ".join(stale_audiences(known, play))
    if reason in (Reason.SUPPRESSED, Reason.NO_ADDRESS, Reason.PLATFORM_QUOTA):
        return list(known.channels)[number]
    if reason is Reason.NO_CONSENT:
        return f"{list(known.channels)[number]}:{play.play.purpose}"
    if reason is Reason.NOT_RUNNING:
        return play.stopped
    if reason is Reason.HOLDOUT:
        return "global" if number == GLOBAL_DETAIL else play.strategy.key
    if reason is Reason.TEMPLATE_ERROR:
        return bid.required[number - 1]
    if reason is Reason.FREQUENCY_CAP:
        return known.caps[number].cap.key
    if reason is Reason.PRIORITY_LOST:
        return INBOX if number == SAME_INBOX else known.request.strategies[number].key
    return _scope(known, number) if reason is Reason.BUDGET else ""


def _scope(known: Context, number: int) -> str:
    if number >= LISTS:
        return code_list_scope(known.code_lists[number - LISTS])
    place, scope = divmod(number, 3)
    strategy = known.request.strategies[place].key
    if scope == CUSTOMER:
        return CUSTOMER_SCOPE
    return daily_scope(strategy, send_on(known.request)) if scope == DAY else total_scope(strategy)


def stale_audiences(known: Context, play: PlayTask) -> list[str]:
    """Return the segments of ``play`` that are too old or failed."""
    keys = {arm.arm.audience for arm in play.arms}
    return sorted(key for key in keys if (found := known.audiences.get(key)) is not None and found.stale)


def notes(known: Context, counted: Sequence[Cell]) -> tuple[str, ...]:
    """Return what to know first: segments never computed, and one reason that takes everybody."""
    found = [
        Message("{scope} is paused {since}; run: koipond resume {scope} --by NAME", scope=scope, since=since)
        for scope, since in sorted(known.request.paused.items())
    ]
    for key, audience in known.audiences.items():
        if audience.stale:
            found.append(Message("segment '{key}' cannot be used: {stale}", key=key, stale=audience.stale))
    total = sum(cell.candidates for cell in counted)
    reasons = {cell.reason for cell in counted}
    if total and 0 not in reasons and len(reasons) == 1:
        reason = reason_of(*reasons)
        no_code = reason is Reason.BUDGET and all(cell.detail >= LISTS for cell in counted)
        found.append(
            Message(
                "all {total} candidates end at {reason}: {remedy}",
                total=total,
                reason=Message(str(reason)),
                remedy=NO_CODE if no_code else REMEDIES[reason],
            )
        )
    if not total and not any(audience.stale for audience in known.audiences.values()):
        found.append(
            Message("nobody is in the audience of these plays today; look at: koipond segments list")
        )
    return tuple(found)


NO_CODE = Message("no code is left for them; run: koipond codes import LIST FILE")
REMEDIES = {
    Reason.NOT_RUNNING: Message(
        "it has not started, has ended or is paused; mend its dates, then: koipond apply"
    ),
    Reason.STALE_SEGMENT: Message("the segment is older than the plan's day; run: koipond refresh"),
    Reason.STAFF: Message("only staff are in the audience; look at: koipond segments list"),
    Reason.SUPPRESSED: Message("everybody is suppressed on these channels; look at: koipond why CUSTOMER"),
    Reason.MINOR: Message("everybody is a minor, and minors get no marketing"),
    Reason.NO_ADDRESS: Message("nobody has an address on these channels; run: koipond import customers FILE"),
    Reason.NO_CONSENT: Message("nobody has agreed to these channels; run: koipond import consents FILE"),
    Reason.HOLDOUT: Message("everybody is held out; look at holdout_rate"),
    Reason.RE_ENTRY: Message(
        "everybody had this strategy within re_entry_days; wait, or plan another strategy"
    ),
    Reason.DUPLICATE_CONTENT: Message("everybody got this text within 30 days; write another template"),
    Reason.TEMPLATE_ERROR: Message(
        "a variable the text requires is missing for all; add a fallback to the template"
    ),
    Reason.FREQUENCY_CAP: Message(
        "everybody has had enough for now; wait, or look at contact_policy in koipond.yaml"
    ),
    Reason.PRIORITY_LOST: Message(
        "another strategy comes first for everybody: by priority, among equals by key"
    ),
    Reason.PLATFORM_QUOTA: Message("the channel's quota of today is used up; plan again tomorrow"),
    Reason.BUDGET: Message("the budget is used up; raise it in the strategy's file, then koipond apply"),
    Reason.NEGATIVE_MARGIN: Message("an order would not pay for the offer; take a cheaper one"),
    Reason.STAFF_CAPACITY: Message("no member of staff has time for it"),
}
