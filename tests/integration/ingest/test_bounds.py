"""Amounts beyond 10^13 minor units and offsets beyond 14 hours are put aside, row by row (A36, A45)."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from koipond.kernel import InputError
from koipond.testing.memory import NOW, MemoryWorkspace

HEAD = "user_id,order_id,at,amount,quantity,unit_price,discount\n"
FINE = "1,A,2025-01-01,5.25,1,5.25,0\n"


@pytest.fixture
def space(tmp_path: Path) -> MemoryWorkspace:
    return MemoryWorkspace(tmp_path)


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("1,B,2025-01-01,6222021234567890,1,1,0", "amount"),  # A36 itself
        ("1,B,2025-01-01,-6222021234567890,1,1,0", "amount"),
        ("1,B,2025-01-01,100000000000.01,1,1,0", "amount"),
        ("1,B,2025-01-01,1e12,1,1,0", "amount"),
        ("1,B,2025-01-01,1e400,1,1,0", "amount"),
        ("1,B,2025-01-01,12345678901234567890123456789012345678901234567890,1,1,0", "amount"),
        ("1,B,2025-01-01,,99999999999,99999999999,0", "quantity"),
        ("1,B,2025-01-01,1,1,1,99999999999999999", "discount"),
        ("1,B,2025-01-01,1,99999999999,1,0", "quantity"),
    ],
)
def test_an_amount_beyond_the_bound_is_put_aside_alone(space: MemoryWorkspace, row: str, field: str) -> None:
    result = space.load("orders", space.write("a.csv", HEAD + FINE + row + "\n"))
    assert (result.read, result.kept, dict(result.quarantined)) == (2, 1, {"unparsable": 1})
    assert result.samples["unparsable"][0].field == field
    [order] = space.rows("orders", "order_id", "net_fen")
    assert order == {"order_id": "A", "net_fen": 525}


def test_the_bound_itself_is_kept_and_a_sum_beyond_it_is_not(space: MemoryWorkspace) -> None:
    rows = "1,B,2025-01-01,100000000000.00,1,1,0\n" + "2,C,2025-01-01,60000000000,1,,0\n" * 2
    result = space.load("orders", space.write("a.csv", HEAD + rows), keep_repeated=True)
    assert dict(result.quarantined) == {"unparsable": 2}
    assert [row["order_id"] for row in space.rows("orders")] == ["B"]


@pytest.mark.parametrize(
    ("kind", "head", "good", "bad"),
    [
        ("events", "user_id,event,at,amount", "1,v,2025-01-01,5", "1,v,2025-01-01,999999999999"),
        ("products", "sku,price,margin", "a,5,20%", "b,999999999999,30%"),
        ("products", "sku,price,margin", "a,5,20%", "b,5,99999999999%"),
        ("products", "sku,price,margin", "a,5,1", "b,5,999999999999"),
        ("touches", "user_id,channel,at,cost", "1,sms,2025-01-01,1", "1,sms,2025-01-01,999999999999"),
    ],
)
def test_amounts_of_every_kind_have_the_bound(
    space: MemoryWorkspace, kind: str, head: str, good: str, bad: str
) -> None:
    result = space.load(kind, space.write("a.csv", f"{head}\n{good}\n{bad}\n"))  # type: ignore[arg-type]
    assert (result.kept, dict(result.quarantined)) == (1, {"unparsable": 1})


@pytest.mark.parametrize("sign", ["+", "-"])
@pytest.mark.parametrize(
    "offset", ["99:00", "9900", "14:01", "1401", "15:00", "24:00", "24", "23:59", "05:60", "99"]
)
def test_an_offset_that_no_zone_has_is_put_aside(space: MemoryWorkspace, sign: str, offset: str) -> None:
    """A45."""
    for kind, head, row in (
        ("orders", "user_id,order_id,at,amount", "1,A{n},{at},5"),
        ("events", "user_id,event,at", "1,v,{at}"),
        ("consents", "user_id,channel,status,at", "1,sms,yes,{at}"),
    ):
        fine = row.format(n=0, at="2025-01-01T10:00:00+08:00")
        far = row.format(n=1, at=f"2025-01-01T10:00:00{sign}{offset}")
        result = space.load(kind, space.write("a.csv", f"{head}\n{fine}\n{far}\n"))  # type: ignore[arg-type]
        assert (result.kept, dict(result.quarantined)) == (1, {"unparsable": 1})


@pytest.mark.parametrize(
    ("offset", "hours"),
    [("+14:00", -14), ("-12:00", 12), ("-1400", 14), ("+08", -8), ("Z", 0), ("+0545", -5.75)],
)
def test_every_real_offset_is_read(space: MemoryWorkspace, offset: str, hours: float) -> None:
    text = f"user_id,order_id,at,amount\n1,A,2025-01-01T10:00:00{offset},5\n"
    space.load("orders", space.write("a.csv", text))
    [order] = space.rows("orders")
    assert order["at_s"] == 1_735_725_600 + hours * 3_600


@pytest.mark.parametrize(
    ("quantity", "price"),
    [
        ("9" * 400, "1.5"),
        ("1", "9" * 400),
        ("99999999999.1", "99999999999.123456789012345"),
        ("1e18", "1e18"),
        ("0." + "3" * 30, "99999999999." + "3" * 30),
    ],
)
def test_a_factor_of_very_many_digits_is_put_aside_alone(
    space: MemoryWorkspace, quantity: str, price: str
) -> None:
    head = "user_id,order_id,at,quantity,unit_price\n"
    rows = f"1,A,2025-01-01,3,19.98999\n1,B,2025-01-01,{quantity},{price}\n"
    result = space.load("orders", space.write("a.csv", head + rows))
    assert dict(result.quarantined) == {"unparsable": 1}
    assert space.rows("orders", "order_id", "net_fen") == [{"order_id": "A", "net_fen": 5997}]


class SlowClock:
    """A clock on which every look takes ``step``."""

    def __init__(self, step: timedelta) -> None:
        self.step, self.at = step, NOW

    def now(self) -> datetime:
        self.at += self.step
        return self.at


@pytest.mark.parametrize(("seconds", "is_refused"), [(599, False), (601, True)])
def test_a_part_of_a_file_that_takes_too_long_is_given_up(
    tmp_path: Path, seconds: int, is_refused: bool
) -> None:
    space = MemoryWorkspace(tmp_path / "slow", clock=SlowClock(timedelta(seconds=seconds)))
    file = space.write("products.csv", "sku\na\nb\n")
    if not is_refused:
        assert space.load("products", file).kept == 2
        return
    with pytest.raises(InputError, match="2 rows up to row 3 took 601 s; at most 600 s"):
        space.load("products", file)
    assert space.rows("imports") == []
