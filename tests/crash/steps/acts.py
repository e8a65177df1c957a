"""What stages and scenarios do that no command does, by the name it has in `scenes`."""

from collections.abc import Callable, Mapping
from pathlib import Path

import sqlalchemy as sa


def _mail_playbook(folder: Path) -> int:
    from koipond.workspace.playbooks import add_playbook

    for old in (folder / "strategies").glob("*.yaml"):
        old.unlink()
    add_playbook(folder, "dormant_recall", channels=["email"])
    file = folder / "strategies" / "dormant_recall.yaml"
    file.write_text(file.read_text().replace("//shop.example/", "//brand.example/"))
    return 0


def _unsubscribe(folder: Path) -> int:
    """The receiver of the first touch clicks the link, as the served page does it."""
    from koipond.bootstrap import open_app
    from koipond.outreach.ports import Response

    with open_app(folder) as app:
        with app.store.database.read() as connection:
            key = connection.execute(
                sa.text("SELECT touch_key FROM touch ORDER BY touch_no LIMIT 1")
            ).scalar_one()
        now = app.clock.now()
        answer = Response(touch_key=key, kind="unsubscribed", at=now)
        app.store.outbox(app.zone).respond([answer], now)
    return 0


def _look_on(folder: Path) -> int:
    """Open the workspace, read the warehouse, and say which of the store's checks break."""
    from koipond.bootstrap import open_app

    with open_app(folder, say_unapplied=False) as app:
        for one in app.store.checks.all(app.zone, app.clock.now()):
            if one.breaks:
                print(one.name, "broken", one.detail)
        with app.warehouse.read() as reader:
            print("version", reader.version)
    return 0


FUNCTIONS: Mapping[str, Callable[[Path], int]] = {
    "mail-playbook": _mail_playbook,
    "unsubscribe": _unsubscribe,
    "look-on": _look_on,
}
