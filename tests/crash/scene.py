"""The scene of the crash suite: a workspace, its customers, and what is asked of the gate in each life."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from koipond.bootstrap import App, open_app, start_workspace
from koipond.bootstrap.definitions import StoreDefinitions
from koipond.facts.people import PersonKeys, PersonRef
from koipond.outreach.model import BudgetLine, FrequencyCap, GateCandidate
from koipond.store import ConsentStatement
from koipond.workspace import load_folder
from koipond.workspace.diff import apply_steps, diff

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)  # 12:00 in Shanghai
LIFE = timedelta(seconds=130)  # longer than a lease: what the dead held may be taken over
ROUND = 120  # customers asked for the first time in one life
STRATEGIES = ("first", "coded", "poor")
HOLDOUT_RATE = 0.1
CAP = FrequencyCap(key="two_a_week", touches_max=2, days=7)
_TEMPLATE = """key: crash
required: [brand.name]
texts:
  zh:
    subject: "{{ brand.name }}，您好"
    text: "{{ brand.name }} {{ unsubscribe.url }}"
"""


class LifeClock:
    """The machine's clock moved to noon of the scene's day, later by one lease in each life."""

    def __init__(self, life: int) -> None:
        self._shift = NOON + LIFE * life - datetime.now(UTC)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._shift


def prepare(folder: Path, *, lives: int, store: str | None, key: str) -> None:
    """Make the workspace with customers, consents and codes for ``lives`` rounds."""
    start_workspace(
        folder,
        key=key,
        name="鲤",
        zone="Asia/Shanghai",
        currency="CNY",
        clock="system",
        language="zh",
        store=store,
    ).store.close()
    (folder / "templates").mkdir(exist_ok=True)
    (folder / "templates" / "crash.yaml").write_text(_TEMPLATE, encoding="utf-8")
    with open_app(folder) as app:
        definitions = StoreDefinitions(app.store)
        definitions.apply(apply_steps(diff(load_folder(folder), definitions.current())), "test", NOON)
        count = ROUND * lives
        people = [PersonKeys(source="s", shop_id=str(n), email=f"c{n}@example.org") for n in range(count)]
        refs = app.store.identity.resolve(people, NOON)
        said = [
            ConsentStatement(
                customer_no=ref.customer_no,
                channel="email",
                purpose="marketing",
                granted=True,
                at=NOON,
                source="t",
            )
            for ref in refs
        ]
        app.store.consents.append(said, NOON)
        app.store.codes.add("ten", [f"code{n}" for n in range(count // 2)])


def open_life(folder: Path, life: int) -> App:
    """Open the workspace as the process of ``life`` sees it."""
    return open_app(folder, machine=LifeClock(life))


def rounds(app: App, channel: str, life: int) -> Iterator[Sequence[GateCandidate]]:
    """Yield what this life asks: its own round in pieces, then, once more, all the earlier ones."""
    for turn in range(life, -1, -1):
        names = [PersonKeys(source="s", shop_id=str(n)) for n in range(ROUND * turn, ROUND * (turn + 1))]
        refs = app.store.identity.resolve(names, NOON)
        asked = [candidate for ref in refs for candidate in _candidates(ref, channel, turn)]
        step = 60 if turn == life else len(asked)
        for start in range(0, len(asked), step):
            yield asked[start : start + step]


def _candidates(ref: PersonRef, channel: str, turn: int) -> Iterator[GateCandidate]:
    for strategy in STRATEGIES:
        code = strategy == "coded"
        limit = 10 * ROUND * (turn + 1) if strategy == "poor" else 10**9
        yield GateCandidate(
            customer_no=ref.customer_no,
            customer_uid=ref.customer_uid,
            strategy=strategy,
            strategy_version=1,
            play="only",
            occurrence="1",
            variant="",
            channel=channel,
            purpose="marketing",
            content=strategy,
            due_at=NOON,
            expires_at=NOON + timedelta(days=2),
            cost_fen=25,
            caps=(CAP,),
            budgets=(BudgetLine(scope=f"strategy:{strategy}", limit_fen=limit),),
            consent_required=channel == "email",
            address_required=channel == "email",
            re_entry_days=30,
            duplicate_content_days=30,
            holdout_global_rate=0.05,
            holdout_strategy_rate=HOLDOUT_RATE,
            holdout_salt="crash",
            code_list="ten" if code else None,
            offer_cost_fen=100 if code else 0,
            template="crash",
            template_version=1,
            values={"brand": {"name": "鲤"}},
        )
