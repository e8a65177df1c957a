"""docs/reference/layers.md names every key a layer file may hold, and `make docs` wrote it."""

from docs.generate_layers import FULL_CUTS, TARGET, WORDS, keys, reference

from koipond.segments.layers.definitions import KINDS, LayerSet


def test_the_page_is_the_one_the_definitions_give() -> None:
    assert TARGET.read_text(encoding="utf-8") == reference(), "run: make docs"


def test_every_key_is_described_and_nothing_else() -> None:
    paths = [path for path, _ in keys()]
    assert len(paths) == len(set(paths))
    assert set(paths) == set(WORDS)


def test_a_body_with_every_documented_key_is_read() -> None:
    """Round trip: the definitions take exactly what the page lists."""
    bodies = {name: kind().to_mapping() for name, kind in KINDS.items()}  # type: ignore[operator]
    bodies["rfm"]["cuts"] = FULL_CUTS
    assert LayerSet.from_mapping(bodies).to_mapping() == bodies
