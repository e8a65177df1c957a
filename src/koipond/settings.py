"""Settings from the environment (prefix `KOIPOND_`), and the machine's own clock."""

from datetime import UTC, datetime

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
    """smtp://user:password@host:port of the e-mail channel; smtps:// for TLS from the first byte."""

    public_url: str | None = None
    """Where customers reach this server: the base of unsubscribe links."""
