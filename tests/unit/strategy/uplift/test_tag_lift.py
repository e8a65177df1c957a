import json
from typing import Any

import numpy as np
import pytest

import koipond
from koipond.frames import Result
from koipond.kernel import InputError
from koipond.strategy.uplift import tag_lift

TAGS = ["mother", "echo", "copy", "noise", "rare"]


def brand(seed: int = 0, customers: int = 10_000) -> dict[str, Any]:
    """Return customers of whom only ``mother`` says anything; ``echo`` and ``copy`` go with it."""
    rng = np.random.default_rng(seed)
    mother = rng.random(customers) < 0.3
    copy = mother ^ (np.arange(customers) < 20)
    return {
        "mother": mother,
        "echo": np.where(rng.random(customers) < 0.6, mother, rng.random(customers) < 0.3),
        "copy": copy,
        "noise": rng.random(customers) < 0.5,
        "rare": np.arange(customers) < 10,
        "bought": (rng.random(customers) < 0.1 + 0.1 * mother).astype(int),
    }


def test_a_tag_that_only_goes_with_another_adds_nothing() -> None:
    found = {tag.tag: tag for tag in tag_lift(brand(), TAGS, "bought", useful=0.03).tags}
    assert found["mother"].decision == "keep"
    assert found["mother"].low is not None
    assert found["mother"].high is not None
    assert found["mother"].low < 0.1 < found["mother"].high
    assert found["echo"].difference > 0.03  # looks strong by itself
    assert (found["echo"].decision, found["noise"].decision) == ("retire", "retire")
    assert (found["copy"].decision, found["copy"].same_as) == ("duplicate", "mother")
    assert found["rare"].decision == "too few"


def test_the_strongest_tag_comes_first_and_the_unjudged_last() -> None:
    ranked = [tag.tag for tag in tag_lift(brand(), TAGS, "bought").tags]
    assert ranked[0] == "mother"
    assert set(ranked[-2:]) == {"copy", "rare"}


def test_useless_tags_are_kept_rarely() -> None:
    rng = np.random.default_rng(0)
    table = {f"t{i}": rng.random(2_000) < 0.3 for i in range(12)} | {"bought": rng.random(2_000) < 0.2}
    found = tag_lift(table, [f"t{i}" for i in range(12)], "bought")
    assert sum(tag.decision == "keep" for tag in found.tags) <= 1


def test_missing_means_without_and_the_result_follows_the_protocol() -> None:
    rng = np.random.default_rng(0)
    tag = [True if x < 0.3 else None if x < 0.6 else False for x in rng.random(500)]
    found = tag_lift(
        {"t": tag, "u": rng.random(500) < 0.5, "bought": rng.random(500) < 0.3}, ["t", "u"], "bought"
    )
    assert next(t for t in found.tags if t.tag == "t").customers == sum(x is True for x in tag)
    assert isinstance(found, Result)
    json.dumps([found.to_dict(), found.plot()], allow_nan=False)
    assert "decision" in str(found)


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        (["nothing"], "no column nothing"),
        ([], "0 given"),
        (["mother", "mother"], "named twice"),
        (["amount"], "amount holds values other"),
        (["name"], "column name is string"),
    ],
)
def test_a_bad_tag_is_named(tags: list[str], message: str) -> None:
    table = brand(customers=100) | {"amount": np.arange(100), "name": ["x"] * 100}
    with pytest.raises(InputError, match=message):
        tag_lift(table, tags, "bought")


def test_the_face_offers_it() -> None:
    assert koipond.tag_lift is tag_lift  # type: ignore[attr-defined]
