"""What candidates share and may run out of (共享额度): quotas, code lists, budgets of strategies."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial

from koipond.kernel import epoch_day
from koipond.outreach.model import Reason
from koipond.strategy.plan.bids import Bid
from koipond.strategy.plan.context import Context
from koipond.strategy.plan.model import DAY, TOTAL, budget_detail, list_detail
from koipond.strategy.plan.offer_stock import cost_of, list_number
from koipond.strategy.plan.task import PlayTask, send_on


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A quota (``channel``, by number), a code list (``code_list``) or a budget (``strategy``): ``most`` less
    what is ``gone``.
    """

    known: Context
    reason: Reason
    detail: int
    most: int
    gone: Callable[[], int] = lambda: 0
    channel: int | None = None
    code_list: int | None = None
    strategy: str | None = None

    def left(self) -> int:
        """Return what is left of it."""
        return max(0, self.most - self.gone())

    def concerns(self, play: PlayTask) -> bool:
        """Say whether a candidate of ``play`` may take of it."""
        if self.code_list is not None:
            key = self.known.code_lists[self.code_list]
            return any(task.arm.offer.code_list == key for task in play.arms)
        return self.strategy in (None, play.strategy.key)

    def takes(self, bid: Bid, channel: int, held: bool) -> int:
        """Return what a touch of ``bid`` by ``channel`` takes; ``held``: its customer has a code already."""
        if self.channel is not None:
            return int(channel == self.channel)
        if self.code_list is not None:
            return int(not held and list_number(self.known, bid) == self.code_list)
        return sum(cost_of(self.known, bid, channel, held=held))


def limits_of(known: Context) -> list[Limit]:
    """Return every limit, in the order in which the gate asks for them."""
    return [*_quotas(known), *_code_lists(known), *_budgets(known)]


def _quotas(known: Context) -> list[Limit]:
    sent = cache(partial(_sent, known))
    return [
        Limit(
            known=known,
            reason=Reason.PLATFORM_QUOTA,
            detail=number,
            most=terms.quota_per_day,
            gone=partial(_of, sent, terms.channel, 0),
            channel=number,
        )
        for number, terms in enumerate(known.channels.values())
        if terms.quota_per_day is not None
    ]


def _code_lists(known: Context) -> list[Limit]:
    """Return the code lists; before budgets, since who gets no code would not have cost its price."""
    stock = known.request.codes
    return [
        Limit(
            known=known,
            reason=Reason.BUDGET,
            detail=list_detail(number),
            most=stock[key].left,
            code_list=number,
        )
        for number, key in enumerate(known.code_lists)
    ]


def _budgets(known: Context) -> list[Limit]:
    found: list[Limit] = []
    spent = cache(partial(_spent, known))
    for number, strategy in enumerate(known.request.strategies):
        limits = {TOTAL: strategy.budget.total_fen, DAY: strategy.budget.per_day_fen}
        found += [
            Limit(
                known=known,
                reason=Reason.BUDGET,
                detail=budget_detail(number, scope),
                most=limit,
                gone=partial(_of, spent, strategy.key, int(scope == DAY)),
                strategy=strategy.key,
            )
            for scope, limit in limits.items()
            if limit is not None
        ]
    return found


def _of(sums: Callable[[], Mapping[str, tuple[int, ...]]], key: str, place: int) -> int:
    return sums().get(key, (0, 0))[place]


def _sent(known: Context) -> dict[str, tuple[int, ...]]:
    """Return how much went by each channel on the day the plan is sent."""
    if not known.reader.has("touches"):
        return {}
    rows = known.reader.table("touches")
    today = rows.filter(rows.day == epoch_day(send_on(known.request)))
    counted = today.group_by("channel").aggregate(n=today.count())
    return {row["channel"]: (int(row["n"]),) for row in known.reader.frame(counted).to_pylist()}


def _spent(known: Context) -> dict[str, tuple[int, ...]]:
    """Return what each strategy has cost so far, and on the day the plan is sent."""
    if not known.reader.has("touches"):
        return {}
    rows = known.facts.rows("touches")
    mine = rows.filter((rows.cost_fen > 0) & rows.strategy.isin(list(known.strategies)))
    today = mine.day == epoch_day(send_on(known.request))
    sums = mine.group_by("strategy").aggregate(
        total=mine.cost_fen.sum(), today=mine.cost_fen.sum(where=today)
    )
    found = known.reader.frame(sums).to_pylist()
    return {row["strategy"]: (int(row["total"] or 0), int(row["today"] or 0)) for row in found}
