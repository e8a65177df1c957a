"""What candidates share and may run out of (共享额度): quotas, code lists, budgets of strategies."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial

from koipond.kernel import epoch_day
from koipond.outreach.model import Reason
from koipond.strategy.plan.cells import Cell, cost_of_cell
from koipond.strategy.plan.codes import DAY, TOTAL, budget_detail, code, list_detail
from koipond.strategy.plan.known import Known
from koipond.strategy.plan.stock import NO_LIST, list_number
from koipond.strategy.plan.task import send_on


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A quota (``channel``), a code list (``code_list``) or a budget (``strategy``): ``most`` less what is
    ``gone``.
    """

    known: Known
    code: int
    most: int
    gone: Callable[[], int] = lambda: 0
    channel: str | None = None
    code_list: int | None = None
    strategy: str | None = None

    def left(self) -> int:
        """Return what is left of it."""
        return max(0, self.most - self.gone())

    def takes(self, play: int, channel: int, code_list: int, cost_fen: int) -> int:
        """Return what one candidate of such a class takes of it."""
        task = self.known.plays[play]
        if self.channel is not None:
            return int(task.channels[channel].channel == self.channel)
        if self.code_list is not None:
            return int(code_list == self.code_list)
        return cost_fen if task.strategy.key == self.strategy else 0

    def of(self, cell: Cell) -> int:
        """Return what all candidates of ``cell`` would take of it."""
        if cell.code != 0:
            return 0
        play = self.known.plays[cell.play]
        number = None if cell.held else list_number(self.known, play.arms[cell.arm])
        code_list = NO_LIST if number is None else number
        return cell.candidates * self.takes(cell.play, cell.channel, code_list, cost_of_cell(play, cell))


def limits_of(known: Known) -> list[Limit]:
    """Return every limit, in the order in which the gate asks for them."""
    found = [
        Limit(
            known=known,
            code=code(Reason.PLATFORM_QUOTA, number),
            most=terms.quota_per_day,
            gone=cache(partial(_sent_today, known, terms.channel)),
            channel=terms.channel,
        )
        for number, terms in enumerate(known.channels.values())
        if terms.quota_per_day is not None
    ]
    for number, key in enumerate(known.code_lists):  # who gets no code would not have cost its price
        why = code(Reason.BUDGET, list_detail(number))
        found.append(Limit(known=known, code=why, most=known.request.codes[key].left, code_list=number))
    for number, strategy in enumerate(known.request.strategies):
        spent = cache(partial(_spent, known, strategy.key))
        limits = {TOTAL: strategy.budget.total_fen, DAY: strategy.budget.per_day_fen}
        found += [
            Limit(
                known=known,
                code=code(Reason.BUDGET, budget_detail(number, scope)),
                most=limit,
                gone=partial(_part, spent, int(scope == DAY)),
                strategy=strategy.key,
            )
            for scope, limit in limits.items()
            if limit is not None
        ]
    return found


def _part(spent: Callable[[], tuple[int, int]], place: int) -> int:
    return spent()[place]


def _sent_today(known: Known, channel: str) -> int:
    if not known.reader.has("touches"):
        return 0
    rows = known.reader.table("touches")
    sent = rows.filter((rows.channel == channel) & (rows.day == epoch_day(send_on(known.request))))
    return int(known.reader.scalar(sent.count()))


def _spent(known: Known, strategy: str) -> tuple[int, int]:
    """Return what ``strategy`` has cost so far, and on the day the plan is sent."""
    if not known.reader.has("touches"):
        return 0, 0
    rows = known.facts.rows("touches")
    mine = rows.filter((rows.strategy == strategy) & (rows.cost_fen > 0))
    today = mine.day == epoch_day(send_on(known.request))
    sums = mine.aggregate(total=mine.cost_fen.sum(), today=mine.cost_fen.sum(where=today))
    row: Mapping[str, int | None] = known.reader.frame(sums).to_pylist()[0]
    return int(row["total"] or 0), int(row["today"] or 0)
