"""Settings of the environment, looked at before anything is done with them: all that is wrong, at once."""

from urllib.parse import unquote

from pydantic import ValidationError

from koipond.bootstrap.links import usable_url
from koipond.kernel import InputError, Message, joined
from koipond.outreach.header_text import control_in, header_fault
from koipond.settings import Settings


def read_environment() -> Settings:
    """Return the settings; raise InputError naming each variable that cannot be used, with the fix."""
    faults, settings = _read()
    if settings is None or faults:
        raise InputError(joined("\n", faults))
    return settings


def environment_faults() -> list[str]:
    """Return what is wrong with the variables of the environment."""
    return _read()[0]


def _read() -> tuple[list[str], Settings | None]:
    try:
        settings = Settings()
    except ValidationError as error:
        return [
            Message(
                "KOIPOND_{upper}: {msg}; correct or unset it",
                upper=str(one["loc"][0]).upper(),
                msg=one["msg"].lower(),
            )
            for one in error.errors()
        ], None
    return [*_mail_faults(settings), *_url_faults(settings.public_url)], settings


def _mail_faults(settings: Settings) -> list[str]:
    faults: list[str] = []
    if settings.smtp_url is not None:
        if found := control_in(unquote(settings.smtp_url)):
            faults.append(
                Message(
                    "KOIPOND_SMTP_URL holds {found}; write smtp://user:password@host:port on one line",
                    found=found,
                )
            )
        elif settings.smtp_url != settings.smtp_url.strip():
            faults.append(Message("KOIPOND_SMTP_URL begins or ends with a blank; take it out"))
    if settings.mail_from is not None and (fault := header_fault(settings.mail_from)):
        faults.append(Message("KOIPOND_MAIL_FROM: {fault}; write hello@your.domain", fault=fault))
    return faults


def _url_faults(url: str | None) -> list[str]:
    if url is None:
        return []
    try:
        fault = header_fault(usable_url(url))
    except InputError as error:
        return [error.message]
    return [Message("KOIPOND_PUBLIC_URL: {fault}; write https://your.domain", fault=fault)] if fault else []
