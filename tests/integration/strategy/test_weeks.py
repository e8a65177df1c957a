"""Weeks of plans, each sent in full: no window ever holds more touches than a cap allows (S43)."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from koipond.outreach.model import ContactPolicy, FrequencyCap
from koipond.strategy.model import Landing, content_of
from koipond.testing.plans import AS_OF, DAY_S, NOW, Brand, plan_of, play, request_of, strategy

SHANGHAI = ZoneInfo("Asia/Shanghai")
ROLLING = FrequencyCap(key="rolling", touches_max=3, days=7)
WEEK = FrequencyCap(key="week", touches_max=2, window="calendar_week")
DAYS = 16
CARE = [Landing(url=f"/care/{turn}") for turn in range(4)]


def test_no_plan_breaks_a_cap_when_its_touches_are_sent(tmp_path: Path) -> None:
    people = tuple(range(1, 13))
    brand = Brand(segments={"a": list(people), "b": list(people[:6])}).people(*people)
    brand.touch(1, 40)
    policy = ContactPolicy(caps=(ROLLING, WEEK), duplicate_content_days=5)
    sent: dict[int, list[int]] = defaultdict(list)
    total = 0
    for day in range(DAYS):
        news = strategy("news", play(audience="a", landing=Landing(url=f"/{day}")), re_entry_days=1)
        care = strategy("care", play(audience="b", landing=CARE[day % 4]), priority=70, re_entry_days=3)
        now = NOW + timedelta(days=day, hours=day % 5)
        request = replace(
            request_of(news, care, policy=policy), as_of=AS_OF + timedelta(days=day), now=now, plan=f"p{day}"
        )
        made = plan_of(brand, tmp_path / str(day), request)
        contents = {
            s.key: content_of(s.plays[0].arms()[0], request.templates["hello"].content) for s in (news, care)
        }
        for row in made.rows:
            if row["reason"] is None:
                total += 1
                sent[row["customer_no"]].append(row["due_s"])
                brand.touch(
                    row["customer_no"],
                    (NOW.timestamp() - row["due_s"]) / DAY_S,
                    strategy=row["strategy"],
                    content=contents[row["strategy"]],
                )
    assert total > len(people) * 3
    for instants in sent.values():
        for at in instants:
            assert sum(at - 7 * DAY_S < other <= at for other in instants) <= ROLLING.touches_max
        weeks = [datetime.fromtimestamp(at, UTC).astimezone(SHANGHAI).isocalendar()[:2] for at in instants]
        assert max(weeks.count(week) for week in weeks) <= WEEK.touches_max
    assert max(len(instants) for instants in sent.values()) >= 4
