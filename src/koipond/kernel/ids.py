"""Opaque ids, content fingerprints and the hash that draws arms."""

import hashlib
import json
import uuid
from typing import Any

BUCKETS = 10_000
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def new_uid() -> str:
    """Return a new opaque 32-character id (time-ordered ids would leak when a customer joined)."""
    return uuid.uuid4().hex


def stable_json(value: Any) -> str:
    """Return ``value`` as JSON that is the same for equal values: sorted keys, no spaces, no escapes."""
    return _ENCODER.encode(value)


def fingerprint(value: Any) -> str:
    """Return the first 16 hex digits of the SHA-256 of ``stable_json(value)``."""
    return hashlib.sha256(stable_json(value).encode()).hexdigest()[:16]


def hash_bucket(salt: str, scope: str, customer_uid: str) -> int:
    """Return 0..9999: ``int(md5(f"{salt}|{scope}|{customer_uid}")[0:8], 16) mod 10,000``.

    The same on every machine and engine (science D6); not a secret, hence md5.
    """
    digest = hashlib.md5(f"{salt}|{scope}|{customer_uid}".encode(), usedforsecurity=False).hexdigest()
    return int(digest[:8], 16) % BUCKETS
