"""What `koipond layers` prints: shares of those whom a layer can hold."""

import pytest

from koipond.cli.layers import layers_text
from koipond.segments.layers import aipl, grade, lifecycle, rfm

DATA = {
    "customers": 10,
    "buyers": 5,
    "as_of": "2026-01-31",
    "definition_version": 1,
    "left_out": 0,
    "rfm": {
        "customers": 4,
        "cells": dict.fromkeys(rfm.CELLS, 0),
        "level": dict.fromkeys(rfm.LEVELS, 0) | {"high": 1},
    },
    "lifecycle": dict.fromkeys(lifecycle.STAGES, 0) | {"prospect": 5},
    "flags": dict.fromkeys(lifecycle.FLAGS, 0) | {"never_bought": 5},
    "aipl": dict.fromkeys(aipl.STAGES, 0),
    "grade": dict.fromkeys(grade.GRADES, 0) | {"core": 1},
    "held_grade": {"core": 0},
    "contradictions": {"loyal_but_leaving": 1},
}


@pytest.mark.parametrize(
    ("row", "head"),
    [
        ("prospect 5 50.0%", "of customers"),
        ("core 1 20.0%", "of buyers"),
        ("high 1 25.0%", "of those scored"),
    ],
)
def test_a_share_is_that_of_those_whom_the_layer_can_hold(row: str, head: str) -> None:
    block = next(
        part
        for part in layers_text(DATA).split("\n\n")
        if any(row == " ".join(one.split()) for one in part.split("\n"))
    )
    assert head in block
