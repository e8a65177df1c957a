"""Definitions, rules, templates, code lists and command lines of a workspace, whole and damaged."""

import contextlib
import io
import json
import shutil
from pathlib import Path
from typing import Any

import yaml

from koipond.cli.app import COMMANDS, main
from tests.fuzz.values import Draw

CODES = {0, 1, 2, 3, 4, 130}
KINDS = ("segments", "tags", "layers", "strategies", "templates", "offers")
RULES = (
    *(
        "orders.count(last 30 days) >= 1",
        "lifecycle = 'dormant'",
        "trait.city = 'x'",
        "events(name = 'v').count > 0",
    ),
    *(
        "sample('s', 0, 10)",
        "not (a and b)",
        "bought('x') within 3 days",
        "(",
        "((((",
        "'",
        "a =",
        "1 = 1",
        "and",
    ),
)
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


def prepare(folder: Path) -> Path:
    """Make the workspace that every case copies, with the shipped playbooks."""
    made = folder / "made"
    assert call(["init", str(made)])[0] == 0
    assert call(["-C", str(made), "playbook", "add", "--all"])[0] in CODES
    return made


def run(draw: Draw, made: Path, folder: Path) -> str:
    """Change files of a copy, run commands over it; return what came of it."""
    case = folder / "case"
    shutil.copytree(made, case)
    for _ in range(draw.random.randrange(1, 4)):
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
    how = draw.random.randrange(6)
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
    """Change one value somewhere in ``body``."""
    node = body
    for _ in range(6):
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            return
        key = draw.random.choice(keys)
        inner = node[key]
        if isinstance(inner, dict | list) and inner and draw.chance(0.7):
            node = inner
            continue
        how = draw.random.randrange(5)
        if how == 0 and isinstance(node, dict):
            del node[key]
        elif how == 1 and isinstance(node, dict):
            node[draw.text()] = draw.tree()
        else:
            node[key] = draw.one(RULES, LIQUID, [draw.tree()], [draw.text()])
        return


def _line(draw: Draw, folder: Path) -> list[str]:
    """A command with hostile arguments."""
    file = folder / draw.random.choice(("list.txt", "13912345678.csv"))
    file.write_bytes(draw.damaged("\n".join(draw.text() for _ in range(20)).encode("utf-8", "replace")))
    plain = [draw.text().replace("\x00", ""), draw.text().replace("\x00", "")]
    lines = [
        ["segments", "count", draw.random.choice((*RULES, *plain))],
        ["codes", "import", plain[0] or "x", str(file)],
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
