"""Which column says who somebody is, by its values (按值识人): advice, never taken untold (U11)."""

from collections.abc import Callable, Mapping

from koipond.ingest.people import normal_phone
from koipond.ingest.ports import RowSource
from koipond.ingest.spellings import normal_email

_LOOKED_AT = 500
_SHARE = 0.8


def person_looks(rows: RowSource, region: str) -> Mapping[str, str]:
    """Return phone, email → the first column of whose first values most are one."""
    for batch in rows.batches(list(rows.columns)):
        few = batch.slice(0, _LOOKED_AT)
        kinds: tuple[tuple[str, Callable[[str], object]], ...] = (
            ("phone", lambda text: normal_phone(text, region)),
            ("email", normal_email),
        )
        return {
            kind: column
            for kind, is_one in kinds
            if (column := _first(few.to_pydict(), rows.columns, is_one)) is not None
        }
    return {}


def _first(
    values: Mapping[str, list[str | None]], columns: tuple[str, ...], is_one: Callable[[str], object]
) -> str | None:
    for column in columns:
        texts = [text for text in values[column] if text]
        if texts and sum(is_one(text) is not None for text in texts) >= _SHARE * len(texts):
            return column
    return None
