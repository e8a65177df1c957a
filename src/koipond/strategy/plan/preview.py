"""Preview (预览): what the first touches of a plan would say, to the very customers they are meant for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any

from koipond.facts.ports import IbisTable
from koipond.kernel import Message
from koipond.outreach.model import GateCandidate, Reason
from koipond.outreach.templates import Rendered, preview
from koipond.strategy.plan.context import Context
from koipond.strategy.plan.gate_requests import gate_candidates
from koipond.strategy.variables import offer_until

SHOWN_MAX = 100
CODE = "××××××××"  # read in any language as a code that is not there yet
LINK = "https://…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One message as its customer would get it, or what is wrong with it; code and links are made later."""

    customer_no: int
    strategy: str
    play: str
    variant: str
    channel: str
    message: Rendered | None
    problem: str


Barred = Callable[[Sequence[GateCandidate]], Mapping[int, Reason]]
"""Asked which of some candidates (their places) may not be touched any more, and why."""
LastDays = Callable[[Sequence[GateCandidate]], Sequence[date | None]]
"""Asked for the last day of the code that each of some candidates would be dealt, None where it has none."""


def preview_touches(
    known: Context,
    rows: IbisTable,
    *,
    count: int = 5,
    barred: Barred = lambda _: {},
    last_days: LastDays = lambda asked: [None] * len(asked),
) -> list[Shown]:
    """Render the first ``count`` touches of ``rows`` (columns of CANDIDATES), by customer number.

    Of whom ``barred`` names there is no message but the reason: they said no since the plan was made.
    An offer ends on the last day of its code, by ``last_days``, where that comes before its own.
    """
    wanted = min(count, SHOWN_MAX)
    first = rows.filter(rows.reason.isnull()).order_by("customer_no", "strategy", "play").limit(wanted)
    asked = islice((one for part in gate_candidates(known, first) for one in part), wanted)
    shown = []
    ordered = sorted(asked, key=lambda candidate: (candidate.customer_no, candidate.strategy, candidate.play))
    over = barred(ordered)
    open_ = [place for place in range(len(ordered)) if place not in over]
    ends = dict(zip(open_, last_days([ordered[place] for place in open_]), strict=True))
    for place, one in enumerate(ordered):
        template = known.request.templates[one.template]
        ((message, problem),) = preview(template, [_later(one.values, ends.get(place))], [one.language])
        if place in over:
            message, problem = None, Message("will not be sent: {over}", over=over[place])
        shown.append(
            Shown(
                customer_no=one.customer_no,
                strategy=one.strategy,
                play=one.play,
                variant=one.variant,
                channel=one.channel,
                message=message,
                problem=problem,
            )
        )
    return shown


def _later(values: Mapping[str, Any], code_day: date | None) -> dict[str, Any]:
    """Return ``values`` with stand-ins for what is only known when a touch is sent."""
    made = {"offer": {**offer_until(values, code_day), "code": CODE}} if values.get("offer") else {}
    return {**values, **made, "unsubscribe": {"url": LINK}}
