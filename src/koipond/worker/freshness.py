"""How far the facts of a workspace reach (数据新鲜度), for every command that reads them."""

from datetime import date
from typing import Any

from koipond.bootstrap import App
from koipond.insights.freshness import fact_rows
from koipond.kernel import epoch_day


def facts_known(app: App, day: date) -> dict[str, Any]:
    """Return the newest fact of each kind and source by ``day``, as every such answer carries it."""
    with app.warehouse.read() as reader:
        return fact_rows(reader, epoch_day(day))
