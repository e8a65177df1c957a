"""The program `koipond`: global options, one place that turns errors into exit codes."""

import gc
import json
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from koipond.cli.reply import note
from koipond.kernel import FindingsError, KoipondError

COMMANDS: tuple[str, ...] = (
    "init",
    "importing",
    "quality",
    "refreshing",
    "layers",
    "segments",
    "definitions",
    "planning",
    "sending",
    "explaining",
    "reporting",
    "rehearsing",
    "verifying",
    "serving",
    "keeping",
    "grouping",
)
"""Modules below `koipond.cli`, each with a function `register(app)`; order = order in the help."""


def build() -> typer.Typer:
    """Return the program with every command."""
    app = typer.Typer(
        name="koipond",
        help="Run a brand's private domain: facts, layers, plans, touches, proof.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def workspace(
        context: typer.Context,
        folder: Annotated[Path, typer.Option("-C", metavar="DIR", help="The workspace folder.")] = Path(),
    ) -> None:
        context.obj = folder

    for name in COMMANDS:
        import_module(f"koipond.cli.{name}").register(app)
    return app


GC_THRESHOLDS = (50_000, 20, 50)
"""Batches are millions of small values without cycles: looking for cycles at Python's own thresholds takes a
quarter of the gate's time (bench/gate.py)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return 0 done · 1 findings · 2 bad input · 3 refused · 4 busy · 130 cancelled."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    gc.set_threshold(*GC_THRESHOLDS)
    try:
        result = build()(given, standalone_mode=False)
    except KoipondError as error:
        return _report(error, as_json="--json" in given)
    except (typer.Abort, KeyboardInterrupt):
        return _cancelled()
    except typer.TyperException as error:
        if show := getattr(error, "show", None):
            show(sys.stderr)
        else:
            note(str(error))
        if "--json" in given:
            print(json.dumps({"error": "usage", "message": str(error)}, ensure_ascii=False))
        return 2
    return result if isinstance(result, int) else 0


def _cancelled() -> int:
    note("cancelled; nothing is half-written")
    return 130


def _report(error: KoipondError, *, as_json: bool) -> int:
    note(f"koipond: {error}")
    if as_json:
        body: dict[str, object] = {"error": error.code, "message": str(error)}
        if isinstance(error, FindingsError):
            body["findings"] = [finding.to_dict() for finding in error.findings]
        print(json.dumps(body, ensure_ascii=False))
    return error.exit_code


def entry() -> None:
    """The console script."""
    sys.exit(main())
