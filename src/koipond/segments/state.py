"""What a refresh published (分层版本): the day, the definitions and the frozen numbers behind the profile."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from koipond.facts.ports import Reader
from koipond.segments.layers.scalars import Scalars

META_KEY = "layers"
BASE = "base"
PROFILE = "profile"
MOVEMENTS = "movements"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The state behind the published profile. ``mark``: facts written after it are not in it yet."""

    as_of: int
    scalars: Scalars
    mark: int

    @property
    def definition_version(self) -> str:
        """The fingerprint of the definitions it follows."""
        return self.scalars.definition_version

    def to_json(self) -> dict[str, Any]:
        """Return plain values for the manifest."""
        return {"as_of": self.as_of, "scalars": self.scalars.to_json(), "mark": self.mark}

    @staticmethod
    def from_json(body: Mapping[str, Any]) -> "Published":
        """Read what `to_json` wrote."""
        scalars = Scalars.from_json(body["scalars"])
        return Published(as_of=int(body["as_of"]), scalars=scalars, mark=int(body["mark"]))


def published(reader: Reader) -> Published | None:
    """Return what the last refresh published, or None."""
    body = reader.meta(META_KEY)
    return None if body is None else Published.from_json(body)
