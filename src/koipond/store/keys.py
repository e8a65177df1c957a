"""Keys of the identifiers (密钥): a 0600 file outside the workspace folder, or the environment.

Each key id holds one random secret; the look-up key and the encryption key are derived from it (HKDF,
RFC 5869). States: ``active`` writes; ``retiring`` is still looked up while `rotate` rewrites its rows;
``retired`` only opens old backups. Losing the file loses every address: `doctor` warns until a backup is
confirmed.
"""

import base64
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from koipond.kernel import InputError

KeyState = Literal["active", "retiring", "retired"]
ENVIRONMENT = "KOIPOND_KEYS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One secret of 32 bytes and what it may be used for."""

    key_id: str
    secret: bytes
    state: KeyState

    def derived(self, purpose: bytes) -> bytes:
        """Return the 32-byte key for ``purpose``."""
        return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"koipond " + purpose).derive(
            self.secret
        )

    def __repr__(self) -> str:
        return f"Key({self.key_id}, {self.state})"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRing:
    """The keys of one workspace. ``file`` None: given by the environment, or kept in memory."""

    keys: tuple[Key, ...]
    backup_confirmed_at: str | None = None
    file: Path | None = None

    @property
    def active(self) -> Key:
        """The key that new rows are written with."""
        return next(key for key in self.keys if key.state == "active")

    @property
    def oldest(self) -> Key:
        """The first key there ever was; retired ones are kept, so it stays the same."""
        return min(self.keys, key=lambda key: int(key.key_id.removeprefix("k")))

    @property
    def live(self) -> tuple[Key, ...]:
        """The keys a look-up must try, the active one first."""
        return (self.active, *(key for key in self.keys if key.state == "retiring"))

    def find(self, key_id: str) -> Key:
        """Return the key called ``key_id``; raise InputError when it is not here."""
        for key in self.keys:
            if key.key_id == key_id:
                return key
        raise InputError(
            "the store holds rows of key '{key_id}', which the key file lacks; restore its backup",
            key_id=key_id,
        )


def key_file(workspace_id: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Return where the keys of ``workspace_id`` are kept: outside the workspace folder."""
    home = environ.get("XDG_CONFIG_HOME") or str(Path(environ.get("HOME", "~")).expanduser() / ".config")
    return Path(home) / "koipond" / "keys" / f"{workspace_id}.json"


def load_keys(workspace_id: str, environ: Mapping[str, str] = os.environ, *, make: bool = True) -> KeyRing:
    """Return the keys from the environment or the file, making the file when there is none.

    ``make`` False: new keys are not written yet, so that a workspace whose keys are lost does not get others
    unnoticed. Raises InputError when they cannot be read, or when others may read the file.
    """
    given = environ.get(ENVIRONMENT)
    if given:
        return _parse(given, None)
    file = key_file(workspace_id, environ)
    if not file.exists():
        ring = KeyRing(keys=(_new_key("k1"),), file=file)
        return save_keys(ring) if make else ring
    if file.stat().st_mode & 0o077:
        raise InputError("other users can read the keys in {file}; run: chmod 600 {file}", file=file)
    return _parse(file.read_text(encoding="utf-8"), file)


def memory_keys(seed: bytes | None = None) -> KeyRing:
    """Return keys that are kept nowhere, for rehearsals and tests."""
    secret = seed.ljust(32, b"\0")[:32] if seed is not None else os.urandom(32)
    return KeyRing(keys=(Key(key_id="k1", secret=secret, state="active"),))


def save_keys(ring: KeyRing) -> KeyRing:
    """Write ``ring`` to its file, synced, readable by its owner alone. Raises InputError without a file."""
    file = ring.file
    if file is None:
        raise InputError("the keys come from {environment}; change them there", environment=ENVIRONMENT)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    body = {
        "active": ring.active.key_id,
        "keys": {
            key.key_id: {"secret": base64.b64encode(key.secret).decode(), "state": key.state}
            for key in ring.keys
        },
        "backup_confirmed_at": ring.backup_confirmed_at,
    }
    fresh = file.with_suffix(".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        json.dump(body, out, indent=1)
        out.flush()
        os.fsync(out.fileno())
    os.replace(fresh, file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the store is about to name a key that only this file holds
    finally:
        os.close(folder)
    return ring


@contextmanager
def newest_ring(ring: KeyRing) -> Iterator[KeyRing]:
    """Yield what the file of ``ring`` holds now, and let nobody else change the file meanwhile.

    Whoever writes the file begins here: a ring that was read before another process made a key must not be
    written over that key, with which addresses are encrypted by now.
    """
    if ring.file is None or not ring.file.exists():
        yield ring
        return
    handle = os.open(ring.file.with_suffix(".lock"), os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)  # ends with the process
        yield _parse(ring.file.read_text(encoding="utf-8"), ring.file)
    finally:
        os.close(handle)


def with_new_key(ring: KeyRing) -> KeyRing:
    """Return ``ring`` with a new active key; the former one is retiring, the backup no longer confirmed."""
    number = 1 + max(int(key.key_id.removeprefix("k")) for key in ring.keys)
    older = tuple(replace(key, state="retiring") if key.state == "active" else key for key in ring.keys)
    return replace(ring, keys=(*older, _new_key(f"k{number}")), backup_confirmed_at=None)


def with_retired(ring: KeyRing) -> KeyRing:
    """Return ``ring`` after every row was rewritten: retiring keys only open old backups now."""
    keys = tuple(replace(key, state="retired") if key.state == "retiring" else key for key in ring.keys)
    return replace(ring, keys=keys)


def confirm_backup(ring: KeyRing, now: datetime) -> KeyRing:
    """Record that the operator keeps a copy of the key file elsewhere."""
    with newest_ring(ring) as newest:
        return save_keys(replace(newest, backup_confirmed_at=now.isoformat()))


def _new_key(key_id: str) -> Key:
    return Key(key_id=key_id, secret=os.urandom(32), state="active")


def _parse(text: str, file: Path | None) -> KeyRing:
    place = str(file) if file else ENVIRONMENT
    try:
        body = json.loads(text)
        keys = tuple(
            Key(key_id=name, secret=base64.b64decode(entry["secret"], validate=True), state=entry["state"])
            for name, entry in body["keys"].items()
        )
        confirmed = body.get("backup_confirmed_at")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            "the keys in {place} cannot be read; restore them from their backup", place=place
        ) from error
    active = [key for key in keys if key.state == "active"]
    if len(active) != 1 or any(len(key.secret) != 32 for key in keys):
        raise InputError(
            "the keys in {place} are incomplete: one active key of 32 bytes is needed", place=place
        )
    return KeyRing(keys=keys, backup_confirmed_at=confirmed, file=file)
