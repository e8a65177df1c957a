"""Files of every kind, in every format, under every option: mostly sound ones with hostile cells."""

import unicodedata
from pathlib import Path
from typing import Any

from koipond.bootstrap.faults import explained
from koipond.facts.schemas import FACTS
from koipond.ingest import KINDS, ImportRequest, ImportResult, Kind
from koipond.ingest.fields import FIELDS, KEEPS_OTHER_COLUMNS, REQUIRED, Field
from koipond.ingest.privacy import masked
from koipond.kernel import KoipondError
from koipond.testing.memory import MemoryWorkspace
from tests.fuzz.files import SHAPES, Rows, write
from tests.fuzz.values import FORMS, INSTANTS, MARKS, NUMBERS, WORDS, Draw, as_json

GOOD = {"instant": "2025-01-01 10:00:00", "money": "5.25", "number": "2", "status": "paid", "truth": "yes"}
REGIONS = ("CN", "CN", "ID", "US", "DE", "GB")
SOUND = 0.85
"""The share of files whose structure is right: what they hold is imported or put aside, row by row."""
DAMAGED = ("damaged", "cut off", "quoted value", "cannot be read", "not a whole")
"""What is said of files that hold what they should not; never of a sound one."""

_REFUSING = {"consents": {"status", "channel", "purpose"}, "orders": {"currency"}}
"""Columns in which one word that nobody knows refuses the file."""
_CONSENT = {
    "status": ("yes", "no", "退订"),
    "channel": ("email", "sms", "all", "短信", "email,sms"),
    "purpose": ("marketing", "all"),
}


def run(draw: Draw, folder: Path, seed: int) -> str:
    """Import one drawn file; return what came of it. Raises AssertionError for a broken promise.

    Kinds and formats follow from ``seed``, so that any stretch of seeds has all of them.
    """
    kind, shape = KINDS[seed % len(KINDS)], SHAPES[seed // len(KINDS) % len(SHAPES)]
    space = MemoryWorkspace(folder, region=draw.random.choice(REGIONS))
    sound = draw.chance(SOUND)
    rows = _rows(draw, kind, sound=sound, nested=shape.startswith("jsonl"))
    file = write(draw, folder, rows, shape, damaged=not sound and draw.chance(0.6))
    request = _options(draw, kind, rows, sound=sound)
    before = _version(space)
    told = f"{kind} {shape}"
    try:
        result = space.load(kind, file, request.pop("mapping"), **request)
    except (KoipondError, OSError, MemoryError) as error:
        known = error if isinstance(error, KoipondError) else explained(error)
    else:
        _require_whole(space, before, result)
        return f"{told}: {'kept' if result.kept else 'put aside'}"
    assert known is not None
    assert str(known).strip()
    shown = masked(str(known), strict=True, region=space.region, taken="all")
    _require_nothing_planted(shown, "the error as it is shown")
    if sound:
        assert not any(word in shown for word in DAMAGED), f"a sound file is called damaged: {shown[:500]}"
    assert _version(space) == before
    _require_clean(space)
    return f"{told}: refused {'sound' if sound else 'unsound'}"


def _require_whole(space: MemoryWorkspace, before: int, result: ImportResult) -> None:
    assert result.read == result.kept + sum(result.quarantined.values())
    most = 2 if result.kind == "consents" else 1  # grants are published behind everything else
    assert before <= result.version <= before + most
    _require_nothing_planted(as_json(result.to_dict()), "the result")
    _require_clean(space)


def _version(space: MemoryWorkspace) -> int:
    return space.warehouse.versions.current().version


def _rows(draw: Draw, kind: Kind, *, sound: bool, nested: bool) -> Rows:
    fields = _fields(draw, kind, sound=sound)
    rows = [
        {one.name: _good(draw, kind, one, number) for one in fields}
        for number in range(draw.random.randrange(1, 25))
    ]
    further = [f"further {n}" for n in range(draw.random.randrange(3))] if kind in KEEPS_OTHER_COLUMNS else []
    if not sound and draw.chance(0.3):
        further.append(draw.text() or "x")
    for row in rows:
        row |= dict.fromkeys(further, "plain")
    open_ones = [one for one in fields if _may_be_hostile(kind, one, sound=sound)]
    _make_hostile(draw, rows, open_ones, further)
    if nested and further:
        row = draw.random.choice(rows)
        row[draw.random.choice(("properties", "traits"))] = {
            draw.text() or "k": draw.tree() for _ in range(3)
        }
    return rows


def _fields(draw: Draw, kind: Kind, *, sound: bool) -> list[Field]:
    needed = {name for alternatives in REQUIRED[kind] for name in alternatives[0]}
    fields = [one for one in FIELDS[kind] if one.name in needed or draw.chance(0.6)]
    if not sound and draw.chance(0.3):
        fields.pop(draw.random.randrange(len(fields)))
    draw.random.shuffle(fields)
    return fields or list(FIELDS[kind])


def _may_be_hostile(kind: Kind, field: Field, *, sound: bool) -> bool:
    return not sound or field.name not in _REFUSING.get(kind, ())


def _make_hostile(draw: Draw, rows: Rows, fields: list[Field], further: list[str]) -> None:
    """Put hostile values into a few cells, sometimes into all of one column that may be anything."""
    columns = [(one.name, one.type) for one in fields] + [(name, "text") for name in further]
    if not columns:
        return
    for _ in range(draw.random.randrange(1, 6)):
        name, type_ = draw.random.choice(columns)
        draw.random.choice(rows)[name] = _hostile(draw, type_)
    name, type_ = draw.random.choice(columns)
    if type_ == "text" and draw.chance(0.3):
        for row in rows:
            row[name] = _hostile(draw, type_)


def _good(draw: Draw, kind: Kind, field: Field, number: int) -> str:
    if kind == "consents" and field.name in _CONSENT:
        return draw.random.choice(_CONSENT[field.name])
    if field.name == "phone":
        return draw.random.choice(("13912345678", "139-1234-5678", ""))
    if field.name == "currency":
        return "CNY"
    if field.name == "channel":
        return draw.random.choice(("email", "sms"))
    return GOOD.get(field.type, f"{field.name[:3]}{number % 7}")


def _hostile(draw: Draw, type_: str) -> str:
    pools: dict[str, Any] = {"instant": INSTANTS, "money": NUMBERS, "number": NUMBERS, "status": WORDS}
    return str(draw.one(pools[type_])) if type_ in pools and draw.chance(0.6) else draw.text()


def _options(draw: Draw, kind: Kind, rows: Rows, *, sound: bool) -> dict[str, Any]:
    names = list(rows[0])
    options: dict[str, Any] = {"mapping": {}}
    if draw.chance(0.9):  # else one hostile cell is enough to leave open how all are read
        options["decimal"] = "."
        options["thousands"] = draw.random.choice(("", ",", " ", "'"))
        options["date_format"] = draw.random.choice(("ymd", "%Y-%m-%d %H:%M:%S"))
    if draw.chance(0.2):
        options["verified"] = True
    if draw.chance(0.2):
        options["source"] = draw.random.choice(("shop", "茶", "a b"))
    if kind == "orders" and draw.chance(0.3):
        options["statuses"] = {draw.one(WORDS) or "x": draw.random.choice(("paid", "cancelled", "refunded"))}
    if draw.chance(0.3):
        free = [name for name in names if name not in _needed(kind)]
        options["mapping"] = {name: "" for name in free[:1] if any(one.name == name for one in FIELDS[kind])}
    if not sound:
        options |= _wild(draw, kind)
    try:
        ImportRequest(kind=kind, **options)
    except KoipondError:
        return {"mapping": {}}
    return options


def _needed(kind: Kind) -> set[str]:
    return {name for alternatives in REQUIRED[kind] for fields in alternatives for name in fields}


def _wild(draw: Draw, kind: Kind) -> dict[str, Any]:
    """Options that may contradict the file."""
    wild: dict[str, Any] = {}
    if draw.chance(0.3):
        wild |= {"decimal": draw.random.choice((".", ",")), "thousands": None}
    if draw.chance(0.3):
        wild["date_format"] = draw.random.choice(("dmy", "mdy", "%Y-%m-%d", "%Y-%m-%d %H:%M:%S%z", "%d"))
    if draw.chance(0.3):
        field = draw.random.choice(FIELDS[kind]).name
        wild["mapping"] = {field: draw.random.choice(("", "customer_id", draw.text()))}
    return wild


def _require_nothing_planted(text: str, where: str) -> None:
    plain = unicodedata.normalize("NFKC", text)
    for mark in (*MARKS, *FORMS):
        assert mark not in text, f"{mark!r} stands in {where}"
        assert mark not in plain, f"{mark!r} stands in {where}"


def _require_clean(space: MemoryWorkspace) -> None:
    with space.warehouse.read() as reader:
        for name in FACTS:
            if reader.has(name):
                for row in reader.frame(reader.table(name)).to_pylist():
                    texts = [value for value in row.values() if isinstance(value, str)]
                    _require_nothing_planted("\n".join(texts), name)
    journal = as_json([str(one) for one in vars(space.journal).values()])
    _require_nothing_planted(journal, "the journal")
