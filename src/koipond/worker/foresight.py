"""What a definition will come to, said while it is written (预判): power, days, share left out, days
promised.

For `check`, when the folder has a workspace with facts: how many of a strategy's crowd its hold-outs leave
out, what its test can find and by when (case U22), and where codes end before their offer says (case U04).
It is an outlook, no finding: nothing is wrong with a strategy that learns slowly.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from koipond.bootstrap import App, open_app
from koipond.bootstrap.app import is_kept
from koipond.experiments.assignment import holdout_rate
from koipond.experiments.power import Baseline, customers_needed, power_of, smallest_difference
from koipond.facts.tables import read_facts
from koipond.insights.outcomes import net_orders
from koipond.kernel import InputError, KoipondError, Message, epoch_day, joined
from koipond.segments.bitmaps import from_numbers
from koipond.segments.membership import everyone
from koipond.segments.segment_state import members_of, read_states
from koipond.strategy.model import EVERYONE, Strategy
from koipond.worker.code_ends import early_ends
from koipond.workspace import Folder
from koipond.workspace.counting import ScopeCounter

if TYPE_CHECKING:
    from pyroaring import BitMap

RISE = 0.20
"""The relative rise in conversion that power is told for."""
POWER = 0.8
CUSTOMERS_MAX = 2_000_000
"""Above so many customers `check` measures no outcome: it would compute a profile of an earlier day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What a strategy's test can find. ``crowd``: customers in its audiences today; ``left_out``: share of
    them that its hold-outs never touch; ``global_share``, ``own_share``: the two of them.

    ``baseline``: share of those in the audiences ``window_days`` ago who bought since; None when it is not
    known. ``power``: chance to find a rise of ``rise`` among today's crowd; ``needed``: customers for
    `POWER`; ``days``: until their windows are over at today's inflow, None when they never are;
    ``smallest``: the least rise, in points of the share, that today's crowd finds with `POWER`.
    """

    strategy: str
    crowd: int
    global_share: float
    own_share: float
    window_days: int
    baseline: float | None = None
    power: float | None = None
    needed: int | None = None
    days: int | None = None
    smallest: float | None = None
    rise: float = RISE

    @property
    def left_out(self) -> float:
        """Share of the crowd that is never touched."""
        return 1 - (1 - self.global_share) * (1 - self.own_share)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        names = ("strategy", "crowd", "global_share", "own_share", "window_days", "rise")
        more = ("baseline", "power", "needed", "days", "smallest")
        return {**{name: getattr(self, name) for name in (*names, *more)}, "left_out": self.left_out}


def outlook_at(folder: Path, read: Folder) -> dict[str, Any]:
    """Return ``strategies`` and ``offers`` as `check` tells them; both empty where no facts are kept yet."""
    nothing: dict[str, Any] = {"strategies": [], "offers": []}
    try:
        if not is_kept(folder):
            return nothing
        with open_app(folder, say_unapplied=False) as app:
            offers = early_ends(app, {one.key: one.value for one in read.of("offer")})
            return {"strategies": [one.to_dict() for one in outlooks(app, read)], "offers": offers}
    except KoipondError:
        return nothing


def outlooks(app: App, folder: Folder) -> list[Outlook]:
    """Return what each strategy of ``folder`` that has a hold-out can find; none before there are orders."""
    strategies: list[Strategy] = [one.value for one in folder.of("strategy")]
    strategies = [one for one in strategies if isinstance(one, Strategy)]
    today = app.observation_day(None)
    with app.warehouse.read() as reader:
        if not strategies or not reader.has("orders"):
            return []
        people = int(reader.scalar(reader.table("customers").count()))
    now = _audiences(app, folder, strategies, today)
    before: dict[int, dict[str, BitMap]] = {}
    bought: dict[int, BitMap] = {}
    for window in {one.metric.window_days for one in strategies} if people <= CUSTOMERS_MAX else ():
        before[window] = _audiences(app, folder, strategies, today - timedelta(days=window))
        bought[window] = _buyers(app, today, window)
    wide = _global_share(folder, people)
    return [
        _outlook(
            one,
            now[one.key],
            before.get(one.metric.window_days, {}).get(one.key),
            bought.get(one.metric.window_days),
            wide,
        )
        for one in strategies
        if one.key in now
    ]


def _outlook(
    strategy: Strategy,
    crowd: "BitMap",
    before: "BitMap | None",
    bought: "BitMap | None",
    global_share: float,
) -> Outlook:
    window, own = strategy.metric.window_days, strategy.holdout_rate
    made = Outlook(
        strategy=strategy.key,
        crowd=len(crowd),
        global_share=global_share,
        own_share=own,
        window_days=window,
    )
    reached = round(len(crowd) * (1 - global_share))
    if not before or bought is None or not 0 < own < 1:
        return made
    rate = len(before & bought) / len(before)
    if not 0 < rate * (1 + RISE) < 1:
        return replace(made, baseline=rate)
    baseline, rise = Baseline(mean=rate), rate * RISE
    needed = customers_needed(baseline, rise, power=POWER, control_share=own)
    a_day = len(crowd - before) / window * (1 - global_share)
    wait = ceil(max(0, needed - reached) / a_day) if a_day else None if needed > reached else 0
    return replace(
        made,
        baseline=rate,
        power=power_of(baseline, rise, reached, control_share=own) if reached else 0.0,
        needed=needed,
        days=None if wait is None else window + wait,
        smallest=_smallest(baseline, reached, own),
    )


def _smallest(baseline: Baseline, customers: int, own: float) -> float | None:
    try:
        return smallest_difference(baseline, customers, power=POWER, control_share=own)
    except InputError:
        return None


def _global_share(folder: Folder, people: int) -> float:
    rate = folder.settings.defaults.global_holdout_rate if folder.settings else None
    return float(holdout_rate(people)) if rate is None else rate


def _audiences(app: App, folder: Folder, strategies: list[Strategy], day: date) -> dict[str, "BitMap"]:
    """Return strategy → who is in the audience of any of its plays on ``day``; those that can be counted."""
    found: dict[str, BitMap] = {}
    segments = {one.key: one for one in folder.of("segment")}
    with app.reading(day) as (reader, _):
        scope = app.scope(reader, day, members_of(read_states(reader)))
        counter, all_of_them = ScopeCounter(scope, folder), everyone(scope)
        for strategy in strategies:
            keys = {arm.audience for play in strategy.plays for arm in play.arms()}
            parts = [
                all_of_them if key == EVERYONE else counter.who(segments[key])
                for key in keys
                if key == EVERYONE or key in segments
            ]
            known = [part for part in parts if part is not None]
            if known:
                found[strategy.key] = known[0].union(*known)
    return found


def _buyers(app: App, day: date, window: int) -> "BitMap":
    """Return who bought in the ``window`` days up to ``day``."""
    last = epoch_day(day)
    with app.warehouse.read() as reader:
        orders = net_orders(read_facts(reader), last, also=("day",))
        mine = orders.filter(orders.day > last - window).select("customer_no").distinct()
        return from_numbers(reader.frame(mine).column("customer_no").combine_chunks())


def outlook_text(row: Mapping[str, Any]) -> str:
    """Return one strategy's outlook in words."""
    left = Message(
        "strategy '{strategy}': {crowd:,} in its audience today, {left_out:.0%} of them left out"
        " ({global_share:.0%} globally, {own_share:.0%} by its own hold-out)",
        strategy=row["strategy"],
        crowd=row["crowd"],
        left_out=row["left_out"],
        global_share=row["global_share"],
        own_share=row["own_share"],
    )
    if not row["own_share"]:
        return Message("{left}; without a hold-out of its own nobody will know what it earned", left=left)
    if row["baseline"] is None or row["needed"] is None:
        since = Message("{days} days", days=row["window_days"])
        return Message(
            "{left}; its power is not known: nobody in its audience {since} ago has bought since",
            left=left,
            since=since,
        )
    after = row["baseline"] * (1 + row["rise"])
    found = Message(
        "a rise of {rise:.0%} (from {baseline:.1%} to {after:.1%}) is found among them with a chance of"
        " {power:.0%}",
        rise=row["rise"],
        baseline=row["baseline"],
        after=after,
        power=row["power"],
    )
    wait = (
        Message("never, as nobody new comes in")
        if row["days"] is None
        else Message("known in {days:,} days", days=row["days"])
    )
    needed = Message(
        "{needed:,} customers are needed for {power:.0%}: {wait}",
        needed=row["needed"],
        power=POWER,
        wait=wait,
    )
    if row["smallest"] is None:
        return joined("; ", (left, found, needed))
    return Message(
        "{left}; {found}; {needed}; today's crowd finds {smallest:+.1f} percentage points or more",
        left=left,
        found=found,
        needed=needed,
        smallest=100 * row["smallest"],
    )
