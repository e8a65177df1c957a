"""`koipond backup | restore`: store and warehouse together, out and back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, cast

import typer

from koipond.cli.reply import JsonFlag, local, say
from koipond.kernel import phrase


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(help="Copy store, warehouse and definitions into a new folder; keys are not in it.")(backup)
    app.command(help="Bring store, warehouse and definitions back; the present ones are moved aside.")(
        restore
    )


def backup(
    context: typer.Context,
    target: Annotated[Path, typer.Argument(metavar="DEST", help="A new folder; not there yet.")],
    as_json: JsonFlag = False,
) -> None:
    from koipond.bootstrap import open_app
    from koipond.bootstrap.backups import make_backup

    with open_app(context.obj) as app, _told() as told:
        made = make_backup(app, target, told)
        keys = app.store.keys.file
        data = {
            "backup": str(target),
            "made_at": made.made_at,
            "version": made.store.at.version,
            "files": len(made.files),
            "bytes": made.bytes,
            "keys": str(keys) if keys else "KOIPOND_KEYS",
            **app.stamp(),
        }
    text = phrase(
        "{target}: version {version}, {bytes:,.1f} MiB in {count} files",
        target=target,
        version=data["version"],
        bytes=made.bytes / 2**20,
        count=len(made.files),
    )
    say(
        data,
        lambda: phrase(
            "{text}\nThe keys are not in it: keep a copy of {keys} elsewhere.", text=text, keys=data["keys"]
        ),
        as_json=as_json,
    )


def restore(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="SRC", help="A folder that `koipond backup` made.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Also when the present state is newer; it is moved aside.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    from koipond.bootstrap import open_app
    from koipond.bootstrap.restoring import restore_backup
    from koipond.settings import SystemClock

    with _told() as told:
        done = restore_backup(context.obj, source, SystemClock(), told, replace=replace)
    with open_app(context.obj) as app:
        data = {
            "restored": str(source),
            "made_at": done.backup.made_at,
            "version": done.backup.store.at.version,
            "aside": str(done.aside) if done.aside else None,
            "aside_schema": done.aside_schema,
            "waiting": done.backup.store.waiting,
            "noes_kept": done.carried.refusals.noes,
            "suppressions_kept": done.carried.refusals.suppressions,
            "refusals_of_people_unknown": done.carried.refusals.unknown,
            "erased_again": list(done.carried.refusals.erased),
            "touches_kept": done.carried.touches.gone,
            "touches_of_people_unknown": done.carried.touches.unknown,
            "paused": done.carried.paused,
            **app.stamp(),
        }
        at = local(done.backup.made_at, app.zone)
    say(data, lambda: _restored_text(data, at), as_json=as_json)


def _restored_text(data: dict[str, object], at: str) -> str:
    lines = [phrase("back at {made_at}, version {version}", made_at=at, version=data["version"])]
    if data["aside"]:
        lines.append(phrase("the former files are in {aside}", aside=data["aside"]))
    if data["aside_schema"]:
        lines.append(
            phrase("the former store is the schema {aside_schema}", aside_schema=data["aside_schema"])
        )
    lines.append(
        phrase("what came after the backup is not here: import it again, withdrawals of consent first")
    )
    if data["noes_kept"] or data["suppressions_kept"]:
        lines.append(
            phrase(
                "{noes_kept} withdrawals and {suppressions_kept} suppressions made after the backup "
                "still hold",
                noes_kept=data["noes_kept"],
                suppressions_kept=data["suppressions_kept"],
            )
        )
    if data["refusals_of_people_unknown"]:
        lines.append(
            phrase(
                "{refusals_of_people_unknown} people who said no came after the backup: import "
                "them and their withdrawals before anything is sent",
                refusals_of_people_unknown=data["refusals_of_people_unknown"],
            )
        )
    lines += [
        phrase(
            "erased after the backup, and back with it: koipond people erase {customer_no} --by NAME",
            customer_no=number,
        )
        for number in cast(list[int], data["erased_again"])
    ]
    if data["touches_kept"]:
        lines.append(
            phrase(
                "{touches_kept} touches went out after the backup: they are not sent again",
                touches_kept=data["touches_kept"],
            )
        )
    if data["touches_of_people_unknown"]:
        lines.append(
            phrase(
                "{touches_of_people_unknown} touches went to people who came after the backup: "
                "imported again they are new, and may get the same again",
                touches_of_people_unknown=data["touches_of_people_unknown"],
            )
        )
    if data["paused"]:
        lines.append(
            phrase(
                "{waiting} touches wait, or a plan that may have been sent after the backup, so "
                "sending is paused: withdraw what must not go (koipond plans), then: koipond "
                "resume all --by NAME",
                waiting=data["waiting"],
            )
        )
    return "\n".join(lines)


@contextmanager
def _told() -> Iterator[Callable[[str, int, int], None]]:
    """Show progress on stderr, and nothing where nobody looks."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("")

        def told(part: str, done: int, of: int) -> None:
            bar.update(task, description=part, completed=done, total=max(of, 1))

        yield told
