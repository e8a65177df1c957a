"""Files and options that are meant to hurt end in one line that names the place (cases A02 to A06, A08).

Each runs in a process of its own under a limit on its memory.
"""

import gzip
import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import Koipond

MEMORY_BYTES = 4 << 30  # of addresses; the engine reserves more than it touches
Run = Callable[..., str]


@pytest.fixture
def run(koipond: Koipond, tmp_path: Path) -> Run:
    """Run a command on the workspace; return what it said on stderr."""
    assert koipond("init", "--clock", "last_fact")[0] == 0

    def run(*arguments: str | Path, code: int = 2) -> str:
        command = [sys.executable, "-m", "koipond.cli", "-C", str(tmp_path / "brand"), *map(str, arguments)]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES)),
        )
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        assert "mistake of the program" not in done.stderr
        return done.stderr + done.stdout

    return run


def event(**more: object) -> str:
    return json.dumps({"customer_id": "c1", "event": "view", "time": "2026-03-01", **more})


HOSTILE = {
    "columns.csv": ("customer_id,event,time," + ",".join(f"p{n}" for n in range(10_000)) + "\n", "columns"),
    "keys.jsonl": (event(**{f"k{n}": 1 for n in range(20_000)}) + "\n", "columns"),
    "arrays.jsonl": (event()[:-1] + ', "x": ' + "[" * 100_000 + "]" * 100_000 + "}\n", "row 1: nested"),
    "objects.jsonl": (
        event()[:-1] + ', "x": ' + '{"a":' * 100_000 + "1" + "}" * 100_001 + "\n",
        "row 1: nested",
    ),
    "surrogate.jsonl": (event(event="vi|ew").replace("|", "\\ud800") + "\n", "row 1: holds \\ud800"),
    "empty_key.jsonl": (event(**{"": 1}) + "\n", "a key of 0 characters"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_is_no_export_is_refused_naming_the_place(run: Run, tmp_path: Path, name: str) -> None:
    text, says = HOSTILE[name]
    (tmp_path / name).write_text(text)
    said = run("import", "events", tmp_path / name)
    assert name in said
    assert says in said


@pytest.mark.parametrize(
    ("option", "value"),
    [("--delimiter", ";;"), ("--encoding", "zip"), ("--encoding", "rot13"), ("--encoding", "punycode")],
)
def test_an_option_that_fits_nothing_is_named(run: Run, tmp_path: Path, option: str, value: str) -> None:
    file = tmp_path / "o.csv"
    file.write_text("order_id,customer_id,order_date,amount\n1,a,2026-03-01,5\n")
    said = run("import", "orders", file, option, value)
    assert option in said
    assert value in said


def test_a_rule_with_a_stray_mark_names_the_column(run: Run) -> None:
    assert "column" in run("segments", "count", "events(property.a.b' = 1).count(ever) > 1")


def test_a_definition_of_a_long_list_is_refused_at_once(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "brand" / "segments"
    folder.mkdir(exist_ok=True)
    (folder / "big.yaml").write_text("key: big\nrule: everyone\nx:\n" + "- 1\n" * 200_000)
    assert "segments/big.yaml" in (said := run("check", code=1))
    assert "more than 20,000 values" in said


def test_a_long_chain_of_segments_is_checked(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "brand" / "segments"
    folder.mkdir(exist_ok=True)
    for n in range(400):
        rule = f"segment s{n + 1}" if n < 399 else "everyone"
        (folder / f"s{n}.yaml").write_text(f"key: s{n}\nname: {{en: s}}\nowner: t\nrule: {rule}\n")
    assert "0 errors" in run("check", code=0)


def test_what_unpacks_to_much_more_than_an_export_does_is_refused(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "bomb.csv.gz"
    with gzip.open(file, "wb", 9) as out:
        out.write(b"order_id,customer_id,order_date,amount\n" + b"1,a,2026-03-01,5\n" * 8_000_000)
    said = run("import", "orders", file)
    assert "bomb.csv.gz" in said
    assert "unpacks to more than" in said
