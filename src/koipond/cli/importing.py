"""`koipond import KIND FILE…`: facts from files."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from koipond.cli.import_report import import_text, keeps_nothing, unkept
from koipond.cli.reply import JsonFlag, note, parse_pairs, say
from koipond.kernel import BusyError, CancelledError, InputError, KoipondError, Message, joined, phrase

if TYPE_CHECKING:
    from koipond.bootstrap import App
    from koipond.ingest.joined_rows import JoinedRows
    from koipond.ingest.model import ImportRequest, Progress

WAIT_S = 60


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(name="import", help="Import orders | events | products | customers | consents | touches.")
    def import_(
        context: typer.Context,
        kind: Annotated[str, typer.Argument(metavar="KIND")],
        files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="CSV, Parquet, JSONL or Excel.")],
        maps: Annotated[
            list[str] | None,
            typer.Option("--map", metavar="FIELD=COLUMN", help="Where a field stands; once per field."),
        ] = None,
        source: Annotated[str, typer.Option(help="Which shop or system: scopes its ids.")] = "default",
        decimal: Annotated[str | None, typer.Option(help="Decimal mark, when it cannot be told.")] = None,
        thousands: Annotated[str | None, typer.Option(help="Thousands mark, when it cannot be told.")] = None,
        date_format: Annotated[
            str | None,
            typer.Option(help="dmy, mdy, ymd or a pattern such as %d.%m.%Y, when it cannot be told."),
        ] = None,
        statuses: Annotated[
            list[str] | None,
            typer.Option(
                "--status", metavar="VALUE=STATUS", help="paid pending cancelled refunded partially_refunded."
            ),
        ] = None,
        keep: Annotated[
            list[str] | None, typer.Option(help="Property to keep although it looks like an identifier.")
        ] = None,
        keep_repeated: Annotated[
            bool,
            typer.Option("--keep-repeated", help="Rows of orders that repeat another to the letter count."),
        ] = False,
        verified: Annotated[bool, typer.Option(help="Phones and e-mails were proven.")] = False,
        encoding: Annotated[str | None, typer.Option(help="Default: detected.")] = None,
        delimiter: Annotated[str | None, typer.Option(help="Default: detected.")] = None,
        sheet: Annotated[str | None, typer.Option(help="Of a workbook; default: the first.")] = None,
        join: Annotated[
            Path | None,
            typer.Option(metavar="LINES", help="Lines of the orders, when FILE holds their heads alone."),
        ] = None,
        join_on: Annotated[
            str | None,
            typer.Option(
                metavar="COLUMN=COLUMN", help="Order number in FILE and in LINES; default: by name."
            ),
        ] = None,
        join_sheet: Annotated[
            str | None, typer.Option(help="Of the workbook of lines; default: the first.")
        ] = None,
        wait_s: Annotated[
            int | None,
            typer.Option(
                "--wait", metavar="SECONDS", min=0, help="For another writer; consents wait a minute."
            ),
        ] = None,
        as_json: JsonFlag = False,
    ) -> None:
        from koipond.bootstrap import open_app
        from koipond.ingest.model import ImportRequest
        from koipond.sources import open_file

        on = _join_columns(files, join, join_on, join_sheet)
        request = ImportRequest(
            kind=kind,  # type: ignore[arg-type]  # checked by the request
            source=source,
            mapping=parse_pairs(maps, "--map"),
            decimal=decimal,
            thousands=thousands,
            date_format=date_format,
            statuses=parse_pairs(statuses, "--status"),
            declared=frozenset(keep or ()),
            keep_repeated=keep_repeated,
            verified=verified,
        )
        with open_app(context.obj) as app:
            request = replace(request, trait_types=app.settings.trait_types)
            options = {"encoding": encoding, "delimiter": delimiter, "sheet": sheet}
            rows: list[Callable[[], Any]] = [
                partial(open_file, path, region=app.settings.region, **options) for path in files
            ]
            if join is not None:
                lines = partial(
                    open_file, join, region=app.settings.region, **options | {"sheet": join_sheet}
                )
                rows = [partial(_joined_rows, rows[0], lines, on)]
            results, refused = _import_all(app, request, rows, _longest_s(kind, wait_s))
            app.clock.forget()
            if kind == "customers":
                _tell_flags(app)
            data = {**total(results), "refused": _refused(files, refused), **app.stamp()}
        say(data, lambda: "\n\n".join(import_text(one) for one in results), as_json=as_json)
        for one in results:
            if strange := one.get("unrecognised_events"):
                note(strange_events(one["file"], strange))
        if faults := [fault for one in results for fault in unkept(one)]:
            note("\n".join(faults))
        if refused:
            note("\n".join(f"{files[place]}: {error}" for place, error in refused.items()))
            raise typer.Exit(_exit_code(refused))
        if faults:
            raise typer.Exit(2 if any(map(keeps_nothing, results)) else 1)


def _join_columns(
    files: Sequence[Path], join: Path | None, on: str | None, sheet: str | None
) -> tuple[str, str] | None:
    """Return the columns that --join-on names; raise InputError for options that do not go together."""
    if join is None and (on is not None or sheet is not None):
        raise InputError("--join-on and --join-sheet say how LINES are read: pass --join LINES too")
    if join is not None and len(files) > 1:
        raise InputError("--join takes one file of heads and one of lines: import each pair by itself")
    if on is None:
        return None
    head, equals, line = on.partition("=")
    if not (head and equals and line):
        raise InputError("--join-on {on}: write HEADCOLUMN=LINECOLUMN", on=on)
    return head, line


def _joined_rows(
    heads: Callable[[], Any], lines: Callable[[], Any], on: tuple[str, str] | None
) -> "JoinedRows":
    from koipond.ingest.joined_rows import JoinedRows

    return JoinedRows(heads(), lines(), on=on)


def _tell_flags(app: "App") -> None:
    """Let what waits know at once who is staff or a minor."""
    from koipond.worker.flags import tell_flags

    with app.warehouse.read() as reader:
        if reader.has("customers"):
            tell_flags(app, reader)


def total(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the sums over ``results``, and each of them under ``files``."""
    quarantined: Counter[str] = Counter()
    flagged: Counter[str] = Counter()
    for one in results:
        quarantined.update(one["quarantined"])
        flagged.update(one["flagged"])
    return {
        "read": sum(one["read"] for one in results),
        "kept": sum(one["kept"] for one in results),
        "quarantined": dict(quarantined),
        "flagged": dict(flagged),
        "files": list(results),
    }


def _longest_s(kind: str, asked_s: int | None) -> int:
    """Return how long to wait for another writer: nobody should have to say a no twice."""
    return (WAIT_S if kind == "consents" else 0) if asked_s is None else asked_s


def _import_all(
    app: "App", request: "ImportRequest", rows: Sequence[Callable[[], Any]], wait_s: float
) -> tuple[list[dict[str, Any]], dict[int, KoipondError]]:
    """Import each file; return the results, and why the files at which places were refused.

    A file that is refused hides no other. Of consents every file is heard, also when one has to wait for the
    warehouse. Raises what a file was refused for when none was imported.
    """
    from koipond.bootstrap.faults import explained

    results: list[dict[str, Any]] = []
    refused: dict[int, KoipondError] = {}
    for place, opened in enumerate(rows):
        try:
            results.append(_import(app, request, opened(), wait_s))
        except CancelledError:
            raise
        except Exception as error:
            known = error if isinstance(error, KoipondError) else explained(error, app.folder)
            if known is None:
                raise
            refused[place] = known
            if isinstance(known, BusyError):
                wait_s = 0
                if request.kind != "consents":
                    break
    if refused and not results:
        raise _joined(list(refused.values()))
    return results, refused


def _joined(errors: Sequence[KoipondError]) -> KoipondError:
    """Return one error that says all of ``errors``; a wait for others is the least of them."""
    worst = min(errors, key=lambda error: (isinstance(error, BusyError), error.exit_code))
    if len(errors) == 1:
        return worst
    said = "\n".join(map(str, errors))
    return BusyError(said) if isinstance(worst, BusyError) else InputError(said, code=worst.code)


def _exit_code(refused: Mapping[int, KoipondError]) -> int:
    return BusyError.exit_code if all(isinstance(one, BusyError) for one in refused.values()) else 2


def _refused(files: Sequence[Path], refused: Mapping[int, KoipondError]) -> list[dict[str, str]]:
    return [
        {"file": str(files[place]), "error": error.code, "message": str(error)}
        for place, error in refused.items()
    ]


def _import(app: "App", request: "ImportRequest", rows: Any, wait_s: float) -> dict[str, Any]:
    from koipond.bootstrap.clock import Patience
    from koipond.ingest import import_file

    with _bar(rows.file) as progress:
        result = import_file(
            request,
            rows=rows,
            warehouse=app.warehouse,
            identities=app.store.identity,
            journal=app.store.imports,
            clock=app.machine,
            zone=app.zone,
            currency=app.settings.currency,
            consents=app.store.consents,
            touches=app.store.touches,
            rules=app.quality_rules,
            region=app.settings.region,
            flags=app.store.people,
            erased=app.store.erasure.erased,
            patience=Patience(note, wait_s) if wait_s else None,
            progress=progress,
        )
    answer = result.to_dict()
    if request.kind == "events":
        answer["unrecognised_events"] = _unrecognised(app, result.import_no)
    return answer


def _unrecognised(app: "App", import_no: int) -> dict[str, int]:
    from koipond.segments.layers.event_names import unrecognised

    with app.warehouse.read() as reader:
        return unrecognised(reader, import_no, app.layers.aipl.event_names)


def strange_events(file: str, names: Mapping[str, int]) -> str:
    """Return what to do when no event name of ``file`` means anything to the layers."""
    shown = joined(
        ", ", [Message("{name} ({count:,})", name=name, count=count) for name, count in names.items()]
    )
    return phrase(
        "{file}: none of its event names means anything to AIPL and lifecycle yet: {shown}.\n"
        "Say in koipond.yaml which count as what, such as 'events: {{browse: [home], active: "
        "[basket], purchase: [paid]}}', then: koipond apply, koipond refresh. Known names: "
        "docs/reference/layers.md",
        file=file,
        shown=shown,
    )


@contextmanager
def _bar(name: str) -> Iterator["Progress"]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None)

        def report(rows: int, done_bytes: int, total_bytes: int) -> None:
            bar.update(
                task,
                completed=done_bytes,
                total=total_bytes,
                description=phrase("{name} {rows:,} rows", name=name, rows=rows),
            )

        yield report
