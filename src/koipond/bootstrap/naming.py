"""What the brand calls things, read off the applied definitions and settings."""

from collections.abc import Iterable, Mapping

from koipond.rules.labels import LANGS
from koipond.rules.titles import Titles
from koipond.store import AppliedDefinition
from koipond.workspace.settings import WorkspaceSettings


def titles_of(applied: Iterable[AppliedDefinition], settings: WorkspaceSettings) -> Titles:
    """Return the names that are given, and every declared trait."""
    named: dict[tuple[str, str], Mapping[str, str]] = {}
    for one in applied:
        names = one.body.get("name")
        if isinstance(names, Mapping) and names:
            named[one.kind, one.key] = {str(lang): str(text) for lang, text in names.items()}
        if one.kind == "tag":
            for value in one.body.get("tags", ()):
                if value.get("name"):
                    named["tag value", f"{one.key}:{value['value']}"] = value["name"]
    for key, trait in settings.traits.items():
        named["trait", key] = dict.fromkeys(LANGS, trait.title or key)
    return named
