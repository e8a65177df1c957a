"""The command contract over every command there is: JSON alone, stamped, on the day that was asked."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from docs.generate import commands
from typer.main import get_command

from koipond.bootstrap import open_app
from koipond.cli.app import build
from koipond.store import DefinitionChange
from tests.e2e.conftest import Koipond
from tests.e2e.test_app_first_afternoon import MAPS

DAY = "2026-03-28"
TAG = (
    "key: purpose\nowner: crm-team\nsource: manual\nvalues: [gift]\n"
    "name: {zh: 购买目的, en: Purchase purpose, id: Tujuan belanja}\n"
)

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "init": ("--clock", "last_fact"),
    "import": ("orders", "ORDERS", *MAPS),
    "playbook list": (),
    "playbook add": ("dormant_recall_code",),
    "check": (),
    "diff": (),
    "apply": (),
    "changes approve": ("c1", "--by", "anna"),
    "changes reject": ("c2", "--by", "anna"),
    "changes list": (),
    "export": ("EXPORT",),
    "codes import": ("recall_code", "CODES"),
    "codes list": (),
    "lists import": ("guests", "GUESTS"),
    "lists show": (),
    "tags set": ("m7", "purpose", "gift"),
    "tags import": ("purpose", "GUESTS", "--value", "gift"),
    "refresh": (),
    "lists export": ("list:guests", "--to", "OUT", "--purpose", "a call", "--by", "anna"),
    "tags report": (),
    "quality": (),
    "quality people": (),
    "quality rejects": ("2", "--to", "REJECTS"),
    "quality confirm": ("test_account",),
    "quality clear": ("test_account",),
    "layers": (),
    "segments list": (),
    "segments count": ("lifecycle = growth",),
    "keys confirm-backup": (),
    "keys rotate": (),
    "doctor": (),
    "leases": (),
    "leases free": ("LEASE", "--by", "anna"),
    "plan": (),
    "plans": (),
    "pause": ("channel:sandbox", "--by", "anna", "--reason", "looking at it"),
    "pauses": (),
    "resume": ("channel:sandbox", "--by", "anna"),
    "preview": ("latest", "--limit", "2"),
    "why": ("m0",),
    "approve": ("latest", "--by", "anna"),
    "send": ("latest",),
    "inbox": (),
    "touches unknown": (),
    "touches settle": ("--by", "anna", "--failed", "--file", "LOG"),
    "plans withdraw": ("latest", "--by", "anna"),
    "report": ("dormant_recall_code",),
    "verify": (),
    "rehearse": ("--strategy", "dormant_recall_code", "--customers", "200", "--days", "30"),
    "serve": ("--port", "0", "--no-send"),
    "people suppress": ("m1", "--reason", "complaint", "--by", "anna"),
    "people show": ("m1",),
    "people lift": ("m1", "--by", "anna"),
    "people erase": ("m1", "--by", "anna"),
    "backup": ("BACKUP",),
    "restore": ("BACKUP",),
    "quality undo": ("1",),
}
"""Every command, in an order in which each finds what it needs, with what to give it."""

READING = frozenset(
    {
        "refresh",
        "quality",
        "layers",
        "segments list",
        "segments count",
        "diff",
        "lists show",
        "lists export",
        "tags report",
        "codes list",
        "plan",
        "plans",
        "pauses",
        "touches unknown",
        "why",
        "send",
        "inbox",
        "report",
        "verify",
        "rehearse",
    }
)
"""Commands that read or plan: each takes --as-of. The others change something, or say what stands now."""
OF_FACTS = (READING | {"preview"}) - {"pauses", "touches unknown", "send", "rehearse"}
"""Commands whose answer rests on facts: each says how far they reach."""


def test_every_command_is_walked_by_this_file() -> None:
    assert {*COMMANDS} == {" ".join(path) for path, _ in commands(get_command(build()), ())}


@pytest.mark.parametrize("path", sorted(READING))
def test_commands_that_read_or_plan_take_an_observation_day(path: str) -> None:
    found = dict(commands(get_command(build()), ()))[tuple(path.split())]
    assert "--as-of" in {name for parameter in found.params for name in parameter.opts}


def test_every_answer_is_json_alone_and_says_day_and_definition_version(
    koipond: Koipond,
    orders_csv: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "codes.txt").write_text("\n".join(f"C{n}" for n in range(400)))
    (tmp_path / "guests.txt").write_text("m1\nm2\n")
    (tmp_path / "mail.log").write_text(f"Mar 1 12:00 mx: lost <{'0' * 32}@brand.example>\n")
    files = {
        "ORDERS": orders_csv,
        "EXPORT": tmp_path / "export",
        "CODES": tmp_path / "codes.txt",
        "GUESTS": tmp_path / "guests.txt",
        "BACKUP": tmp_path / "backup",
        "REJECTS": tmp_path / "rejects.csv",
        "OUT": tmp_path / "out.csv",
        "LOG": tmp_path / "mail.log",
    }
    monkeypatch.setattr("uvicorn.Server.run", lambda *_args, **_named: None)
    for path, words in COMMANDS.items():
        given = [files.get(word, word) for word in words]
        if path in READING:
            given += ["--as-of", DAY]
        if path == "apply":
            (tmp_path / "brand" / "tags").mkdir()
            (tmp_path / "brand" / "tags" / "purpose.yaml").write_text(TAG)
        if path == "quality rejects":
            (tmp_path / "bad.csv").write_text("user_id,event,at\nm1,view,2026-03-01\n,view,2026-03-01\n")
            _, said = koipond("import", "events", tmp_path / "bad.csv")
            given[0] = str(said["files"][0]["import_no"])
        if path.startswith("changes ") and given:
            with open_app(tmp_path / "brand") as app:
                tag = next(one for one in app.definitions.applied if one.kind == "tag")
                again = DefinitionChange(
                    kind="tag", key=tag.key, was=tag.version, fingerprint="again", body=tag.body
                )
                app.store.proposals.propose([again], author="budi", now=app.machine.now())
        if path == "leases free":
            with open_app(tmp_path / "brand") as app:
                held = app.store.leases.open("import", app.this_process("import"), app.machine.now())
            given[0] = held
        code, answer = koipond(*path.split(), *given)
        assert code in (0, 1), (path, answer)
        assert "error" not in answer, (path, answer)
        assert isinstance(answer["definition_version"], int), path
        assert len(answer["as_of"]) == len(DAY), path
        assert ("newest_facts" in answer) or path not in OF_FACTS, path
        if path in READING and path != "rehearse":  # a rehearsal lives on days of its own
            assert answer["as_of"] == DAY, path


def test_without_a_workspace_the_stamp_is_null(koipond: Koipond) -> None:
    answer = koipond("playbook", "list")[1]
    assert (answer["as_of"], answer["definition_version"]) == (None, None)


def test_an_error_has_the_keys_of_every_answer(koipond: Koipond) -> None:
    code, answer = koipond("layers")
    assert (code, answer["error"]) == (2, "bad_input")
    assert (answer["as_of"], answer["definition_version"]) == (None, None)
