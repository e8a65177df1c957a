"""Touch plan (BAR-P4): from raw touches to every candidate's outcome in Parquet, against hand SQL.

    PYTHONPATH=src python bench/plan.py [--customers 1000000] [--touches 20000000] [--pairs 5]
    PYTHONPATH=src python bench/plan.py --customers 10000000 --touches 200000000      # the whole bar
    PYTHONPATH=src python bench/plan.py --strategies 2,20,100 --customers 300000 --touches 6000000

Two strategies want about one candidate a customer between them; both sides answer for each candidate with the
same reason in the same order: staff, suppressed, minor, address, consent, hold-outs (md5), re-entry, repeated
content, caps over 7 and 30 days, priority, a budget that runs out, and write the touches' template values.
The hand SQL is one statement for exactly this case, on the same Parquet with the same engine settings; the
rows of both are compared. Bar: CPU ≤ 1.5 ×, peak ≤ 8 GB. Writes bench/results/plan.json.

``--strategies``: ours alone with that many strategies, each pair a further care and a further recall with
texts of their own, so that n of them have n / 2 candidates a customer; CPU against that of the first number,
measured in the same run. Bars: 100 ≤ 12 × 2 at 300,000 customers, 20 ≤ 4 × 2 at 2,000. Writes
bench/results/plan_strategies_<customers>.json.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from koipond.budgets import Budget
from koipond.facts.ports import Manifest
from koipond.kernel import FixedClock
from koipond.outreach.model import ContactPolicy, FrequencyCap
from koipond.outreach.ports import ChannelSheet
from koipond.outreach.templates import Template
from koipond.strategy.model import Landing, content_of
from koipond.strategy.plan import Audience, Plan, PlanRequest, make_plan
from koipond.strategy.plan.candidates import policy_mark
from koipond.testing.plans import play, request_of, strategy
from koipond.testing.versions import MemoryVersionLog
from koipond.warehouse import EngineOptions, ParquetWarehouse, is_alive, this_process

DAY = date(2026, 3, 10)
NOW = datetime(2026, 3, 10, 4, tzinfo=UTC)
NOW_S = int(NOW.timestamp())
DAY_S = 86_400
REQUIRED = ("customer.last_purchase_on",)
CAPS = (FrequencyCap(key="week", touches_max=3, days=7), FrequencyCap(key="month", touches_max=9, days=30))


def hello(key: str) -> Template:
    """Return a text of its own that cannot do without a purchase."""
    texts = {"zh": {"text": key + " {{ customer.last_purchase_on }}"}}
    return Template(key=key, texts=texts, required=REQUIRED)


def request(customers: int, strategies: int = 2) -> PlanRequest:
    """Return what is planned: care before recall, and a budget that reaches for about half of recall; more
    than two are further pairs of the same kind.
    """
    shared: dict[str, Any] = {"holdout_rate": 0.1, "re_entry_days": 30}
    made, templates = [], {}
    for number in range(strategies):
        pair, second = divmod(number, 2)
        name, script, url = ("recall", "news", "/new") if second else ("care", "care", "/care")
        audience, priority, most = ("dormant", 50, customers // 10) if second else ("core", 60, 10**9)
        more = f"_{pair}" if pair else ""
        text, landing = script + more, Landing(url=url + more)
        one = play(name, audience=audience, script=text, landing=landing, channels=("email",))
        budget = Budget(total_fen=most)
        made.append(strategy(name + more, one, priority=priority, budget=budget, **shared))
        templates[text] = hello(text)
    return request_of(
        *made,
        templates=templates,
        channels={"email": ChannelSheet(channel="email", address_kind="email", cost_fen=1)},
        policy=ContactPolicy(caps=CAPS),
        global_holdout_rate=None,
        as_of=DAY,
        now=NOW,
    )


def contents(asked: PlanRequest) -> dict[str, str]:
    """Return strategy → fingerprint of what it says."""
    return {
        s.key: content_of(s.plays[0].arms()[0], asked.templates[s.plays[0].arms()[0].script].content)
        for s in asked.strategies
    }


def build(folder: Path, customers: int, touches: int) -> ParquetWarehouse:
    """Write the facts, made by hashes so that every run sees the same."""
    folder.mkdir(parents=True)
    warehouse = ParquetWarehouse(folder, MemoryVersionLog(), FixedClock(NOW), EngineOptions())
    said = contents(request(customers))
    # 0.0 .. 1.0, the same on every machine
    share = "(('0x' || substr(md5({salt} || n), 1, 8))::BIGINT / 4294967296.0)"

    def some(salt: str) -> str:
        return share.format(salt=f"'{salt}'")

    people = f"range({customers}) r(n)"
    made = {
        "customers": f"""SELECT n::INT customer_no, md5('u' || n) customer_uid, NULL::BIGINT joined_s,
            NULL::INT joined_day, NULL::BOOLEAN member, NULL::BOOLEAN follower, NULL::BOOLEAN friend,
            {some("a")} < 0.002 staff, {some("b")} < 0.005 minor, {some("c")} < 0.01 profiling_refused,
            1::INT import_no FROM {people}""",
        "reachable": f"SELECT n::INT customer_no, 'email' channel FROM {people} WHERE {some('d')} < 0.85",
        "consents": f"""SELECT n::INT customer_no, 'email' channel, 'marketing' purpose,
            {some("f")} < 0.9 granted, 1::BIGINT at_s FROM {people} WHERE {some("e")} < 0.9""",
        "suppressions": f"""SELECT n::INT customer_no, '*' channel, 'complaint' reason, 1::BIGINT at_s
            FROM {people} WHERE {some("g")} < 0.01""",
        "assignments": f"""SELECT 'recall' AS scope, n::INT customer_no,
            CASE WHEN {some("h")} < 0.1 THEN 'holdout' ELSE 'touch' END arm, 'recall' play, '' variant,
            1::BIGINT drawn_s, 1::INT drawn_day, 1::INT strategy_version, 'p0' plan
            FROM {people} WHERE {some("i")} < 0.1""",
        "profile": f"""SELECT n::INT customer_no, CASE WHEN {some("j")} < 0.98 THEN 20000 + (n % 500) END::INT
            last_purchase_day, (n * 7919 % 1000003)::BIGINT value_365d_fen, 1::BIGINT orders_365d,
            5000::BIGINT money_365d_fen FROM {people}""",
        "touches": f"""SELECT 't' || n touch_key, (n * 2654435761 % {customers})::INT customer_no,
            CASE n % 10 WHEN 0 THEN 'recall' WHEN 1 THEN 'care' ELSE 'other' END strategy,
            1::INT strategy_version, 'main' play, '' variant, 'email' channel, 'marketing' purpose,
            ({NOW_S} - (n::HUGEINT * 40503 % (90 * {DAY_S})))::BIGINT at_s, 20000::INT AS day,
            CASE n % 47 WHEN 0 THEN '{said["recall"]}' WHEN 1 THEN '{said["care"]}'
                ELSE substr(md5((n % 200)::VARCHAR), 1, 16) END AS content,
            0::BIGINT cost_fen, 'delivered' state, 1::INT import_no FROM range({touches}) r(n)""",
        "core": f"SELECT n::INT customer_no FROM {people} WHERE {some('k')} < 0.3",
        "dormant": f"SELECT n::INT customer_no FROM {people} WHERE {some('l')} < 0.7",
    }  # fmt: skip
    with warehouse.write("bench") as writer:
        for name, sql in made.items():
            writer.engine.raw.execute(f'CREATE VIEW "_made_{name}" AS {sql}')
            writer.append(name, writer.engine.ibis.table(f"_made_{name}"))
        writer.publish()
        datasets = {name: list(files) for name, files in writer.manifest.datasets.items()}
    (folder / "manifest.json").write_text(json.dumps(datasets))
    return warehouse


class Segments:
    """Audiences that stand ready, as bitmaps would once they are staged."""

    def __init__(self, reader: Any) -> None:
        self.reader = reader

    def audience(self, segment: str) -> Audience:
        return Audience(members=self.reader.table(segment))


def ours(reader: Any, asked: PlanRequest, out: Path) -> Plan:
    """Plan and write the candidates."""
    plan = make_plan(reader, Segments(reader), asked)
    reader.engine.write(plan.candidates, out)
    return plan


def by_hand(reader: Any, asked: PlanRequest, out: Path, customers: int) -> None:
    """Write the same rows with one statement made for this case."""
    from koipond.experiments.assignment import HOLDOUT, global_holdout, rotation_of

    arms = global_holdout(asked.salt, customers=customers, rotation=rotation_of(asked.as_of))
    width, start, said = arms.buckets[HOLDOUT], arms.start, contents(asked)
    limit = {s.key: s.budget.total_fen for s in asked.strategies}
    for name in ("customers", "core", "dormant", "touches", "suppressions", "reachable", "consents"):
        reader.table(name)
    reader.table("assignments"), reader.table("profile")

    def bucket(scope: str) -> str:
        return f"(('0x' || substr(md5('{asked.salt}|{scope}|' || customer_uid), 1, 8))::BIGINT % 10000)"

    def outcome(key: str) -> str:
        arm = (
            "WHEN drawn = 'holdout' THEN 8002 WHEN drawn IS NULL AND " if key == "recall" else "WHEN "
        ) + f"{bucket(key)} < 1000 THEN 8002"
        return f"""CASE WHEN staff THEN 3000 WHEN barred THEN 4000 WHEN minor THEN 5000
            WHEN NOT has_address THEN 6000 WHEN NOT agreed THEN 7000
            WHEN ({bucket("global")} - {start} + 10000) % 10000 < {width} THEN 8001 {arm}
            WHEN again_{key} THEN 9000 WHEN same_{key} THEN 10000 WHEN last_purchase_day IS NULL THEN 11001
            WHEN n7 >= 3 THEN 12000 WHEN n30 >= 9 THEN 12001 ELSE 0 END"""

    def cut(key: str, other: str) -> str:
        return f"""SELECT value_365d_fen, customer_no FROM (SELECT value_365d_fen, customer_no, sum(1) OVER
            (ORDER BY value_365d_fen DESC, customer_no ROWS UNBOUNDED PRECEDING) running FROM w
            WHERE in_{key} AND c_{key} = 0 AND NOT ({other})) WHERE running > {limit[key]}
            ORDER BY running LIMIT 1"""

    def rows(key: str, code: str) -> str:
        return f"""SELECT '{asked.plan}' plan, customer_no, '{key}' strategy,
            0::INT strategy_version, '{key}' play,
            CASE code WHEN 0 THEN NULL WHEN 3000 THEN 'staff' WHEN 4000 THEN 'suppressed'
              WHEN 5000 THEN 'minor'
              WHEN 6000 THEN 'no_address' WHEN 7000 THEN 'no_consent'
              WHEN 8001 THEN 'holdout' WHEN 8002 THEN 'holdout'
              WHEN 9000 THEN 're_entry' WHEN 10000 THEN 'duplicate_content' WHEN 11001 THEN 'template_error'
              WHEN 12000 THEN 'frequency_cap' WHEN 12001 THEN 'frequency_cap' WHEN 13000 THEN 'priority_lost'
              ELSE 'budget' END reason,
            CASE code WHEN 4000 THEN 'email' WHEN 6000 THEN 'email' WHEN 7000 THEN 'email:marketing'
              WHEN 8001 THEN 'global' WHEN 8002 THEN '{key}' WHEN 11001 THEN 'customer.last_purchase_on'
              WHEN 12000 THEN 'week' WHEN 12001 THEN 'month' WHEN 13000 THEN 'care'
              WHEN 15000 THEN 'strategy:{key}' ELSE '' END detail,
            '' variant, 'email' channel, 'zh' AS language, code = 0 OR code >= 8000 drew,
            {NOW_S}::BIGINT due_s,
            (code = 0)::BIGINT cost_fen, 0::BIGINT offer_cost_fen,
            CASE WHEN code = 0 THEN to_json({{'last_purchase_day': last_purchase_day}})::VARCHAR
            END AS "values", CASE WHEN code = 0 THEN 0::SMALLINT END cap_group,
            CASE WHEN code = 0 THEN true END agreed, '{policy_mark(asked.policy)}' AS policy
            FROM (SELECT *, {code} code FROM w WHERE in_{key})"""

    since = {key: f"strategy = '{key}' AND at_s > {NOW_S - 30 * DAY_S}" for key in said}
    same = {key: f"content = '{text}' AND at_s > {NOW_S - 30 * DAY_S}" for key, text in said.items()}
    sql = f"""COPY (WITH counts AS (
          SELECT customer_no, count(*) FILTER (at_s > {NOW_S - 7 * DAY_S}) n7, count(*) n30 FROM touches
          WHERE at_s > {NOW_S - 30 * DAY_S} AND at_s <= {
        NOW_S
    } AND purpose = 'marketing' GROUP BY customer_no),
        known AS MATERIALIZED (
          SELECT c.customer_no, c.customer_uid, c.staff, c.minor, p.last_purchase_day, p.value_365d_fen,
            coalesce(n7, 0) n7, coalesce(n30, 0) n30, a.arm drawn,
            c.customer_no IN (SELECT customer_no FROM core) in_care,
            c.customer_no IN (SELECT customer_no FROM dormant) in_recall,
            c.customer_no IN (SELECT customer_no FROM suppressions WHERE channel IN ('*', 'email')) barred,
            c.customer_no IN (SELECT customer_no FROM reachable WHERE channel = 'email') has_address,
            c.customer_no IN (SELECT customer_no FROM consents
              WHERE channel = 'email' AND purpose = 'marketing' AND granted) agreed,
            c.customer_no IN (SELECT customer_no FROM touches WHERE {since["care"]}) again_care,
            c.customer_no IN (SELECT customer_no FROM touches WHERE {since["recall"]}) again_recall,
            c.customer_no IN (SELECT customer_no FROM touches WHERE {same["care"]}) same_care,
            c.customer_no IN (SELECT customer_no FROM touches WHERE {same["recall"]}) same_recall
          FROM customers c LEFT JOIN counts USING (customer_no) LEFT JOIN profile p USING (customer_no)
          LEFT JOIN (SELECT customer_no, arm FROM assignments WHERE scope = 'recall') a USING (customer_no)
          WHERE NOT c.profiling_refused),
        w AS MATERIALIZED (
          SELECT customer_no, value_365d_fen, last_purchase_day, in_care, in_recall,
            CASE WHEN in_care THEN {outcome("care")} END c_care,
            CASE WHEN in_recall THEN {outcome("recall")} END c_recall
          FROM known WHERE in_care OR in_recall),
        cut AS MATERIALIZED ({cut("recall", "in_care AND c_care = 0")})
        {rows("care", "c_care")} UNION ALL
        {
        rows(
            "recall",
            '''CASE WHEN c_recall <> 0 THEN c_recall WHEN in_care AND c_care = 0 THEN 13000
          WHEN (SELECT w.value_365d_fen < cut.value_365d_fen OR (w.value_365d_fen = cut.value_365d_fen
                AND w.customer_no >= cut.customer_no) FROM cut) THEN 15000 ELSE 0 END''',
        )
    }
        ) TO '{out}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {
        reader.engine.options.row_group_rows
    })"""
    reader.engine.raw.execute(sql).fetchall()


def cpu() -> float:
    """Return the CPU seconds of this process so far, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def reopened(folder: Path) -> ParquetWarehouse:
    """Open the warehouse that another process built in ``folder``."""
    log = MemoryVersionLog()
    warehouse = ParquetWarehouse(folder, log, FixedClock(NOW), EngineOptions())
    datasets = json.loads((folder / "manifest.json").read_text())
    lease = log.acquire_writer(this_process("bench"), NOW, is_alive)
    log.publish(lease, Manifest(version=0, datasets=datasets, meta={}), NOW)
    log.release_writer(lease)
    return warehouse


def run(side: str, warehouse: ParquetWarehouse, customers: int, out: Path) -> tuple[float, float]:
    """Plan once; return CPU and wall seconds."""
    with warehouse.read() as reader:
        began, wall = cpu(), time.perf_counter()
        if side == "ours":
            ours(reader, request(customers), out)
        else:
            by_hand(reader, request(customers), out, customers)
        return cpu() - began, time.perf_counter() - wall


def peak_gb(side: str, folder: Path, customers: int, out: Path) -> float:
    """Return the peak memory of one side in a process of its own."""
    command = [sys.executable, __file__, "--side", side, "--folder", str(folder), "--out", str(out)]
    done = subprocess.run(
        [*command, "--customers", str(customers)], capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[-1])


def differing(one: Path, other: Path) -> int:
    """Return how many rows differ between two files of candidates."""
    import duckdb

    con = duckdb.connect()
    con.execute("SET memory_limit = '6GB'; SET preserve_insertion_order = false")
    hashes = [f"(SELECT hash(t) h FROM read_parquet('{file}') t)" for file in (one, other)]
    a, b = (f"(SELECT h, count(*) n FROM {rows} GROUP BY h)" for rows in hashes)
    rows = con.execute(
        f"SELECT sum(abs(coalesce(a.n, 0) - coalesce(b.n, 0))) FROM {a} a FULL JOIN {b} b USING (h)"
    )
    found = int(rows.fetchall()[0][0])
    con.close()
    return found


def main() -> None:
    """Build, run interleaved pairs, compare, report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--touches", type=int, default=20_000_000)
    parser.add_argument("--pairs", type=int, default=5)
    for name in ("--side", "--folder", "--out"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    parser.add_argument("--strategies", help="how many, the first to compare with: 2,20,100")
    given = parser.parse_args()
    if given.strategies:
        many(given, [int(count) for count in given.strategies.split(",")])
        return
    if given.side:
        run(given.side, reopened(Path(given.folder)), given.customers, Path(given.out))
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)
        return
    sides = ("ours", "by_hand")
    with tempfile.TemporaryDirectory(prefix="bench-plan") as place:
        folder = Path(place) / "warehouse"
        warehouse = build(folder, given.customers, given.touches)
        files = {side: Path(place) / f"{side}.parquet" for side in sides}
        peaks = {side: peak_gb(side, folder, given.customers, files[side]) for side in sides}
        timed: dict[str, list[tuple[float, float]]] = {side: [] for side in sides}
        for turn in range(given.pairs + 1):
            for side in sides if turn % 2 else reversed(sides):
                found = run(side, warehouse, given.customers, files[side])
                if turn:  # the first pair warms compilers and caches
                    timed[side].append(found)
        with warehouse.read() as reader:
            plan = make_plan(reader, Segments(reader), request(given.customers)).to_dict()
        report = summary(given, timed, peaks, differing(*files.values()), plan)
    write_report("plan", report)


def many(given: argparse.Namespace, counts: list[int]) -> None:
    """Plan for each number of strategies in turn; report the CPU against that of the first."""
    timed: dict[int, list[float]] = {count: [] for count in counts}
    candidates: dict[int, int] = {}
    with tempfile.TemporaryDirectory(prefix="bench-plan") as place:
        warehouse = build(Path(place) / "warehouse", given.customers, given.touches)
        for turn in range(given.pairs + 1):
            for count in counts:
                with warehouse.read() as reader:
                    began = cpu()
                    plan = ours(reader, request(given.customers, count), Path(place) / f"{count}.parquet")
                    if turn:  # the first round warms compilers and caches
                        timed[count].append(cpu() - began)
                    candidates[count] = plan.considered
    middle = {count: statistics.median(found) for count, found in timed.items()}
    report = {
        "customers": given.customers,
        "touches": given.touches,
        "strategies": {
            count: {
                "candidates": candidates[count],
                "cpu_s": round(used, 3),
                "ratio": round(used / middle[counts[0]], 2),
            }
            for count, used in middle.items()
        },
        "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
    }
    write_report(f"plan_strategies_{given.customers}", report)


def write_report(name: str, report: dict[str, Any]) -> None:
    """Keep a report and show it."""
    target = Path(__file__).parent / "results" / f"{name}.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


def summary(
    given: argparse.Namespace,
    timed: dict[str, list[tuple[float, float]]],
    peaks: dict[str, float],
    wrong: int,
    plan: dict[str, Any],
) -> dict[str, Any]:
    """Return what was measured, beside the bar."""
    pairs = zip(timed["ours"], timed["by_hand"], strict=True)
    ratio = statistics.median(ours_cpu / hand_cpu for (ours_cpu, _), (hand_cpu, _) in pairs)
    middle = {
        name: {
            side: round(statistics.median(one[place] for one in found), 3) for side, found in timed.items()
        }
        for place, name in enumerate(("cpu_s", "wall_s"))
    }
    return {
        "customers": given.customers,
        "touches": given.touches,
        "candidates": plan["considered"],
        "planned_touches": plan["touches"],
        **middle,
        "cpu_ratio": round(ratio, 3),
        "bar_ratio": 1.5,
        "peak_gb": {side: round(value, 2) for side, value in peaks.items()},
        "rows_that_differ": wrong,
        "waterfall": plan["waterfall"],
        "met": ratio <= 1.5 and wrong == 0 and peaks["ours"] <= 8,
    }


if __name__ == "__main__":
    main()
