"""What of the applied settings a touch obeys when it goes (触达设置): hours, quotas, assumed consent."""

import json
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from koipond.outreach.model import QuietHours
from koipond.store.tables import definition
from koipond.store.terms import Terms
from koipond.workspace.model import WORKSPACE
from koipond.workspace.settings import QuietShape


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRules:
    """``quotas``: channel → touches a local day; ``assumed``: channel → segment whose consent is assumed."""

    quiet: QuietHours
    quotas: Mapping[str, int]
    assumed: Mapping[str, str]

    def terms(self, terms: Terms) -> Terms:
        """Return ``terms`` of a process under what is applied by now."""
        return replace(terms, quiet=self.quiet, quotas=self.quotas)

    def and_then(self, terms: Terms) -> Terms:
        """Return ``terms`` of now for what was approved under these rules."""
        return terms.and_then(self.quiet, self.quotas)


def contact_rules(body: Mapping[str, Any]) -> ContactRules:
    """Read the ``body`` of an applied `koipond.yaml`; of what it does not say the defaults hold."""
    policy = body.get("defaults", {}).get("contact_policy", {})
    quiet = QuietShape.model_validate(policy.get("quiet", {}))
    quotas = {key: own.get("quota_per_day") for key, own in body.get("channels", {}).items()}
    assumed = policy.get("assumed_consent", {})
    return ContactRules(
        quiet=QuietHours(start_hour=quiet.start_hour, end_hour=quiet.end_hour),
        quotas={key: quota for key, quota in quotas.items() if quota is not None},
        assumed={channel: one["segment"] for channel, one in assumed.items()},
    )


_APPLIED = (
    sa.select(definition.c.apply_no, definition.c.body)
    .where(definition.c.kind == WORKSPACE)
    .order_by(definition.c.apply_no)
)


class ContactHistory:
    """The workspace's settings as of each apply."""

    def __init__(self, connection: sa.Connection, until: int | None = None) -> None:
        query = _APPLIED if until is None else _APPLIED.where(definition.c.apply_no <= until)
        rows = connection.execute(query).all()
        self._since = [int(row.apply_no) for row in rows]
        self._rules = [contact_rules(json.loads(row.body)) for row in rows]

    def at(self, apply_no: int) -> ContactRules | None:
        """Return what was in force with ``apply_no``, None before the first settings."""
        place = bisect_right(self._since, apply_no)
        return self._rules[place - 1] if place else None
