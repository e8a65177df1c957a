"""Rules by their grammar, mostly ones that can be read, with hostile texts, numbers and days in them."""

from tests.fuzz.values import Draw

NUMBERS = ("days_since_last_purchase", "money_365d", "orders_365d", "repurchase_cycle_days", "r_score")
WORDS = {"lifecycle": ("dormant", "growth"), "rfm_level": ("high", "low"), "grade": ("core",)}
DAYS = ("last_purchase_on", "first_purchase_on")
FLAGS = ("member", "at_risk", "everyone", "staff", "follower")
FACTS = ("orders", "items", "events", "touches", "responses", 'events("v")', 'orders(channel = "app")')
OPS = ("=", "!=", "<", "<=", ">", ">=")


def rule(draw: Draw, depth: int = 0) -> str:
    """Return the text of a rule; about a tenth of all hold a token out of place."""
    if depth < 3 and draw.chance(0.45):
        parts = [rule(draw, depth + 1) for _ in range(draw.random.randrange(2, 4))]
        return "(" + f" {draw.random.choice(('and', 'or'))} ".join(parts) + ")"
    if draw.chance(0.15):
        return f"not {rule(draw, depth + 1)}"
    if draw.chance(0.03):
        return str(draw.text())
    return _condition(draw)


def quoted(draw: Draw) -> str:
    text = draw.text().replace("\\", "").replace('"', "").replace("\n", " ")
    return f'"{text[:200]}"'


def _condition(draw: Draw) -> str:
    kind = draw.random.randrange(9)
    if kind == 0:
        return f"{draw.random.choice(NUMBERS)} {_number_test(draw)}"
    if kind == 1:
        field = draw.random.choice(list(WORDS))
        return f"{field} {draw.random.choice(('=', '!='))} {draw.random.choice(WORDS[field])}"
    if kind == 2:
        return f"{draw.random.choice(DAYS)} {draw.random.choice(OPS)} {_day(draw)}"
    if kind == 3:
        return draw.random.choice(FLAGS)
    if kind == 4:
        how = draw.random.choice(("=", "!=", "contains", "starts with", "ends with"))
        return f"trait.city {how} {quoted(draw)}"
    if kind == 5:
        return f"{draw.random.choice(FACTS)}.count({_window(draw)}) {_number_test(draw)}"
    if kind == 6:
        return f"orders.sum(net, {_window(draw)}) {_number_test(draw)}"
    if kind == 7:
        return f"bought(category = {quoted(draw)}, {_window(draw)})"
    share = draw.random.choice(("10%", "100%", "5% to 7%")) if draw.chance(0.95) else "200%"
    return f"sample({share}, {quoted(draw)})"


def _number_test(draw: Draw) -> str:
    number = draw.random.choice(("0", "1", "-1", "30", "365", "1000000"))
    if draw.chance(0.05):
        number = draw.random.choice(("19.90", "1e3", "99999999999999999999", "0.0000001"))
    return draw.random.choice((f"{draw.random.choice(OPS)} {number}", f"between 0 and {number}", "is known"))


def _day(draw: Draw) -> str:
    if draw.chance(0.03):
        return draw.random.choice(("2025-02-29", "0000-00-00"))
    return draw.random.choice(("2025-01-01", "1900-01-01", "2199-12-31"))


def _window(draw: Draw) -> str:
    days = draw.random.choice((1, 7, 30, 365, 36_500)) if draw.chance(0.97) else 36_501
    return draw.random.choice(
        (f"last {days} days", "ever", f"since {_day(draw)}", f"from {days} to 0 days ago")
    )
