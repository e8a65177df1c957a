"""Plain values of the JSON form, each of the kind it must be; else InputError."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from koipond.kernel import InputError

Word = TypeVar("Word", bound=str)


def only(data: Mapping[str, Any], word: str) -> None:
    """Refuse members beside ``word``."""
    if len(data) != 1:
        raise InputError(
            "'{word}' stands alone, not beside {data}", word=word, data=", ".join(sorted(set(data) - {word}))
        )


def a_list(data: Any) -> list[Any]:
    """Return ``data``, which must be a list."""
    if not isinstance(data, list | tuple):
        raise InputError("a list was expected, not {data!r}", data=data)
    return list(data)


def a_text(data: Any) -> str:
    """Return ``data``, which must be a text."""
    if not isinstance(data, str):
        raise InputError("a text was expected, not {data!r}", data=data)
    return data


def a_word(data: Any, known: Sequence[Word]) -> Word:
    """Return ``data``, which must be one of ``known``."""
    for word in known:
        if data == word:
            return word
    raise InputError("no '{data}' here: use {known}", data=data, known=", ".join(map(str, known)))


def a_whole(data: Any) -> int:
    """Return ``data``, which must be a whole number."""
    if not isinstance(data, int) or isinstance(data, bool):
        raise InputError("a whole number was expected, not {data!r}", data=data)
    return data


def below(path: str, place: int) -> str:
    """Return the path of the part at ``place`` of the node at ``path``."""
    return f"{path}.{place}" if path else str(place)
