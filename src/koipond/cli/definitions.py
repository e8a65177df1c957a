"""`koipond check | diff | apply | export | playbook`: definitions as files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from koipond.cli.reply import AsOf, JsonFlag, folder_stamp, marked, parse_day, say, with_facts, word
from koipond.kernel import Finding, InputError, Message, epoch_day, heard, joined, phrase, spoken

_SIGN = {"add": "+", "change": "~", "archive": "-"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(help="Read every definition, say all that is wrong, and what tests can find.")(check)
    app.command(name="diff", help="Show what applying the folder would change.")(show_diff)
    app.command(help="Make the folder's definitions take effect as new versions.")(apply)
    app.command(help="Write the applied definitions as canonical files.")(export)
    playbook = typer.Typer(help="Shipped strategies, with audience, texts and offer.", no_args_is_help=True)
    playbook.command(name="add", help="Copy shipped playbooks into the workspace.")(add)
    playbook.command(name="list", help="Name the shipped playbooks.")(list_shipped)
    app.add_typer(playbook, name="playbook")


def check(context: typer.Context, as_json: JsonFlag = False) -> None:
    from koipond.bootstrap.applying import fixed_at
    from koipond.bootstrap.environment import environment_faults
    from koipond.worker.code_ends import end_text
    from koipond.worker.foresight import outlook_at, outlook_text
    from koipond.workspace import errors, load_folder

    folder = load_folder(context.obj)
    findings = [
        *sorted([*folder.findings, *fixed_at(context.obj)], key=lambda f: (f.file, f.line, f.code)),
        *(
            Finding(
                file="environment",
                line=0,
                code="bad_setting",
                message=fault,
                fix=Message("Correct or unset it"),
            )
            for fault in environment_faults()
        ),
    ]
    wrong = errors(findings)
    data = {"findings": [finding.to_dict() for finding in findings], "errors": len(wrong)}
    seen = {"strategies": [], "offers": []} if wrong else outlook_at(context.obj, folder)
    data |= {"outlook": seen["strategies"], "early_ends": seen["offers"], **folder_stamp(context.obj)}
    lines = [heard(finding.sentence) for finding in findings]
    lines += [phrase("warning: {said}", said=end_text(row)) for row in seen["offers"]]
    lines += [heard(outlook_text(row)) for row in seen["strategies"]]
    warnings = len(findings) - len(wrong) + len(seen["offers"])
    say(
        data,
        lambda: "\n".join(
            [*lines, phrase("{count} errors, {warnings} warnings", count=len(wrong), warnings=warnings)]
        ),
        as_json=as_json,
    )
    if wrong:
        raise typer.Exit(1)


def show_diff(context: typer.Context, as_of: AsOf = None, as_json: JsonFlag = False) -> None:
    from koipond.bootstrap import open_app
    from koipond.bootstrap.applying import diff_folder
    from koipond.insights.freshness import fact_rows
    from koipond.segments.segment_state import members_of, read_states
    from koipond.workspace import load_folder
    from koipond.workspace.counting import ScopeCounter

    folder, day = load_folder(context.obj), parse_day(as_of)
    with open_app(context.obj, say_unapplied=False) as app, app.reading(day) as (reader, day):
        scope = app.scope(reader, day, members_of(read_states(reader)))
        counter = ScopeCounter(scope, folder)
        found = diff_folder(app, folder, counter)
        data = {**found.to_dict(), **fact_rows(reader, epoch_day(day)), **app.stamp(day)}
        for change in data["changes"]:
            segment = folder.definitions.get((change["kind"], change["key"]))
            is_rule = segment is not None and change["kind"] == "segment"
            change["notes"] = counter.doubts(segment) if segment is not None and is_rule else []
    say(data, lambda: with_facts(data, _changes_text(data, found.findings)), as_json=as_json)
    if found.findings:
        raise typer.Exit(1)


def apply(
    context: typer.Context,
    author: Annotated[str, typer.Option(help="Who answers for it.")] = "cli",
    as_json: JsonFlag = False,
) -> None:
    from koipond.bootstrap import open_app
    from koipond.bootstrap.applying import apply_folder

    with open_app(context.obj, say_unapplied=False) as app:
        done = apply_folder(app, author)
        data = {**done.found.to_dict(), "waiting": done.waiting, **app.latest().stamp()}
    say(data, lambda: _applied_text(data), as_json=as_json)


def export(
    context: typer.Context,
    target: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write; files in it are replaced.")],
    as_json: JsonFlag = False,
) -> None:
    from koipond.bootstrap import StoreDefinitions, open_app
    from koipond.kernel.whole_files import write_whole
    from koipond.workspace.export import export_files

    with open_app(context.obj) as app:
        applied = StoreDefinitions(app.store).current()
        stamp = app.stamp()
    written = export_files((one.kind, one.key, one.body) for one in applied)
    for file, text in written.items():
        path = target / file
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text)
    say({"files": sorted(written), **stamp}, lambda: "\n".join(sorted(written)), as_json=as_json)


def add(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="NAME…")],
    channel: Annotated[
        list[str] | None, typer.Option(help="Instead of the sandbox; in order of preference.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    from koipond.workspace.playbooks import SHIPPED, add_playbook

    unknown = [name for name in names if name not in SHIPPED]
    if unknown:
        raise InputError(
            "no playbook {unknown}; shipped are {shipped}",
            unknown=joined(", ", unknown),
            shipped=joined(", ", SHIPPED),
        )
    written = [file for name in names for file in add_playbook(context.obj, name, channels=channel or ())]
    say(
        {"files": written, **folder_stamp(context.obj)},
        lambda: "\n".join([*written, phrase("Next: koipond check, koipond apply")]),
        as_json=as_json,
    )


def list_shipped(context: typer.Context, as_json: JsonFlag = False) -> None:
    from koipond.workspace.playbooks import SHIPPED

    data = {"playbooks": list(SHIPPED), **folder_stamp(context.obj)}
    say(data, lambda: "\n".join(SHIPPED), as_json=as_json)


def _applied_text(data: dict[str, Any]) -> str:
    lines = [_changes_text(data)]
    if data["waiting"]:
        lines.append(
            phrase(
                "nothing of it is in force: changes {key} wait; one of {approvers} runs: "
                "koipond changes approve {key} --by NAME",
                key=data["waiting"],
                approvers=joined(", ", data["changes"][0]["approvers"]),
            )
        )
    lines.append(phrase("definition version {number}", number=data["definition_version"]))
    return "\n".join(lines)


KINDS = marked("workspace", "segment", "strategy", "template", "offer", "tag", "absent")


def _side(value: Any) -> str:
    from koipond.workspace.diff import ABSENT

    return word(value) if value == ABSENT else plain_value(value)


def plain_value(value: Any) -> str:
    """Return a value of a definition as its file would have it, in one line: {type: date}, true, 0.1."""
    if isinstance(value, str):
        return value
    import yaml

    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10**6)
    return str(text).removesuffix("...\n").strip()


def _who(change: dict[str, Any]) -> str:
    """Say who must approve a change, else whose strategies it concerns."""
    if change["approvers"]:
        return phrase("; approve: {approvers}", approvers=joined(", ", change["approvers"]))
    return phrase("; concerns: {owners}", owners=joined(", ", change["owners"])) if change["owners"] else ""


def _changes_text(data: dict[str, Any], findings: Sequence[Finding] = ()) -> str:
    lines = [heard(finding.sentence) for finding in findings]
    for change in data["changes"]:
        who = _who(change)
        people = (
            ""
            if change["customers"] is None
            else phrase("; {customers} customers", customers=change["customers"])
        )
        what = f"{word(change['kind'])} {change['key']} v{change['version']}"
        lines.append(f"{_SIGN[change['action']]} {what}{people}{who}")
        lines += [f"    {f['path']}: {_side(f['before'])} → {_side(f['after'])}" for f in change["fields"]]
        lines += [f"    ! {words[spoken()]}" for words in change.get("notes", ())]
    return "\n".join(lines or [phrase("nothing differs")])
