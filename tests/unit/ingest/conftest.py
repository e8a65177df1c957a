from collections.abc import Iterator
from pathlib import Path

import pytest

from koipond.facts.ports import Manifest
from koipond.warehouse import Engine, ParquetReader


@pytest.fixture(scope="session")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ParquetReader]:
    """An empty warehouse in memory: expressions can be run, nothing is on disk."""
    folder: Path = tmp_path_factory.mktemp("engine")
    engine = Engine(folder)
    yield ParquetReader(folder, Manifest(version=0, datasets={}, meta={}), engine)
    engine.close()
