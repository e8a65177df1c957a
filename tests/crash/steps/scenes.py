"""What is killed: one entry a command. A new command is a new line in `SCENARIOS`.

``stage`` names the workspace it starts from; ``command`` is run, killed, and run again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

MEMBERS = 48
DAY = "2026-03-01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One command under kills.

    ``command``: arguments after ``-C FOLDER``; ``{files}`` is the folder of input files. ``first`` is written
    into the folder before (path → text). ``again``: exit codes that are right when it is run once more
    after a kill, such as 3 when all was done already. ``anew``: run twice it does its work twice, so it is
    not run again after a kill that left all done. ``sends``: it sends; what a dead sender had leased is taken
    up when its lease is over, so it is run a third time. ``lost_max``: touches whose answer a kill may have
    lost: a group of the channel. ``quick``: every how many-th kill is in the short selection of `make test`;
    0 is none.
    """

    key: str
    stage: str
    command: tuple[str, ...]
    first: Mapping[str, str] = field(default_factory=dict)
    again: tuple[int, ...] = (0,)
    sends: bool = False
    anew: bool = False
    lost_max: int = 0
    quick: int = 0


STAGES: Mapping[str, tuple[str | None, tuple[tuple[str, ...], ...]]] = MappingProxyType(
    {
        "empty": (None, (("init", "--language", "en", "--name", "Brand"),)),
        "facts": (
            "empty",
            (
                ("import", "orders", "{files}/orders.csv"),
                ("import", "customers", "{files}/customers.csv"),
                ("import", "consents", "{files}/consents.csv"),
                ("playbook", "add", "dormant_recall_code", "newcomer_welcome"),
                ("apply",),
                ("codes", "import", "recall_code", "{files}/codes.txt"),
                ("refresh",),
            ),
        ),
        "planned": ("facts", (("plan",),)),
        "approved": ("planned", (("approve", "latest", "--by", "anna"),)),
        "sent": ("approved", (("send", "latest"),)),
        "mail": (
            "facts",
            (
                ("mail-playbook",),
                ("apply",),
                ("plan",),
                ("approve", "latest", "--by", "anna"),
            ),
        ),
        "touched": ("facts", (("import", "touches", "{files}/touches.csv"),)),
    }
)
"""Stage → the one it starts from, and the commands that make it."""

_TEMPLATE = """key: extra
texts:
  en: {subject: "Hello", text: "Hello {{ unsubscribe.url }}"}
"""

SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        key="import_orders",
        stage="empty",
        command=("import", "orders", "{files}/orders.csv"),
    ),
    Scenario(
        key="import_more_orders", stage="facts", command=("import", "orders", "{files}/more_orders.csv")
    ),
    Scenario(key="import_customers", stage="facts", command=("import", "customers", "{files}/people.csv")),
    Scenario(key="import_events", stage="facts", command=("import", "events", "{files}/events.csv")),
    Scenario(key="import_products", stage="facts", command=("import", "products", "{files}/products.csv")),
    Scenario(
        key="import_consents",
        stage="facts",
        command=("import", "consents", "{files}/more_consents.csv"),
        quick=12,
    ),
    Scenario(key="import_touches", stage="facts", command=("import", "touches", "{files}/touches.csv")),
    Scenario(key="undo_orders", stage="facts", command=("quality", "undo", "1"), again=(0, 2)),
    Scenario(key="undo_consents", stage="facts", command=("quality", "undo", "3"), again=(0, 2)),
    Scenario(key="undo_touches", stage="touched", command=("quality", "undo", "4"), again=(0, 2)),
    Scenario(key="apply", stage="facts", command=("apply",), first={"templates/extra.yaml": _TEMPLATE}),
    Scenario(key="refresh", stage="facts", command=("refresh", "--as-of", "2026-03-02")),
    Scenario(key="plan", stage="facts", command=("plan",), anew=True, quick=8),
    Scenario(key="approve", stage="planned", command=("approve", "latest", "--by", "anna"), again=(0, 3)),
    Scenario(
        key="send_sandbox", stage="approved", command=("send", "latest"), sends=True, lost_max=500, quick=20
    ),
    Scenario(key="send_mail", stage="mail", command=("send", "latest"), sends=True, lost_max=20),
    Scenario(key="keys_rotate", stage="facts", command=("keys", "rotate")),
    Scenario(
        key="codes_import", stage="facts", command=("codes", "import", "recall_code", "{files}/more.txt")
    ),
    Scenario(key="lists_import", stage="facts", command=("lists", "import", "vip", "{files}/members.txt")),
    Scenario(
        key="verdict", stage="facts", command=("quality", "confirm", "abnormal_frequency", "--by", "anna")
    ),
    Scenario(key="unsubscribe", stage="sent", command=("unsubscribe",), anew=True),
    Scenario(key="init", stage="", command=("init", "--language", "en", "--name", "Brand"), again=(0, 2)),
)


def write_files(files: Path) -> None:
    """Write the input files, small and always the same."""
    files.mkdir(parents=True)
    members = [f"m{number}" for number in range(MEMBERS)]
    _table(files / "orders.csv", "customer_id,order_id,at,amount", _orders(members))
    more = [
        f"{name},x{number},2026-03-01 0{number % 9}:05:00,12.50" for number, name in enumerate(members[:9])
    ]
    changed = ["m1,r1-0,2026-01-03 11:00:00,99.00"]
    _table(files / "more_orders.csv", "customer_id,order_id,at,amount", [*more, *changed])
    people = [f"{name},{name}@example.org,en" for name in members]
    _table(files / "customers.csv", "customer_id,email,language", people)
    _table(
        files / "people.csv", "customer_id,email,language", [f"n{n},n{n}@example.org,id" for n in range(9)]
    )
    said = [f"{name},email,marketing,granted,2026-01-02 09:00:00" for name in members[:40]]
    _table(files / "consents.csv", "customer_id,channel,purpose,status,at", said)
    turns = [f"{name},email,marketing,withdrawn,2026-02-20 09:00:00" for name in members[:5]]
    turns += [f"{name},email,marketing,granted,2026-02-21 09:00:00" for name in members[40:]]
    _table(files / "more_consents.csv", "customer_id,channel,purpose,status,at", turns)
    events = [
        f"{name},{('browse', 'cart')[n % 2]},2026-02-1{n % 9} 10:00:00" for n, name in enumerate(members)
    ]
    _table(files / "events.csv", "customer_id,event,at", events)
    _table(files / "products.csv", "product_id,name,price", [f"p{n},Tea {n},{n + 1}.50" for n in range(5)])
    touched = [f"{name},email,2026-02-25 10:00:00" for name in members[:20]]
    _table(files / "touches.csv", "customer_id,channel,at", touched)
    (files / "codes.txt").write_text("\n".join(f"KOI{n:04d}" for n in range(80)) + "\n")
    (files / "more.txt").write_text("\n".join(f"NEW{n:04d}" for n in range(20)) + "\n")
    (files / "members.txt").write_text("\n".join(members[:10]) + "\n")


def _orders(members: list[str]) -> list[str]:
    rows = []
    for number, name in enumerate(members):
        for turn in range(1 + number % 4):
            day = 1 + (number + 7 * turn) % 27
            month = 1 + (number % 2 if number % 3 else 0)
            rows.append(f"{name},r{number}-{turn},2026-{month:02d}-{day:02d} 11:00:00,{20 + number}.50")
    return rows


def _table(path: Path, header: str, rows: list[str]) -> None:
    path.write_text("\n".join([header, *rows]) + "\n")
