"""`koipond verify`: the invariants that must hold at every moment, checked on the live store."""

import typer

from koipond.cli.reply import AsOf, JsonFlag, parse_day, say
from koipond.frames import text_table


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(help="Check caps, budgets, duplicates, hold-outs, leases, codes and privacy on live data.")
    def verify(context: typer.Context, as_of: AsOf = None, as_json: JsonFlag = False) -> None:
        from koipond.bootstrap import open_app
        from koipond.bootstrap.private_checks import private_checks

        with open_app(context.obj) as app:
            day = app.observation_day(parse_day(as_of))
            checks = [*app.store.checks.all(app.zone, app.instant_of(day)), *private_checks(app)]
            rows = [{"name": c.name, "status": c.status, "detail": c.detail} for c in checks]
            breaks = sum(row["status"] != "ok" for row in rows)
            data = {"checks": rows, "breaks": breaks, **app.stamp(day)}
        table = text_table(["check", "status", "detail"], [[*row.values()] for row in rows])
        say(data, lambda: f"{table}\n{breaks} breaks", as_json=as_json)
        if breaks:
            raise typer.Exit(1)
