"""When to try again after a refusal (退避重试): exponential, with jitter equal in every run. Pure."""

import hashlib

_JITTER_PARTS = 1_000


def retry_delay_s(key: str, attempts: int, retry_s: int) -> int:
    """Return the wait after attempt number ``attempts``, 1 for the first.

    ``retry_s`` doubled each time, plus up to half of that by a hash of key and attempt, so that a refused
    batch does not come back as one.
    """
    base = retry_s << max(0, attempts - 1)
    digest = hashlib.blake2b(f"{key}|{attempts}".encode(), digest_size=4).digest()
    return base + base * (int.from_bytes(digest) % _JITTER_PARTS) // (2 * _JITTER_PARTS)
