"""The program `koipond`: global options, one place that turns errors into exit codes."""

import gc
import json
import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import typer

from koipond import __version__
from koipond.cli.language import HELP, speak_for, translate_help
from koipond.cli.misuse import misuse
from koipond.cli.reply import Notes, note
from koipond.kernel import CancelledError, FindingsError, InputError, KoipondError, Message, heard

COMMANDS: tuple[str, ...] = (
    "init",
    "importing",
    "quality",
    "people",
    "refreshing",
    "layers",
    "segments",
    "definitions",
    "changes",
    "planning",
    "sending",
    "stopping",
    "touches",
    "explaining",
    "reporting",
    "rehearsing",
    "verifying",
    "serving",
    "keeping",
    "codes",
    "lists",
    "tags",
    "holding",
    "backing",
)
"""Modules below `koipond.cli`, each with a function `register(app)`; order = order in the help."""


def _say_version(asked: bool) -> None:
    if asked:
        print(f"koipond {__version__}")
        raise typer.Exit


def build() -> typer.Typer:
    """Return the program with every command."""
    app = typer.Typer(
        name="koipond",
        help="Run a brand's private domain: facts, layers, plans, touches, proof.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings=HELP,
    )

    @app.callback()
    def workspace(
        context: typer.Context,
        folder: Annotated[Path, typer.Option("-C", metavar="DIR", help="The workspace folder.")] = Path(),
        _version: Annotated[
            bool, typer.Option("--version", is_eager=True, callback=_say_version, help="Print the version.")
        ] = False,
    ) -> None:
        context.obj = folder

    for name in COMMANDS:
        import_module(f"koipond.cli.{name}").register(app)
    return app


INTERNAL = 70
"""Exit code of a mistake of ours (EX_SOFTWARE of sysexits.h)."""
_STDOUT = 1
PRIVATE = 0o077
"""The umask of every command and server: what it writes, its owner alone can read."""
GC_THRESHOLDS = (50_000, 20, 50)
"""Batches are millions of small values without cycles: looking for cycles at Python's own thresholds takes a
quarter of the gate's time (bench/gate.py)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program: 0 done · 1 findings · 2 bad input · 3 refused · 4 busy · 70 ours · 130 cancelled.

    A mistake of ours is one line and ends with 70; its trace stands in the workspace, values covered.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    gc.set_threshold(*GC_THRESHOLDS)
    _hear_log()

    os.umask(PRIVATE)
    as_json = "--json" in given
    speak_for(given, _folder(given))
    try:
        _require_text(given)
        command = typer.main.get_command(build())
        translate_help(command)
        result = command(list(given), prog_name="koipond", standalone_mode=False)
        sys.stdout.flush()
    except KoipondError as error:
        return _report(error, _folder(given), as_json=as_json)
    except (typer.Abort, KeyboardInterrupt):
        result = CancelledError.exit_code
    except BrokenPipeError:
        return _unread()
    except SystemExit as left:
        if isinstance(left.__context__, BrokenPipeError):
            return _unread()
        raise
    except typer.TyperException as error:
        return _misused(error, _folder(given), as_json=as_json)
    except Exception as error:
        return _unexpected(error, _folder(given), as_json=as_json)
    if result == CancelledError.exit_code:  # so the command line library ends a command on Ctrl-C
        return _report(CancelledError("cancelled; nothing is half-written"), _folder(given), as_json=as_json)
    return result if isinstance(result, int) else 0


def _require_text(given: Sequence[str]) -> None:
    for one in given:
        if not one.isascii() and (shown := one.encode("utf-8", "backslashreplace").decode()) != one:
            raise InputError(
                "'{shown}' is no UTF-8 text: rename the file, or write the option anew", shown=shown[:200]
            )


def _hear_log() -> None:
    log = logging.getLogger("koipond")
    if not any(isinstance(one, Notes) for one in log.handlers):
        log.addHandler(Notes())


def _folder(given: Sequence[str]) -> Path:
    """The workspace that ``given`` names; the command line may not have been read yet."""
    named = [value for option, value in pairwise(given) if option == "-C"]
    return Path(named[0]) if named else Path()


def _unread() -> int:
    """Whoever read our answer left, as ``head`` does: the work is done, the interpreter must not complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), _STDOUT)
    return 0


def _misused(error: Exception, folder: Path, *, as_json: bool) -> int:
    wrong = misuse(error)
    note(_covered(heard(wrong), folder))
    if as_json:
        _say_error("usage", _covered(wrong, folder))
    return 2


def _unexpected(error: Exception, folder: Path, *, as_json: bool) -> int:
    from koipond.bootstrap.faults import explained
    from koipond.bootstrap.traces import keep_trace

    if (known := explained(error, folder)) is not None:
        return _report(known, folder, as_json=as_json)
    kept = keep_trace(folder, error)
    where = Message("; its trace is in {kept}", kept=kept) if kept else ""
    what = Message(
        "a mistake of the program ({name}){where}: please report it", name=type(error).__name__, where=where
    )
    note(f"koipond: {heard(what)}")
    if as_json:
        _say_error("internal", what)
    return INTERNAL


def _report(error: KoipondError, folder: Path, *, as_json: bool) -> int:
    said = _covered(heard(error.message), folder)  # a value of a file may be quoted in it
    note(f"koipond: {said}")
    if as_json:
        more: dict[str, object] = {}
        if isinstance(error, FindingsError):
            more["findings"] = [
                {name: _covered(one, folder) if isinstance(one, str) else one for name, one in told.items()}
                for told in (finding.to_dict() for finding in error.findings)
            ]
        _say_error(error.code, said, **more)
    return error.exit_code


def _covered(text: str, folder: Path) -> str:
    """Return ``text`` as it may be shown, whatever was quoted in it."""
    from koipond.bootstrap.region import region_of
    from koipond.ingest.privacy import masked

    text = text.encode("utf-8", "backslashreplace").decode()
    return masked(text, strict=True, region=region_of(folder), taken="all")


def _say_error(code: str, message: str, **more: object) -> None:
    """Print an error as JSON; it has the keys of every answer, null because nothing was read."""
    body = {"error": code, "message": message, **more, "as_of": None, "definition_version": None}
    print(json.dumps(body, ensure_ascii=False))


def entry() -> None:
    """The console script."""
    sys.exit(main())
