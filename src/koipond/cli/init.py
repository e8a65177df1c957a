"""`koipond init`: a new workspace."""

import re
from pathlib import Path
from typing import Annotated

import typer

from koipond.cli.language import speak_for
from koipond.cli.reply import JsonFlag, say
from koipond.kernel import phrase
from koipond.kernel.countries import UNKNOWN

_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(help="Make a workspace: koipond.yaml, a store and keys.")
    def init(
        context: typer.Context,
        folder: Annotated[
            Path | None, typer.Argument(metavar="DIR", help="Default: the folder of -C.")
        ] = None,
        zone: Annotated[str, typer.Option(help="IANA time zone of the brand.")] = "Asia/Shanghai",
        currency: Annotated[str, typer.Option(help="ISO 4217 code in use, such as CNY, IDR or USD.")] = "CNY",
        clock: Annotated[
            str,
            typer.Option(help="system, or last_fact: today is the day of the newest order, else fact."),
        ] = "system",
        name: Annotated[str, typer.Option(help="The brand's name, as customers read it.")] = "",
        key: Annotated[str, typer.Option(help="Short key: small letters, digits, _.")] = "",
        language: Annotated[str, typer.Option(help="zh, en or id: of customers who named none.")] = "zh",
        store: Annotated[
            str | None,
            typer.Option(
                metavar="VARIABLE", help="Environment variable with a PostgreSQL URL for the store."
            ),
        ] = None,
        as_json: JsonFlag = False,
    ) -> None:
        from koipond.bootstrap import start_workspace
        from koipond.kernel import InputError

        if store is not None and not _VARIABLE.fullmatch(store):
            raise InputError(
                "--store takes the name of an environment variable that holds the URL, nothing else;"
                " for example: export BRAND_STORE=postgresql+psycopg://USER@HOST/DATABASE, then"
                " --store BRAND_STORE"
            )
        target = Path(context.obj) / folder if folder else Path(context.obj)
        derived = re.sub(r"[^a-z0-9_]+", "_", target.resolve().name.lower()).strip("_") or "brand"
        with start_workspace(
            target,
            key=key or (derived if derived[0].isalpha() else f"w_{derived}"),
            name=name or target.resolve().name,
            zone=zone,
            currency=currency,
            clock=clock,
            language=language,
            store=store,
        ) as made:
            keys = made.store.keys.file
            data = {
                "workspace": made.settings.key,
                "folder": str(target),
                "zone": made.settings.zone,
                "currency": made.settings.currency,
                "country": made.settings.region,
                "clock": made.settings.clock,
                "keys": str(keys) if keys else None,
                **made.stamp(),
            }
            country = made.settings.region
        speak_for(["--json"] if as_json else [], target)
        say(data, lambda: _text(target, str(keys), country), as_json=as_json)


def _text(folder: Path, keys: str, country: str) -> str:
    phones = (
        phrase("are read as those of {country}", country=country)
        if country != UNKNOWN
        else phrase("cannot be read")
    )
    return phrase(
        "{folder} is a workspace.\nPhone numbers without a country code {phones}; another "
        "country: country: XX in koipond.yaml.\nIdentifiers are encrypted with the keys in "
        "{keys}: keep a copy of that file elsewhere.\nNext: koipond -C {folder} import orders "
        "FILE",
        folder=folder,
        phones=phones,
        keys=keys,
    )
