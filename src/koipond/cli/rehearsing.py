"""`koipond rehearse`: the same code on simulated customers whose true responses are known."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from koipond.cli.language import language_written
from koipond.cli.reply import AsOf, JsonFlag, LanguageOption, note, parse_day, say
from koipond.kernel import InputError, phrase

_PERCENT = 100
_WEEK = 7

if TYPE_CHECKING:
    from koipond.rehearsal.run import Progress, Watch


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(help="Rehearse a shipped case, or a strategy of yours on a brand like yours.")(rehearse)


def rehearse(
    context: typer.Context,
    scenario: Annotated[
        str | None, typer.Option(metavar="C1|C4", help="A shipped case; needs no workspace.")
    ] = None,
    strategy: Annotated[
        str | None, typer.Option(metavar="KEY", help="An applied strategy of the workspace.")
    ] = None,
    effect: Annotated[
        float, typer.Option(help="With --strategy: how much a touch raises buying; 0.10 = +10 %.")
    ] = 0.10,
    seed: Annotated[
        int, typer.Option(min=0, help="Draws the customers; the same seed, the same report.")
    ] = 1,
    days: Annotated[int, typer.Option(help="From the first plan to the report.")] = 90,
    customers: Annotated[int, typer.Option(help="At most so many simulated customers.")] = 20_000,
    as_of: AsOf = None,
    language: LanguageOption = None,
    as_json: JsonFlag = False,
) -> None:
    from koipond.rehearsal.run import rehearse as play
    from koipond.rehearsal.scenario import Horizon
    from koipond.rehearsal.scenario import scenario as shipped

    if (scenario is None) == (strategy is None):
        raise InputError("name what to rehearse: --scenario C1 or C4, or --strategy KEY of this workspace")
    horizon = Horizon(customers=customers, days=days)
    spoken = language_written(language, context.obj)
    if scenario is not None:
        played, currency = shipped(scenario), "CNY"
    else:
        from koipond.bootstrap import open_app
        from koipond.rehearsal.own import own_horizon, own_scenario

        with open_app(context.obj) as app:
            played = own_scenario(app, str(strategy), effect, parse_day(as_of))
            currency = app.settings.currency
        horizon = own_horizon(played, horizon)
    with _watching(as_json=as_json) as watch:
        data = play(played, seed, horizon=horizon, language=spoken, watch=watch).to_dict()
    say(data, lambda: _text(data, currency, spoken), as_json=as_json)


@contextmanager
def _watching(*, as_json: bool) -> Iterator["Watch | None"]:
    """Show how far it is, on stderr: a bar to a person, a line a simulated week to a log, nothing to JSON."""
    if sys.stderr.isatty():
        with _bar() as watch:
            yield watch
    else:
        yield None if as_json else _Weekly()


class _Weekly:
    """Says how far it is once in each simulated week, and at the end."""

    def __init__(self) -> None:
        self._week = -1

    def __call__(self, now: "Progress") -> None:
        if now.done // _WEEK > self._week or now.done == now.days:
            self._week = now.done // _WEEK
            note(_done(now))


@contextmanager
def _bar() -> Iterator["Watch"]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(phrase("the brand's history"), total=None)
        yield lambda now: bar.update(task, completed=now.done, total=now.days, description=_done(now))


def _done(now: "Progress") -> str:
    return phrase(
        "{day}: day {done} of {days}, {orders:,} orders, {touches:,} touches",
        day=now.day,
        done=now.done,
        days=now.days,
        orders=now.orders,
        touches=now.touches,
    )


def _text(data: Mapping[str, Any], currency: str, language: Any) -> str:
    from koipond.insights.render import to_text

    name = (
        phrase("case {scenario}", scenario=data["scenario"])
        if data["scenario"]
        else phrase("strategy {strategy}", strategy=data["strategy"])
    )
    lines = [
        phrase(
            "rehearsed {name}: {customers:,} simulated customers, {days} days, seed {seed}; "
            "{orders:,} orders, {touches:,} touches, {breaks} broken invariants",
            name=name,
            customers=data["customers"],
            days=data["days"],
            seed=data["seed"],
            orders=data["orders"],
            touches=data["touches"],
            breaks=data["breaks"],
        ),
        to_text(data["report"], currency=currency, language=language),
        phrase(
            "planted: {planted}; found: {found} ({low} to {high})",
            planted=_percent(data["truth"]),
            found=_percent(data["estimate"]),
            low=_percent(data["low"]),
            high=_percent(data["high"]),
        ),
    ]
    if data["curbed"]:
        lines.append(
            phrase(
                "Nearly everybody buys within the outcome window anyway, so less than --effect "
                "could be planted: judge the strategy over a shorter window (metric: window_days)."
            )
        )
    return "\n\n".join(lines)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value * _PERCENT:+.1f} %"
