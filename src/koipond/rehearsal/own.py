"""Rehearse one's own (预演自己的策略): an applied strategy, on a brand fitted to the workspace's facts."""

from dataclasses import replace
from datetime import date

from koipond.bootstrap import App, StoreDefinitions
from koipond.facts.ports import Reader
from koipond.kernel import InputError, epoch_day, listed
from koipond.rehearsal.fit import fit_brand, share_reached
from koipond.rehearsal.scenario import Horizon, Reach, Scenario
from koipond.strategy.model import Strategy
from koipond.workspace.export import export_files

EFFECT_MAX = 1.0


def own_scenario(app: App, strategy: str, effect: float, as_of: date | None) -> Scenario:
    """Return the applied ``strategy`` as a scenario: every touch of it raises buying by ``effect``.

    Definitions are copied as applied; customers are made up in the workspace's likeness of the observation
    day, on which the rehearsal begins. Raises InputError for an unknown strategy, an effect out of range, or
    facts too thin to fit a brand.
    """
    applied = app.definitions.strategies
    if strategy not in applied:
        raise InputError(
            "no strategy '{strategy}' is applied; there is {known}",
            strategy=strategy,
            known=listed(sorted(applied)),
        )
    if not 0 <= effect <= EFFECT_MAX:
        raise InputError(
            "--effect is a fraction from 0 to {effect_max:.0f}, got {effect}; 0.10 = +10 %",
            effect_max=EFFECT_MAX,
            effect=effect,
        )
    current = StoreDefinitions(app.store).current()
    files = export_files((one.kind, one.key, one.body) for one in current)
    with app.reading(as_of) as (reader, day):
        parameters = fit_brand(reader, epoch_day(day))
        reach = _reach(app, reader, applied[strategy])
    variants = {arm.name for play in applied[strategy].plays for arm in play.arms()}
    return Scenario(
        key=None,
        strategy=strategy,
        effects=dict.fromkeys(sorted(variants), effect),
        truth=None,
        files=files,
        parameters=parameters,
        reach=reach,
        first_day=day,
    )


def own_horizon(played: Scenario, horizon: Horizon) -> Horizon:
    """Return ``horizon`` with no more customers than the workspace has."""
    return replace(horizon, customers=min(horizon.customers, max(10, played.parameters.customers)))


def _reach(app: App, reader: Reader, strategy: Strategy) -> tuple[Reach, ...]:
    sheets = [app.sheets[c] for c in sorted({c for play in strategy.plays for c in play.channels})]
    return tuple(
        Reach(
            channel=sheet.channel,
            address_kind=sheet.address_kind,
            share=share_reached(
                reader, sheet.channel, sheet.address_kind, consent=sheet.consent == "required"
            ),
        )
        for sheet in sheets
    )
