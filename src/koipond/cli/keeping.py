"""`koipond doctor | keys`: what a set-up lacks, and the keys of identifiers."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import typer

from koipond.cli.holding import lease_problems, lease_rows, lease_text, lease_zone
from koipond.cli.outreach_problems import outreach_problems
from koipond.cli.reply import JsonFlag, heads, say
from koipond.frames import text_table
from koipond.kernel import InputError, KoipondError, Message, heard, joined, phrase

if TYPE_CHECKING:
    from koipond.bootstrap import App
    from koipond.ingest.belonging import Verdict

_FREE_BYTES_MIN = 2 * 1024**3


Problem = tuple[str, str]
_FAULTS = ("disk_full", "no_rights", "damaged", "unreachable", "wrong_keys", "busy")
NO_STAMP = {"as_of": None, "definition_version": None}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(help="Say what the set-up lacks, with the fix.")(doctor)
    keys = typer.Typer(help="Keys that encrypt identifiers.", no_args_is_help=True)
    keys.command(name="confirm-backup", help="Say that a copy of the key file is kept elsewhere.")(confirm)
    keys.command(name="rotate", help="Encrypt every identifier anew, under a new key.")(rotate)
    app.add_typer(keys, name="keys")


def doctor(context: typer.Context, as_json: JsonFlag = False) -> None:
    from koipond.bootstrap import PairError, open_app
    from koipond.bootstrap.faults import explained

    leases: list[dict[str, Any]] = []
    place = ZoneInfo("UTC")
    stamp: Mapping[str, Any] = NO_STAMP
    try:
        with open_app(context.obj, apart=True, say_unapplied=False) as app:
            leases, place = lease_rows(app), lease_zone(app)
            problems = [*_pair(app.pair), *_keys(app), *_disk(app), *lease_problems(app)]
            if app.pair.usable:
                problems += [*_definitions(app), *_offers(app), *_email(app), *_spark(app), *_private(app)]
                problems += outreach_problems(app)
                stamp = app.stamp()
            else:
                stamp = {**NO_STAMP, "definition_version": app.store.definitions.version()}
    except PairError as error:
        problems = _pair(error.verdict)
    except Exception as error:  # what keeps everything else from running is what is asked for
        known = error if isinstance(error, KoipondError) else explained(error, context.obj)
        if known is None or known.code not in _FAULTS:
            raise
        what, _, fix = heard(known.message).replace("；", "; ").partition("; ")
        problems = [(what, fix)]
    _say_problems(problems, leases, place, stamp, as_json=as_json)
    if problems:
        raise typer.Exit(1)


def _say_problems(
    problems: Sequence[Problem],
    leases: Sequence[Mapping[str, Any]],
    place: ZoneInfo,
    stamp: Mapping[str, Any],
    *,
    as_json: bool,
) -> None:
    data = {
        "problems": [{"problem": what, "fix": fix} for what, fix in problems],
        "leases": list(leases),
        **stamp,
    }
    table = (
        text_table(heads("problem", "fix"), [[heard(one) for one in row] for row in problems])
        if problems
        else phrase("nothing is missing")
    )
    text = [table, lease_text(leases, place)] if leases else [table]
    say(data, lambda: "\n\n".join(text), as_json=as_json)


def _pair(verdict: "Verdict") -> list[Problem]:
    return [] if verdict.usable else [(verdict.problem, verdict.fix)]


def _keys(app: "App") -> list[Problem]:
    ring, problems = app.store.keys, []
    if len(ring.live) > 1:
        problems.append((phrase("a rotation of the keys was stopped half-way"), "koipond keys rotate"))
    problems += [(what, "koipond keys rotate") for what in app.store.unfindable()]
    if ring.backup_confirmed_at is None:
        fix = Message(
            "copy {file} elsewhere, then: koipond keys confirm-backup", file=ring.file or "KOIPOND_KEYS"
        )
        problems.append((phrase("losing the keys loses every address, and no backup is confirmed"), fix))
    return problems


def _disk(app: "App") -> list[Problem]:
    import shutil

    free = shutil.disk_usage(app.folder).free
    if free >= _FREE_BYTES_MIN:
        return []
    return [
        (
            phrase("only {free:.1f} GiB of disk are free", free=free / 1024**3),
            phrase("make room: a refresh writes a new version first"),
        )
    ]


def _definitions(app: "App") -> list[Problem]:
    from koipond.bootstrap.applying import diff_folder
    from koipond.bootstrap.first_settings import unapplied_keys
    from koipond.workspace import load_folder

    problems: list[Problem] = []
    if keys := unapplied_keys(app.folder, app.settings):
        what = Message(
            "koipond.yaml differs in {keys}, without effect until it is applied", keys=joined(", ", keys)
        )
        problems.append((what, phrase("koipond diff, then: koipond apply")))
    found = diff_folder(app, load_folder(app.folder))
    if found.findings:
        return [
            *problems,
            (phrase("{count} definitions are wrong", count=len(found.findings)), "koipond check"),
        ]
    if not found.changes:
        return problems
    changed = phrase("{count} changed definitions are not applied", count=len(found.changes))
    return [*problems, (changed, phrase("koipond diff, then: koipond apply"))]


def _offers(app: "App") -> list[Problem]:
    left = {stock.list_key: stock.left for stock in app.store.codes.stock(app.clock.now())}
    empty = [key for key in app.definitions.offers if not left.get(key)]
    return [
        (
            phrase("code list '{key}' has no code left", key=key),
            f"koipond codes import {key} FILE",
        )
        for key in empty
    ]


def _email(app: "App") -> list[Problem]:
    uses = any("email" in play.channels for s in app.definitions.strategies.values() for play in s.plays)
    if not uses:
        return []
    problems: list[Problem] = []
    if app.environment.smtp_url is None:
        problems.append(
            (
                phrase("strategies send e-mail but no SMTP server is set"),
                "export KOIPOND_SMTP_URL=smtp://…",
            )
        )
    elif app.environment.mail_from is None:
        problems.append((phrase("e-mail has no sender"), "export KOIPOND_MAIL_FROM=hello@your.domain"))
    if app.environment.public_url is None:
        fix = Message("export KOIPOND_PUBLIC_URL=https://… of a proxy to this server's /unsubscribe/")
        problems.append((phrase("unsubscribe links would lead to this machine alone"), fix))
    return problems


def _private(app: "App") -> list[Problem]:
    from koipond.bootstrap.private_checks import open_files, private_checks

    found = {check.name: check for check in private_checks(app) if check.breaks}
    problems: list[Problem] = []
    if "rights" in found:
        names = " ".join(str(path) for path in open_files(app)[:3])
        problems.append(
            (
                phrase("other users can read: ") + found["rights"].detail,
                phrase("as their owner: chmod go= {names}", names=names),
            )
        )
    if "spill" in found:
        problems.append(
            (phrase("files of a dead process: ") + found["spill"].detail, phrase("run any command again"))
        )
    if "identifiers" in found:
        fix = Message(
            "koipond quality undo IMPORT, then import that file again: identifiers are taken out on the way"
        )
        problems.append((phrase("identifiers in the warehouse: ") + found["identifiers"].detail, fix))
    return problems


def _spark(app: "App") -> list[Problem]:
    from koipond.warehouse.spark_session import spark_lacks

    if app.settings.warehouse.engine != "spark":
        return []
    lacks = spark_lacks()
    return (
        []
        if lacks is None
        else [(phrase("refreshes are to run on Spark: {lacks}", lacks=lacks[0]), lacks[1])]
    )


def confirm(context: typer.Context, as_json: JsonFlag = False) -> None:
    from koipond.bootstrap import open_app
    from koipond.store import confirm_backup

    with open_app(context.obj) as app:
        kept = confirm_backup(app.store.keys, app.machine.now())
        data = {"backup_confirmed_at": kept.backup_confirmed_at, **app.stamp()}
    say(data, lambda: phrase("noted"), as_json=as_json)


def rotate(context: typer.Context, as_json: JsonFlag = False) -> None:
    from koipond.bootstrap import open_app

    with open_app(context.obj) as app:
        kept = app.store.keys
        if kept.file is None and len(kept.live) == 1:
            raise InputError(
                "the keys come from KOIPOND_KEYS, where a new one would be lost: add it there as"
                " 'active', call"
                " the present one 'retiring', then: koipond keys rotate"
            )
        ring = app.store.rotate_keys()
        data = {"key": ring.active.key_id, "keys": str(ring.file) if ring.file else None}
        data |= app.stamp()
    text = phrase("identifiers stand under key {key} now; back up {keys}", key=data["key"], keys=data["keys"])
    say(data, lambda: phrase("{text}, then: koipond keys confirm-backup", text=text), as_json=as_json)
