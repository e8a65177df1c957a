"""Definitions, rules, templates, code lists and command lines of a workspace, whole and damaged."""

import contextlib
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from koipond.cli.app import COMMANDS, main
from tests.fuzz.rules import quoted, rule
from tests.fuzz.values import Draw

CODES = {0, 1, 2, 3, 4, 130}
KINDS = ("segments", "tags", "layers", "strategies", "templates", "offers")
LIQUID = (
    *(
        "{{ customer.first_name }}",
        "{{ x",
        "{% if %}",
        "{% for i in (1..999999999) %}x{% endfor %}",
        "{% include 'a' %}",
    ),
    *(
        "{{ 'a' | append: 'b' }}",
        "{{ customer.__class__ }}",
        "{% assign a = 1 %}{{ a }}",
        "{{ 1 | divided_by: 0 }}",
    ),
    *(
        "{% raw %}",
        "{{ customer | json }}",
        "{{ 'x' | times: 99999999 }}",
        "{{ offer.code }}{{ unsubscribe_url }}",
    ),
)


PLAYBOOKS = ("dormant_recall", "dormant_recall_code", "high_value_care", "newcomer_welcome")
MORE = {
    "tags/interest.yaml": "key: interest\nowner: crm\nsource: manual\nvalues: [coffee, tea]\n",
    "layers/lifecycle.yaml": "at_risk_cycles: 2\ndormant_cycles: 4\n",
}
FACTS = {
    "orders": "customer_id,order_id,at,amount\n"
    + "".join(f"c{n % 9},o{n},2025-0{1 + n % 9}-11 10:00,{5 + n}.50\n" for n in range(60)),
    "events": "customer_id,name,at,plan\n" + "".join(f"c{n},v,2025-06-01 10:00,x\n" for n in range(9)),
    "customers": "customer_id,city,member\n" + "".join(f"c{n},Shanghai,yes\n" for n in range(9)),
    "consents": "customer_id,channel,purpose,status,at\n"
    + "".join(f"c{n},email,marketing,yes,2025-06-01\n" for n in range(9)),
}


def prepare(folder: Path) -> Path:
    """Make the workspace that every case copies: shipped playbooks, a definition of every kind, facts."""
    made = folder / "made"
    assert call(["init", str(made), "--clock", "last_fact"])[0] == 0
    assert call(["-C", str(made), "playbook", "add", *PLAYBOOKS])[0] in CODES
    for kind, text in FACTS.items():
        file = folder / f"{kind}.csv"
        file.write_text(text)
        assert call(["-C", str(made), "import", kind, str(file)])[0] == 0
    for name, text in MORE.items():
        (made / name).parent.mkdir(exist_ok=True)
        (made / name).write_text(text)
    for command in (["apply"], ["refresh"]):
        code, out, err = call(["-C", str(made), *command])
        assert code == 0, (command, out, err)
    return made


def ask(draw: Draw, made: Path) -> str:
    """Count the people of one drawn rule; return what came of it."""
    code, out, err = call(["-C", str(made), "segments", "count", rule(draw), "--json"])
    assert code in (0, 2), err[-2000:]
    assert "Traceback" not in out + err, err
    assert json.loads(out).keys() >= ({"nodes"} if code == 0 else {"message"}), out[:500]
    return f"exit {code}"


def run(draw: Draw, made: Path, folder: Path) -> str:
    """Change files of a copy, run commands over it; return what came of it."""
    case = folder / "case"
    shutil.copytree(made, case)
    for _ in range(draw.random.choice((1, 1, 1, 2, 3))):
        _change(draw, case)
    commands: list[list[str]] = [["check"]]
    if draw.chance(0.5):
        commands.append(draw.random.choice((["diff"], ["apply"], ["export", str(folder / "out")])))
    if draw.chance(0.4):
        commands.append(_line(draw, folder))
    seen = []
    for command in commands:
        code, out, err = call(["-C", str(case), *command, "--json"])
        told = " ".join(command)[:200]
        assert code in CODES, f"{told}: exit {code}: {err[-2000:]}"
        assert "Traceback" not in out + err, told
        if code in (0, 1) and out.strip():
            json.loads(out)
        seen.append(code)
    return f"exit {max(seen)}"


def call(arguments: list[str]) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(arguments)
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else 2
    return code, out.getvalue(), err.getvalue()


def _change(draw: Draw, case: Path) -> None:
    files = [path for path in case.rglob("*.yaml") if ".koipond" not in path.parts]
    path = draw.random.choice(files)
    how = draw.random.randrange(12)
    if how == 0:
        path.write_bytes(draw.damaged(path.read_bytes()))
    elif how == 1:
        room = case / draw.random.choice(KINDS)
        room.mkdir(exist_ok=True)
        text = draw.random.choice((yaml.safe_dump(draw.tree()), draw.text(), "key: a\n" + draw.text()))
        (room / draw.random.choice(("a.yaml", "13912345678.yaml", "b.txt", "茶.yaml"))).write_bytes(
            text.encode("utf-8", "replace")
        )
    else:
        body = _loaded(path)
        if body is None:
            return
        _mutate(draw, body)
        path.write_bytes(yaml.safe_dump(body, allow_unicode=True).encode("utf-8", "replace"))


def _loaded(path: Path) -> Any:
    try:
        body = yaml.safe_load(path.read_text())
    except (ValueError, yaml.YAMLError):
        return None
    return body if isinstance(body, dict) else None


def _mutate(draw: Draw, body: Any) -> None:
    """Change one value somewhere in ``body``: mostly into another of its type, sometimes into anything."""
    places = [pair for pair in _leaves(body) if pair[1] not in _FIXED or draw.chance(0.1)]
    if not places:
        return
    node, key = draw.random.choice(places)
    if draw.chance(0.1) and isinstance(node, dict):
        del node[key]
    elif draw.chance(0.05) and isinstance(node, dict):
        node[draw.text()] = draw.tree()
    elif draw.chance(0.15):
        node[key] = draw.one(LIQUID, [draw.tree()], [draw.text()])
    else:
        node[key] = _alike(draw, key, node[key])


_FIXED = (
    "key",
    "kind",
    "source",
    "type",
    "owner",
    "audience",
    "script",
    "channels",
    "plays",
    "texts",
    "zone",
)
"""Nearly every other value of these is refused: seldom changed, so that more is read to its end."""


def _leaves(node: Any) -> Iterator[tuple[Any, Any]]:
    """Yield (mapping or list, key) of every value below ``node``."""
    keys = list(node) if isinstance(node, dict) else list(range(len(node)))
    for key in keys:
        yield node, key
        if isinstance(node[key], dict | list):
            yield from _leaves(node[key])


def _alike(draw: Draw, key: Any, value: Any) -> Any:
    """Return another value of the type of ``value``."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return draw.random.choice((0, 1, 2, 7, 30, 100, -1, 10**18, value + 1))
    if isinstance(value, float):
        return draw.random.choice((0.0, 0.1, 0.5, 1.0, 1.5, -0.1, float("nan"), 1e308))
    if key == "rule":
        return rule(draw)
    if isinstance(value, str) and "{{" in value:
        return value + draw.random.choice(LIQUID)
    if isinstance(value, str):
        return draw.random.choice(
            (value + " ", quoted(draw), draw.text(), "2026-12-31", "everyone_reachable")
        )
    return value


def _line(draw: Draw, folder: Path) -> list[str]:
    """A command with hostile arguments."""
    file = folder / draw.random.choice(("list.txt", "13912345678.csv"))
    file.write_bytes(draw.damaged("\n".join(draw.text() for _ in range(20)).encode("utf-8", "replace")))
    plain = [draw.text().replace("\x00", ""), draw.text().replace("\x00", "")]
    lines = [
        ["segments", "count", draw.random.choice((rule(draw), *plain))],
        ["codes", "import", plain[0] or "x", str(file)],
        ["codes", "import", "recall_code", str(file)],
        ["people", "suppress", "--file", str(file), "--reason", plain[0], "--by", plain[1] or "x"],
        ["refresh", "--as-of", draw.random.choice(("2025-09-01", plain[0]))],
        ["plan", "--as-of", draw.random.choice(("2025-09-11", plain[0]))],
        ["import", draw.random.choice(("customers", "products", "consents")), str(file)],
        ["verify"],
        ["quality"],
        ["doctor"],
        ["why", "c1"],
        ["import", "orders", str(file), "--map", plain[0]],
        ["import", plain[0], str(file)],
        ["import", "events", str(file), "--status", plain[0], "--decimal", plain[1]],
        ["layers", "--as-of", plain[0]],
        ["why", plain[0], plain[1]],
        ["report", plain[0]],
        ["plan", plain[0]],
        ["approve", plain[0]],
        ["inbox", "--limit", plain[0]],
        ["quality", "undo", plain[0]],
        [draw.random.choice(COMMANDS), *plain],
    ]
    return draw.random.choice(lines)
