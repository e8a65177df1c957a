"""`make crash KILLS=50`: the long run of BAR-R1, on both stores and both channels.

    python -m tests.crash.run [--kills 50] [--seed 1] [--json FILE]

Exit code 1 when anything vanished, went out twice or broke a rule, or when no PostgreSQL answers.
"""

import argparse
import json
import os
import sys
import tempfile
import uuid
from pathlib import Path

import sqlalchemy as sa

from tests.crash import scene
from tests.crash.conftest import POSTGRES_URL
from tests.crash.ordeal import Outcome, ordeal


def run(store: str, channel: str, kills: int, seed: int) -> Outcome:
    key = f"crash{uuid.uuid4().hex[:8]}"
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "brand"
        os.environ["XDG_CONFIG_HOME"] = str(Path(place) / "config")
        os.environ["CRASH_STORE_URL"] = POSTGRES_URL
        variable = "CRASH_STORE_URL" if store == "postgresql" else None
        try:
            scene.prepare(folder, lives=kills + 2, store=variable, key=key)
            return ordeal(folder, store=store, channel=channel, kills=kills, seed=seed, environ={})
        finally:
            if variable:
                engine = sa.create_engine(POSTGRES_URL)
                with engine.begin() as connection:
                    connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS koipond_{key} CASCADE")
                engine.dispose()


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill a sending process at random points (BAR-R1).")
    parser.add_argument("--kills", type=int, default=50, help="kills of each store and channel")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    stores = ["sqlite", "postgresql"] if options.store == "both" else [options.store]
    found = []
    for store in stores:
        for channel in ("sandbox", "email"):
            one = run(store, channel, options.kills, options.seed)
            found.append(one.to_dict())
            print(
                f"{one.store:10} {one.channel:8} kills {one.kills} ({one.kills_while_working} while working) "
                f"touches {one.touches} states {dict(one.states)} messages {one.messages} "
                f"unknown {one.unknown} breaks {len(one.breaks)}",
                flush=True,
            )
            for broken in one.breaks[:20]:
                print("  BROKEN", broken)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    return 1 if any(one["breaks"] for one in found) else 0


if __name__ == "__main__":
    sys.exit(main())
