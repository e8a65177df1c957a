"""`koipond verify`: the invariants that must hold at every moment, checked on the live store."""

import typer

from koipond.cli.reply import AsOf, JsonFlag, heads, marked, parse_day, say, with_facts, word
from koipond.frames import text_table
from koipond.kernel import heard, phrase

_STATUSES = marked("ok", "broken")


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(help="Check the live store and the warehouse: caps, budgets, codes, leases, files and more.")
    def verify(context: typer.Context, as_of: AsOf = None, as_json: JsonFlag = False) -> None:
        from koipond.bootstrap import open_app
        from koipond.bootstrap.private_checks import private_checks
        from koipond.bootstrap.warehouse_checks import warehouse_checks
        from koipond.kernel import day_of
        from koipond.worker.erasing import erased_in_warehouse
        from koipond.worker.freshness import facts_known

        with open_app(context.obj, apart=True) as app:
            given = parse_day(as_of)
            if given is None and not app.pair.usable:  # the clock may live on facts that cannot be read
                given = day_of(app.machine.now(), app.zone)
            day = app.observation_day(given)
            now = app.instant_of(day) if app.pair.usable else app.end_of(day)
            checks = [*app.store.checks.all(app.zone, now, app.machine.now()), *warehouse_checks(app)]
            if app.pair.usable:
                checks += [erased_in_warehouse(app), *private_checks(app)]
            rows = [{"name": c.name, "status": c.status, "detail": c.detail} for c in checks]
            breaks = sum(row["status"] != "ok" for row in rows)
            known = facts_known(app, day) if app.pair.usable else {}
            data = {"checks": rows, "breaks": breaks, **known, **app.stamp(day)}
        table = text_table(
            heads("check", "status", "what must hold", "detail"),
            [[c.name, word(c.status), heard(c.says), heard(c.detail)] for c in checks],
        )
        text = phrase("{table}\n{breaks} breaks", table=table, breaks=breaks)
        say(data, lambda: with_facts(data, text) if known else text, as_json=as_json)
        if breaks:
            raise typer.Exit(1)
