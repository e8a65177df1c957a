"""Settings from the environment (prefix `KOIPOND_`), and the machine's own clock."""

from datetime import UTC, datetime
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class SystemClock:
    """The machine's clock: the only place where Koipond asks for the current time."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class Settings(BaseSettings):
    """What differs between machines, not between brands. Secrets come from here alone."""

    model_config = SettingsConfigDict(env_prefix="KOIPOND_", extra="ignore")

    threads: int | None = None
    """Threads of one analytic engine; default: the machine's cores."""

    memory_limit: str = "6GB"
    """Memory of one analytic engine before it spills to disk."""

    smtp_url: str | None = None
    """smtp://user:password@host:port of the e-mail channel, ``?starttls=1`` to encrypt; smtps:// for TLS."""

    mail_from: str | None = None
    """Address that e-mail comes from; its domain also stands in the Message-ID."""

    mail_bounces: Path | None = None
    """Maildir to which the mail server delivers bounces+KEY@ and unsubscribe+KEY@ of that domain."""

    public_url: str | None = None
    """Where customers reach this server: the base of unsubscribe links."""
