"""`koipond import KIND FILE…`: facts from files."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from koipond.cli.reply import JsonFlag, note, say
from koipond.kernel import InputError

if TYPE_CHECKING:
    from koipond.bootstrap import App
    from koipond.ingest.model import ImportRequest, Progress

_SAMPLES_SHOWN = 3


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
            str | None, typer.Option(help="dmy, mdy, ymd or a strptime pattern, when it cannot be told.")
        ] = None,
        statuses: Annotated[
            list[str] | None,
            typer.Option("--status", metavar="VALUE=STATUS", help="paid, pending, cancelled or refunded."),
        ] = None,
        keep: Annotated[
            list[str] | None, typer.Option(help="Property to keep although it looks like an identifier.")
        ] = None,
        verified: Annotated[bool, typer.Option(help="Phones and e-mails were proven.")] = False,
        encoding: Annotated[str | None, typer.Option(help="Default: detected.")] = None,
        delimiter: Annotated[str | None, typer.Option(help="Default: detected.")] = None,
        sheet: Annotated[str | None, typer.Option(help="Of a workbook; default: the first.")] = None,
        as_json: JsonFlag = False,
    ) -> None:
        from koipond.bootstrap import open_app
        from koipond.ingest.model import ImportRequest
        from koipond.sources import open_file

        request = ImportRequest(
            kind=kind,  # type: ignore[arg-type]  # checked by the request
            source=source,
            mapping=_pairs(maps, "--map"),
            decimal=decimal,
            thousands=thousands,
            date_format=date_format,
            statuses=_pairs(statuses, "--status"),
            declared=frozenset(keep or ()),
            verified=verified,
        )
        rows = [open_file(path, encoding=encoding, delimiter=delimiter, sheet=sheet) for path in files]
        with open_app(context.obj) as app:
            results = [_import(app, request, one) for one in rows]
            app.clock.forget()
            if kind == "customers":
                _tell_flags(app)
            data = {**total(results), **app.stamp()}
        say(data, lambda: "\n\n".join(_text(one) for one in results), as_json=as_json)
        for one in results:
            if strange := one.get("unrecognised_events"):
                note(strange_events(one["file"], strange))


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


def _import(app: "App", request: "ImportRequest", rows: Any) -> dict[str, Any]:
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
    shown = ", ".join(f"{name} ({count:,})" for name, count in names.items())
    return (
        f"{file}: none of its event names means anything to AIPL and lifecycle yet: {shown}.\n"
        "Say in koipond.yaml which count as what, such as 'events: {browse: [home], active: [basket],"
        " purchase: [paid]}', then: koipond refresh. Known names: docs/reference/layers.md"
    )


@contextmanager
def _bar(name: str) -> Iterator["Progress"]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None)

        def report(rows: int, done_bytes: int, total_bytes: int) -> None:
            bar.update(task, completed=done_bytes, total=total_bytes, description=f"{name} {rows:,} rows")

        yield report


def _pairs(given: list[str] | None, option: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    wrong = []
    for text in given or ():
        name, equals, value = text.partition("=")
        if not equals or not name or name in pairs:
            wrong.append(text)
        pairs[name.strip()] = value.strip()
    if wrong:
        raise InputError(f"{option} {', '.join(wrong)}: write NAME=VALUE, each name once")
    return pairs


def _text(result: Mapping[str, Any]) -> str:
    mapped = ", ".join(f"{field}={column}" for field, column in result["mapping"].items())
    lines = [
        f"{result['file']}: {result['read']:,} rows read, {result['kept']:,} kept",
        f"  columns: {mapped}",
        *[f"  read as: {name} {how}" for name, how in result["formats"].items()],
        *[f"  {name.replace('_', ' ')}: {count:,}" for name, count in result["changes"].items() if count],
        *[f"  {name.replace('_', ' ')}: {count:,}" for name, count in result["notes"].items() if count],
    ]
    for rule, count in result["quarantined"].items():
        if not count:
            continue
        lines.append(f"  put aside, {rule}: {count:,}")
        for sample in result["samples"].get(rule, [])[:_SAMPLES_SHOWN]:
            values = ", ".join(f"{name}={value}" for name, value in sample["values"].items())
            lines.append(f"    row {sample['row']}: {sample['field']} ({values})")
    if result["repeated"]:
        lines.append("  this file was imported before; nothing changed")
    return "\n".join(lines)
