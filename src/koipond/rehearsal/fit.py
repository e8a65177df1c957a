"""Fit the simulated brand to a workspace's own facts (模拟品牌拟合): rhythm, cycles, baskets, lapsing.

With gamma gaps of mean c and shape k, E ln gap = ln c + ψ(k) - ln k and Var ln gap = ψ'(k) (Johnson, Kotz and
Balakrishnan 1994, ch. 17). So the spread of ln gap within customers gives k, and the spread between their
means that of the cycles, less what chance adds to a mean of few gaps. Good enough to plan by, with two known
leanings: gaps that are not over yet are unseen, so young data give short cycles; a purchase counts as the
last regular one when its customer is dormant or churned now, so a long cycle may be taken for a lapse.
"""

from math import ceil, exp, log, sqrt
from typing import Any

from koipond.facts.ports import IbisTable, Reader
from koipond.facts.tables import read_facts, without_unreal
from koipond.insights.outcomes import net_orders
from koipond.kernel import InputError
from koipond.rehearsal.brand import BrandParameters

CUSTOMERS_MIN = 30
"""Fewer customers with two gaps say nothing about a rhythm."""
TOUCHES_MIN = 200
"""Fewer touches say nothing about clicks and opt-outs."""
RHYTHM_MIN, RHYTHM_MAX = 0.5, 20.0
LAPSED_CYCLES = 4.0
"""Mean gap of the lapsed, in cycles: between the edges of dormant (3) and churned (5)."""
_DIGITS = 4
_EARLY = 0.005  # of the orders, and at least one, may be dated too early by mistake
_ONE_SD = (0.15865525, 0.84134475)  # normal quantiles at -1 and +1


def fit_brand(reader: Reader, as_of_day: int) -> BrandParameters:
    """Return the parameters of a brand like the workspace that ``reader`` sees, profile of the day included.

    Raises InputError when too few customers came back often enough to tell a rhythm.
    """
    orders = _orders(reader, as_of_day)
    gaps = _one(reader, _gap_sums(orders))
    if gaps["customers"] < CUSTOMERS_MIN:
        raise InputError(
            "{customers} customers bought on three days or more; a rehearsal needs "
            "{customers_min} to learn the brand's rhythm; rehearse a shipped case: koipond "
            "rehearse --scenario C4",
            customers=gaps["customers"],
            customers_min=CUSTOMERS_MIN,
        )
    rhythm, cycle, spread = _rhythm(gaps)
    basket = _one(reader, basket_sums(orders))
    lapsed = _one(reader, _lapses(without_unreal(read_facts(reader), reader.table("profile"))))
    click_rate, opt_out_rate = _answers(reader)
    return BrandParameters(
        customers=lapsed["buyers"],
        history_days=max(30, as_of_day - first_day(reader, orders, basket["orders"])),
        cycle_days_median=_rounded(cycle),
        cycle_spread=_rounded(spread),
        rhythm=_rounded(rhythm),
        lapse_rate=_rounded(min(0.9, lapsed["lapsed"] / max(1, lapsed["purchase_days"]))),
        lapsed_cycle_days=_rounded(LAPSED_CYCLES * cycle),
        basket_fen_median=max(1, round(exp(basket["middle"]))),
        basket_spread=_rounded(basket["spread"] or 0.0),
        click_rate=click_rate,
        opt_out_rate=opt_out_rate,
    )


def _orders(reader: Reader, as_of_day: int) -> IbisTable:
    facts = read_facts(reader)
    if facts.orders is None:
        raise InputError("there are no orders to learn the brand from; run: koipond import orders FILE")
    paid = net_orders(facts, as_of_day, also=("day",)).select("customer_no", "day", "net_fen")
    return without_unreal(facts, paid)


def _gap_sums(orders: IbisTable) -> IbisTable:
    """Return one row: customers with two gaps or more, and sums over their means and spreads of ln gap."""
    days = orders.select("customer_no", "day").distinct()
    before = days.day.lag().over(group_by="customer_no", order_by="day")
    gaps = days.mutate(ln_gap=(days.day - before).cast("float64").ln()).filter(lambda t: t.ln_gap.notnull())
    own = gaps.group_by("customer_no").agg(
        n=gaps.count(), mean=gaps.ln_gap.mean(), spread=gaps.ln_gap.var(how="pop")
    )
    own = own.filter(own.n >= 2)
    return own.agg(
        customers=own.count(),
        mean=own["mean"].mean(),
        between=own["mean"].var(how="sample"),
        within=(own.spread * own.n).sum() / (own.n - 1).sum(),
        noise=(1 / own.n.cast("float64")).mean(),
    )


def _rhythm(gaps: dict[str, Any]) -> tuple[float, float, float]:
    """Return shape of the gaps, median cycle in days and its spread (sigma of logs)."""
    from scipy.optimize import brentq
    from scipy.special import polygamma, psi

    within = float(gaps["within"] or 0.0)
    low, high = (float(polygamma(1, k)) for k in (RHYTHM_MAX, RHYTHM_MIN))
    within = min(max(within, low), high)
    shape = float(brentq(lambda k: polygamma(1, k) - within, RHYTHM_MIN, RHYTHM_MAX))
    spread = sqrt(max(0.0, float(gaps["between"] or 0.0) - within * float(gaps["noise"])))
    return shape, exp(float(gaps["mean"]) - float(psi(shape)) + log(shape)), spread


def basket_sums(orders: IbisTable) -> IbisTable:
    """Return the middle of ln basket and its spread, by quantiles one standard deviation from the middle.

    The mean of a lognormal is exp(middle + spread²/2): with the moments of ln basket one order of 0.01 yuan
    in a hundred makes the orders of the rehearsed brand worth several times its own; quantiles do not see it.
    """
    baskets = orders.mutate(ln_fen=orders.net_fen.cast("float64").ln())
    low, high = (baskets.ln_fen.quantile(share) for share in _ONE_SD)
    return baskets.agg(middle=baskets.ln_fen.median(), spread=(high - low) / 2, orders=baskets.count())


def first_day(reader: Reader, orders: IbisTable, count: int) -> int:
    """Return the day on which the history of ``orders`` begins: after their earliest half per cent.

    One order with a mistyped year would stretch the history tenfold, and with it how often people bought.
    """
    earliest = orders.select("day").order_by("day").limit(1, offset=min(ceil(count * _EARLY), count - 1))
    return int(reader.frame(earliest)["day"][0].as_py())


def _lapses(profile: IbisTable) -> IbisTable:
    buyers = profile.filter(profile.purchase_days > 0)
    return buyers.agg(
        buyers=buyers.count(),
        purchase_days=buyers.purchase_days.sum(),
        lapsed=buyers.lifecycle.isin(["dormant", "churned"]).sum(),
    )


def _answers(reader: Reader) -> tuple[float, float]:
    """Return the shares of touches that were clicked and that led to an opt-out."""
    usual = BrandParameters()
    facts = read_facts(reader)
    sent = without_unreal(facts, facts.canonical(reader.table("touches")))
    touches = int(reader.scalar(sent.touch_key.nunique()))
    if touches < TOUCHES_MIN:
        return usual.click_rate, usual.opt_out_rate
    told = reader.table("responses").semi_join(sent.select("touch_key"), "touch_key")
    counts = told.group_by("kind").agg(n=told.touch_key.nunique())
    found = {row["kind"]: int(row["n"]) for row in reader.frame(counts).to_pylist()}
    return _rounded(found.get("clicked", 0) / touches), _rounded(found.get("unsubscribed", 0) / touches)


def share_reached(reader: Reader, channel: str, address_kind: str | None, *, consent: bool) -> float:
    """Return the share of customers with an address of ``channel``, and with consent where it is asked."""
    known = read_facts(reader).canonical(reader.table("customers").select("customer_no"))
    people = without_unreal(read_facts(reader), known).distinct()
    total = int(reader.scalar(people.count()))
    if address_kind is not None:
        have = reader.table("reachable").filter(lambda t: t.channel == channel)
        people = people.semi_join(have, "customer_no")
    if consent:
        said = reader.table("consents").filter(
            lambda t: (t.channel == channel) & (t.purpose == "marketing") & t.granted
        )
        people = people.semi_join(said, "customer_no")
    return _rounded(int(reader.scalar(people.count())) / max(1, total))


def _one(reader: Reader, row: IbisTable) -> dict[str, Any]:
    return dict(reader.frame(row).to_pylist()[0])


def _rounded(value: float) -> float:
    """Keep four digits: an engine may add in any order, and the brand is to be the same every time."""
    return float(f"{value:.{_DIGITS}g}")
