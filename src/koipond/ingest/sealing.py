"""Texts that say who somebody is, sealed for the time of one import: no engine ever holds them in clear.

Equal texts have equal seals (AES-SIV, RFC 5297), so the engine can group and join them; the key is drawn anew
for each import and kept nowhere. What an engine spills to disk therefore holds no identifier.
"""

import os
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable

_KEY_BYTES = 32
_KEPT_MAX = 200_000


class Seal:
    """The seals of one import."""

    def __init__(self) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV

        self._cipher = AESSIV(os.urandom(_KEY_BYTES))
        self._kept: dict[str, str] = {}

    def close_all(self, texts: Iterable[str]) -> list[str]:
        """Return the seal of each of ``texts``."""
        return [self._kept.get(text) or self._close(text) for text in texts]

    def open(self, seal: str) -> str:
        """Return the text under ``seal``."""
        return self._cipher.decrypt(a2b_base64(seal), None).decode()

    def _close(self, text: str) -> str:
        seal = b2a_base64(self._cipher.encrypt(text.encode(), None), newline=False).decode("ascii")
        if len(self._kept) < _KEPT_MAX:
            self._kept[text] = seal
        return seal
