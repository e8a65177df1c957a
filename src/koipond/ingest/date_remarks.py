"""What an import says of dates that are hardly dates (日期存疑): null dates, and years long gone."""

from koipond.facts.ports import IbisTable, Reader
from koipond.kernel import Message, from_epoch_day

_DOUBTFUL_BEFORE = 7_305  # 1990-01-01: hardly a shop has facts of that age


def remarks_on_dates(reader: Reader, raw: IbisTable, judged: IbisTable) -> tuple[Message, ...]:
    """Return what is to be said of the column ``at`` of a file: ``raw`` its texts, ``judged`` its rows."""
    if "at" not in raw.columns or "day" not in judged.columns:
        return ()
    untimed = judged.filter(judged["rule"] == "missing_at").select("row")
    texts = raw.filter(raw["at"].notnull()).select("row", "at").semi_join(untimed, "row")
    old = judged.filter(judged["rule"].isnull() & (judged["day"] < _DOUBTFUL_BEFORE))
    none = reader.frame(
        texts.agg(n=texts.count(), row=texts["row"].min(), text=texts["at"].argmin(texts["row"]))
    ).to_pylist()[0]
    early = reader.frame(
        old.agg(n=old.count(), row=old["row"].min(), day=old["day"].argmin(old["row"]))
    ).to_pylist()[0]
    found = []
    if none["n"]:
        found.append(
            Message(
                "{n:,} rows have a date that stands for none (row {row} '{text}') and are put aside: write "
                "the real date, or take these rows out of the file",
                **none,
            )
        )
    if early["n"]:
        found.append(
            Message(
                "{n:,} rows lie before 1990 (the first in row {row}: {day}) and count: if that is not when "
                "it was, mend the date in the file and import it again",
                n=early["n"],
                row=early["row"],
                day=from_epoch_day(early["day"]).isoformat(),
            )
        )
    return tuple(found)
