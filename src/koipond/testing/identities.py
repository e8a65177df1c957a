"""An in-memory `IdentityStore`: links by shop id, then phone, then e-mail; no keys, no encryption."""

from collections.abc import Sequence
from datetime import datetime

from koipond.facts.people import PersonKeys, PersonRef
from koipond.kernel import fingerprint


class MemoryIdentities:
    """Customers of one process, numbered from 1 in the order in which they are first met."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], PersonRef] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def resolve(self, people: Sequence[PersonKeys], now: datetime) -> list[PersonRef]:  # noqa: ARG002
        return [self._resolve(person) for person in people]

    def blind(self, text: str) -> str:
        return "id:" + fingerprint(["blind", text])[:32]

    def _resolve(self, person: PersonKeys) -> PersonRef:
        keys = _keys(person)
        found = next((self._known[key] for key in keys if key in self._known), None)
        if found is None:
            self._count += 1
            found = PersonRef(self._count, fingerprint(["customer", self._count]))
        for key in keys:
            self._known.setdefault(key, found)
        return found


def _keys(person: PersonKeys) -> list[tuple[str, str]]:
    pairs = (
        (f"shop_id:{person.source}", person.shop_id),
        ("phone", person.phone),
        ("email", person.email),
    )
    return [(kind, value) for kind, value in pairs if value]
