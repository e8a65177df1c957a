"""Read a workspace folder: every definition, reference and mistake at once. Reads files, no database."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from koipond.kernel import Finding, InputError, Message, joined, zone
from koipond.rules import Catalog, default_catalog
from koipond.workspace.kinds import KINDS, NOT_YET
from koipond.workspace.lint import lint
from koipond.workspace.model import Definition, Folder, Unresolved
from koipond.workspace.settings import BOOT_KEYS, FILE, BootSettings, WorkspaceSettings
from koipond.workspace.shape import from_body, suggestion, validate
from koipond.workspace.source import Source, read_source

MAX_FILES = 5_000
SUFFIXES = (".yaml", ".yml")


def load_folder(folder: Path) -> Folder:
    """Read the workspace in ``folder``; findings sorted by file and line. Raise InputError without it."""
    if not folder.is_dir():
        raise InputError(
            "there is no folder {folder}; make a workspace with: koipond init {folder}", folder=folder
        )
    settings, settings_source, findings = _settings(folder)
    catalog = default_catalog("CNY")
    if settings is not None:
        catalog = default_catalog(settings.currency, zone(settings.zone))
        catalog = replace(catalog, trait_types=settings.trait_types)
    definitions, unresolved, more = _definitions(folder, catalog)
    loaded = Folder(settings=settings, definitions=definitions, unresolved=tuple(unresolved))
    findings = [*findings, *more, *lint(loaded, settings_source)]
    ordered = sorted(findings, key=lambda f: (f.file, f.line, f.code, f.message))
    return replace(loaded, findings=tuple(ordered))


def load_settings(folder: Path) -> tuple[WorkspaceSettings | None, list[Finding]]:
    """Return `koipond.yaml` alone, None when it is wrong or missing, and what is wrong with it."""
    if not folder.is_dir():
        raise InputError(
            "there is no folder {folder}; make a workspace with: koipond init {folder}", folder=folder
        )
    settings, _, findings = _settings(folder)
    return settings, findings


def load_boot(folder: Path) -> BootSettings:
    """Return where the workspace in ``folder`` is kept, whatever else `koipond.yaml` says.

    Raises InputError when there is no such file, or it does not say that.
    """
    if not folder.is_dir():
        raise InputError(
            "there is no folder {folder}; make a workspace with: koipond init {folder}", folder=folder
        )
    path = folder / FILE
    if not path.exists():
        raise InputError(
            "{folder} is no workspace (it holds no {file}); make one with: koipond init {folder}",
            folder=folder,
            file=FILE,
        )
    source, findings = read_source(path, FILE)
    if source is not None:
        body = {name: value for name, value in source.body.items() if name in BOOT_KEYS}
        boot, findings = validate(BootSettings, replace(source, body=body))
        if boot is not None:
            return boot
    raise InputError(joined("\n", (finding.sentence for finding in findings)))


def settings_from(body: Mapping[str, Any], boot: BootSettings) -> WorkspaceSettings:
    """Return the settings of an applied ``body``, kept where ``boot`` says."""
    applied = from_body(WorkspaceSettings, body)
    return applied.model_copy(update={name: getattr(boot, name) for name in BOOT_KEYS})


def check(folder: Path) -> list[Finding]:
    """Return everything that is wrong with the workspace in ``folder``, warnings included."""
    return list(load_folder(folder).findings)


def _settings(folder: Path) -> tuple[WorkspaceSettings | None, Source | None, list[Finding]]:
    path = folder / FILE
    if not path.exists():
        fix = Message("Make one with: koipond init {folder}", folder=folder)
        missing = Finding(
            file=FILE, line=0, code="missing_file", message=Message("there is no koipond.yaml"), fix=fix
        )
        return None, None, [missing]
    source, findings = read_source(path, FILE)
    if source is None:
        return None, None, findings
    settings, findings = validate(WorkspaceSettings, source)
    return settings, source, findings


def _definitions(
    folder: Path, catalog: Catalog
) -> tuple[dict[tuple[str, str], Definition], list[Unresolved], list[Finding]]:
    definitions: dict[tuple[str, str], Definition] = {}
    unresolved: list[Unresolved] = []
    findings: list[Finding] = []
    for path in _files(folder):
        file = path.relative_to(folder).as_posix()
        definition, found = _one(path, file, path.relative_to(folder).parts[0], catalog)
        findings += found
        if isinstance(definition, Unresolved):
            unresolved.append(definition)
        if not isinstance(definition, Definition):
            continue
        twin = definitions.setdefault((definition.kind, definition.key), definition)
        if twin is not definition and definition.source is not None:
            message = Message("the key '{key}' is also that of {file}", key=definition.key, file=twin.file)
            findings.append(
                definition.source.finding(
                    ("key",), "duplicate_key", message, Message("Rename one of the two")
                )
            )
    return definitions, unresolved, findings


def _files(folder: Path) -> list[Path]:
    found = sorted(
        path
        for path in folder.glob("*/**/*")
        if path.is_file() and not any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
    )
    known = {*KINDS, *NOT_YET}
    ours = [p for p in found if p.relative_to(folder).parts[0] in known or p.suffix in SUFFIXES]
    if len(ours) > MAX_FILES:
        raise InputError(
            "{folder} holds {count} definition files; at most {max_files} are read",
            folder=folder,
            count=len(ours),
            max_files=MAX_FILES,
        )
    return ours


def _one(
    path: Path, file: str, room: str, catalog: Catalog
) -> tuple[Definition | Unresolved | None, list[Finding]]:
    if room in NOT_YET:
        fix = Message("Move it out of the workspace until '{room}/' is supported", room=room)
        return None, [
            _finding(file, "not_supported", Message("'{room}/' is not supported yet", room=room), fix)
        ]
    if room not in KINDS:
        return None, [
            _finding(
                file,
                "unknown_folder",
                Message("no definitions live in '{room}/'", room=room),
                suggestion(room, [*KINDS]),
            )
        ]
    if path.suffix not in SUFFIXES:
        if path.suffix in (".csv", ".md", ".txt"):
            return None, []
        return None, [
            _finding(
                file,
                "not_yaml",
                Message("definitions are YAML files"),
                Message("Save it as .yaml, or move it"),
            )
        ]
    source, findings = read_source(path, file)
    if source is None:
        return None, findings
    definition, findings = KINDS[room].parse(source, catalog)
    if isinstance(definition, Definition) and definition.key != path.stem:
        message = Message("the key '{key}' differs from the file's name", key=definition.key)
        findings = [
            *findings,
            source.finding(
                ("key",), "key_is_not_name", message, Message("Rename to {key}.yaml", key=definition.key)
            ),
        ]
    return definition, findings


def _finding(file: str, code: str, message: str, fix: str) -> Finding:
    return Finding(file=file, line=0, code=code, message=message, fix=fix)


def errors(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that forbid applying."""
    return [finding for finding in findings if finding.severity == "error"]
