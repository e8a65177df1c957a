"""Settings from the environment (prefix `KOIPOND_`), and the machine's own clock."""

import time
from datetime import UTC, datetime
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from koipond.kernel import Language


class SystemClock:
    """The machine's clock: the only place where Koipond asks for the current time."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def elapsed_s() -> float:
    """Return the seconds since some moment: never set back, and they pass while the machine sleeps."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


class Settings(BaseSettings):
    """What differs between machines, not between brands. Secrets come from here alone."""

    model_config = SettingsConfigDict(env_prefix="KOIPOND_", extra="ignore")

    threads: int | None = None
    """Threads of one analytic engine; default: the machine's cores."""

    memory_limit: str = "6GB"
    """Memory of one analytic engine before it spills to disk."""

    spark_master: str = "local[*]"
    """Where a refresh on Spark runs: a Spark master URL. A cluster must see the workspace folder too."""

    spark_memory: str = "2g"
    """Memory of Spark's driver, which is all of Spark on ``local``."""

    spark_partitions: int = 8
    """Into how many parts Spark splits a group-by or join; on a cluster two to three times its cores."""

    smtp_url: str | None = None
    """smtp://user:password@host:port of the e-mail channel, ``?starttls=1`` to encrypt; smtps:// for TLS."""

    mail_from: str | None = None
    """Address that e-mail comes from; its domain also stands in the Message-ID."""

    mail_bounces: Path | None = None
    """Maildir to which the mail server delivers bounces+KEY@ and unsubscribe+KEY@ of that domain."""

    language: Language | None = None
    """zh, en or id: what commands speak, whatever the workspace's language is."""

    public_url: str | None = None
    """Where customers reach this server: the base of unsubscribe links."""
