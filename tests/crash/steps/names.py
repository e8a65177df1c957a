"""Names for what two honest runs number differently: a killed attempt uses up numbers, keys are drawn.

A number is never dropped where something refers to it: it is replaced by what it stands for, such as an
import by its kind, file and outcome. So a row that points at the wrong import, plan or touch still differs.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

Row = dict[str, Any]

UNREFERRED = {
    "consent_log": ("seq",),  # `outbox.heard_seq` is replaced by the statement
    "touch_event": ("seq",),
    "assignment": ("seq",),
    "audit_log": ("seq",),
    "tag_act": ("seq",),
    "outbox": ("lease",),  # of a sender; whether it may be claimed again shows in its state
    "touch": ("code_no",),  # `offer_code.touch_no` says the same and is compared by the touch's name
    "offer_code": ("code_no",),
    "plan": ("plan_no", "warehouse_version"),  # in `names`, by order; how often was published
}
"""Table → numbers of its own rows, which no row that is compared refers to."""
_ROW = 2**32 - 1
_IMPORT = re.compile(r"\bimport (\d+)\b")
_PLAN = re.compile(r"^(plan:)?(p\d+)$")
DEAD = ("making", "unfinished")
"""States of a plan that was killed: nobody can approve it (`verify` has a check), and nothing may name it."""


class Names:
    """What each number and key of one workspace stands for."""

    def __init__(self, found: Mapping[str, list[Row]]) -> None:
        batches = found["store.import_batch"]
        files = {row["import_no"]: f"{row['kind']} {row['source']} {row['file']}" for row in batches}
        # who was heard by a killed import is told by its proof as read from that file: whichever attempt
        self.files = files
        self.imports = {row["import_no"]: f"{files[row['import_no']]} {row['outcome']}" for row in batches}
        self.plans = _ranked("plan", (row for row in found["store.plan"] if row["status"] not in DEAD))
        self.touches = {row["touch_no"]: _touch(row) for row in found["store.touch"]}
        self.keys = {row["touch_key"]: _touch(row) for row in found["store.touch"]}
        self.said = {row["seq"]: _statement(row) for row in found["store.consent_log"]}
        self.heard = _heard(found["store.consent_log"], files)
        self.applies = _ranked("apply", found["store.definition_apply"])
        self.changes = _ranked("change", found["store.grade_change"])

    def of(self, column: str, value: Any) -> Any:
        """Return the name of what ``value`` of ``column`` stands for; the value itself when it has none."""
        if column in ("import_no", "replaced_by"):
            return self.imports.get(value, value)
        if column in ("apply_no", "archived_no", "definition_version"):
            return self.applies.get(value, value)
        kinds = {
            "touch_no": self.touches,
            "touch_key": self.keys,
            "heard_seq": self.said,
            "heard_no": self.heard,
            "change_no": self.changes,
        }
        if column in kinds:
            return kinds[column].get(value, value)
        if column in ("order_no", "batch_no") and isinstance(value, int) and value > _ROW:
            return f"{self.imports.get(value >> 32, value >> 32)} row {value & _ROW}"
        return self._in_text(value) if isinstance(value, str) else value

    def _in_text(self, text: str) -> str:
        plan = _PLAN.match(text)
        if plan:
            return self.plans.get(int(plan[2][1:]), "a plan nobody finished")
        return _IMPORT.sub(lambda found: f"import of {self.files.get(int(found[1]), found[1])}", text)


def plain(name: str, rows: list[Row], names: Names) -> Iterator[Row]:
    """Yield ``rows`` of table or dataset ``name`` as they are compared."""
    table = name.removeprefix("store.")
    if name == "store.import_batch":
        rows = _batches(rows)
    if name == "store.plan":
        rows = [row for row in rows if row["status"] not in DEAD]
    for row in rows:
        named = {
            column: names.of(column, value)
            for column, value in row.items()
            if column not in UNREFERRED.get(table, ())
        }
        if name == "store.plan":
            named |= {"plan": names.plans[row["plan_no"]], "summary": _summary(row["summary"])}
        if name == "warehouse.imports":
            named["result"] = _summary(row["result"])
        yield named


def _batches(rows: list[Row]) -> list[Row]:
    """The journal, each attempt once: killed ones stay on record as failed, a repeated one as done again.

    What counts of an import is compared in full as `warehouse.imports`, one row each, with its result.
    """
    kept = [row for row in rows if row["outcome"] not in ("failed", "cancelled")]
    columns = ("kind", "source", "file", "fingerprint", "outcome")
    return [dict(zip(columns, one, strict=True)) for one in {tuple(row[c] for c in columns) for row in kept}]


def _summary(text: str) -> str:
    """What a command answered, but for the numbers of its attempt."""
    body = json.loads(text or "{}")
    for name in ("plan", "warehouse_version", "definition_version", "import_no", "version"):
        body.pop(name, None)  # each is a column of the row, too, where it is compared by its name
    return json.dumps(body, sort_keys=True)


def _ranked(word: str, rows: Any) -> dict[int, str]:
    numbers = sorted(row[f"{word}_no"] for row in rows)
    return {number: f"{word} {place}" for place, number in enumerate(numbers, 1)}


def _touch(row: Row) -> str:
    return f"{row['customer_no']}/{row['strategy']}/{row['play']}/{row['occurrence']}"


def _statement(row: Row) -> str:
    said = (row[name] for name in ("customer_no", "channel", "purpose", "granted", "at_s"))
    return "/".join(str(one) for one in said)


def _heard(log: list[Row], files: Mapping[int, str]) -> dict[int, str]:
    """Name places in the order of hearing: those of an import by its file, others by their order.

    An import killed between its withdrawals and its grants is heard twice, and the state is the same: a no
    that was heard first and a yes of the same file with a later stamp take force as their stamps say.
    """
    who: dict[int, set[str]] = defaultdict(set)
    alone = sorted({row["heard_no"] for row in log if row["import_no"] is None})
    for row in log:
        if row["import_no"] is not None:
            who[row["heard_no"]].add(files.get(row["import_no"], "?"))
    places = {number: f"statement {place}" for place, number in enumerate(alone, 1)}
    return {**places, **{number: " and ".join(sorted(said)) for number, said in who.items()}}
