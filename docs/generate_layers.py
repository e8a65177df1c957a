"""Write docs/reference/layers.md from the layer definitions; `make docs` runs it, a test holds it."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from koipond.segments.contradictions import CONTRADICTIONS
from koipond.segments.layers.definitions import KINDS
from koipond.segments.layers.event_names import ALIASES

TARGET = Path(__file__).parent / "reference" / "layers.md"
HEAD = """# Layer definitions

`layers/rfm.yaml`, `lifecycle.yaml`, `aipl.yaml` and `grade.yaml` hold what differs from the defaults; each
has `key:` with its own name. `koipond check` reports unknown keys and values out of range; a change makes the
next refresh a full one, whose movements have the cause `definition`. Windows are days up to the observation
day, or `all`; money is in minor units.
"""
EVENTS = """## Event names

Facts keep the names of the file. The default lists know the Segment v2 commerce names, the same in snake
case (`product_viewed`), and these of other trackers. For names of your own write the list in
`layers/aipl.yaml`, or for the whole brand in `koipond.yaml`, `events: {browse: […], active: […],
passive: […], praise: […], purchase: […], engaged: […]}`; what `layers/aipl.yaml` says wins. An import that
holds no known name says so and lists what it holds.

| v2 name | also known as |
|---|---|"""
CONTRADICTING = """## Contradictions

Each layer looks at a window and a measure of its own, so two of them may say the opposite of one customer.
`koipond layers` counts these, `koipond why` names them for one customer; look before you act on either layer.

| contradiction | rule |
|---|---|"""
TITLES = {
    "rfm": "RFM (recency, frequency, money)",
    "lifecycle": "Lifecycle on the personal repurchase cycle",
    "aipl": "AIPL",
    "grade": "Value grades",
}
WORDS: Mapping[str, str] = {
    "rfm.window": "days of frequency and money, or `all`",
    "rfm.frequency": "what F counts: `orders` or `purchase_days`",
    "rfm.scoring": (
        "how scores 1 to 5 are cut: `rank` (ties share a score), `quantile`, `fixed` (see `cuts`) or"
        " `rank_first` (old reports); one word for all three, or one each"
    ),
    "rfm.scoring.r": "of days since the last purchase",
    "rfm.scoring.f": "of the count",
    "rfm.scoring.m": "of the money",
    "rfm.cuts": "four rising cut points an axis, for `scoring: fixed`; bins are closed to the right",
    "rfm.cuts.recency_days": "days since the last purchase",
    "rfm.cuts.frequency_count": "orders or purchase days",
    "rfm.cuts.monetary_fen": "money in the window",
    "rfm.high": (
        "what makes an axis high: `mean` (score above the mean score), `score` (at least `high_score`),"
        " `raw_mean` (better than the mean value), `raw` (at least as good as `high_at`)"
    ),
    "rfm.high_score": "for `high: score`, 1 to 5",
    "rfm.high_at": "for `high: raw`",
    "rfm.high_at.recency_days": "bought within so many days",
    "rfm.high_at.frequency_count": "at least so many",
    "rfm.high_at.monetary_fen": "at least so much",
    "rfm.level": "`rfm_level` by the sum of the three scores, 3 to 15",
    "rfm.level.high": "at least this sum",
    "rfm.level.mid": "at least this sum; below is low",
    "lifecycle.at_risk_cycles": "at risk once more than so many personal cycles have passed",
    "lifecycle.dormant_cycles": "dormant once more than so many",
    "lifecycle.churned_cycles": "churned once more than so many",
    "lifecycle.due_from_cycles": "due from so many cycles",
    "lifecycle.due_to_cycles": "due up to so many cycles",
    "lifecycle.growth_days_max": "up to so many purchase days `growth`, more `mature`",
    "lifecycle.never_bought_after_days": "`never_bought` once a relation is older than so many days",
    "lifecycle.prior_gaps": "gaps of everybody's median with which the personal cycle is shrunk",
    "lifecycle.default_cycle_days": "the population's cycle while nobody has come back yet",
    "aipl.interest_window_days": "days of acts and browsing for aware and interest",
    "aipl.browse_days_min": "browsing on so many days is interest, on fewer aware",
    "aipl.loyal_days_min": "so many purchase days make loyal",
    "aipl.loyal_window_days": "within so many days",
    "aipl.praise_window_days": "days in which a positive review or share makes loyal",
    "aipl.purchase_window_days": "days in which one purchase day makes purchase",
    "aipl.engaged_window_days": "days of the T of FAST",
    "aipl.stock_counts_as_interest": "who counts as interest without any act",
    "aipl.stock_counts_as_interest.member": "members",
    "aipl.stock_counts_as_interest.follower": "followers",
    "aipl.stock_counts_as_interest.friend": "friends",
    "aipl.events": "event names as the facts have them; a list of your own replaces the whole default list",
    "aipl.events.browse": "browsing",
    "aipl.events.active": "active acts: interest at once",
    "aipl.events.passive": "passive touches: aware",
    "aipl.events.praise": "positive reviews and shares",
    "aipl.events.purchase": "purchases that came as events, counted when they carry no amount",
    "aipl.events.engaged": "acts of the T of FAST",
    "grade.window": "days of value, or `all`",
    "grade.core_percent": "core while less than so many percent of all value stand strictly ahead",
    "grade.key_percent": "key while less than so many",
    "grade.regular_percent": "regular while less than so many; else fringe",
    "grade.down_after_runs": "the held grade falls after so many monthly runs in a row below it",
    "grade.protected_days": "and never within so many days of joining",
}
"""Path of a key → what it says. A test holds the paths to those that the definitions read."""
HELD = """## Held grade

`grade` is the snapshot of the day. `held_grade` is what a customer is treated by: kept in the store, up at
once, down after `down_after_runs` monthly runs in a row below, never within `protected_days` of joining. The
first refresh of a month, on the workspace's today or before, runs everybody; any other lifts whom it moved
up. `koipond layers` counts it under `held_grade`, `koipond why` says since when it is held and how much value
lifts the snapshot a grade, rules read it as `held_grade = core`; on an earlier day each sees what was held
then.
Decision: [0010](../decisions/0010-held-grades.md).
"""
FULL_CUTS = {"recency_days": [7, 30, 90, 180], "frequency_count": [1, 2, 4, 8], "monetary_fen": [1, 2, 3, 4]}


def keys() -> Iterator[tuple[str, Any]]:
    """Yield every key of every layer's body as a path with its default; sections before what is in them."""
    for name, kind in KINDS.items():
        body = kind().to_mapping()  # type: ignore[operator]
        if name == "rfm":
            body["cuts"] = dict.fromkeys(FULL_CUTS)
        for key, value in body.items():
            yield f"{name}.{key}", None if isinstance(value, dict) else value
            if isinstance(value, dict):
                yield from ((f"{name}.{key}.{inner}", default) for inner, default in value.items())


def reference() -> str:
    """Return the reference of every key, and the aliases of event names."""
    parts = [HEAD]
    for name in KINDS:
        rows = [(path, value) for path, value in keys() if path.startswith(f"{name}.")]
        table = [
            f"| `{path.partition('.')[2]}` | {_default(value)} | {WORDS[path]} |" for path, value in rows
        ]
        head = [f"## `layers/{name}.yaml`: {TITLES[name]}", "", "| key | default | what |", "|---|---|---|"]
        parts.append("\n".join([*head, *table, ""]))
    parts.append(HELD)
    against = [f"| `{name}` | `{rule}` |" for name, rule in CONTRADICTIONS.items()]
    parts.append("\n".join([CONTRADICTING, *against, ""]))
    aliases = [f"| {name} | {', '.join(f'`{one}`' for one in other)} |" for name, other in ALIASES.items()]
    parts.append("\n".join([EVENTS, *aliases, ""]))
    return "\n".join(parts)


def _default(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(f"`{one}`" for one in value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def write() -> None:
    """Write the file."""
    TARGET.write_text(reference(), encoding="utf-8")
    sys.stdout.write(f"wrote {TARGET}\n")


if __name__ == "__main__":
    write()
