"""The stricter of then and now (从严执行): what a plan was approved with, tightened to what is in force.

Caps of both policies hold, and the longer of each wait. Quiet hours, quotas, consent and suppression are
tightened where the store decides. Source: design §7.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from pyroaring import BitMap

from koipond.bootstrap import App
from koipond.facts.ports import Reader
from koipond.outreach.model import ContactPolicy, FrequencyCap, GateCandidate
from koipond.segments.day_members import DayMembers
from koipond.segments.snapshot import present_profile
from koipond.strategy.model import Strategy

Caps = tuple[FrequencyCap, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """The contact policy in force. ``groups``: the exempt (no caps) and the capped; the first one counts."""

    policy: ContactPolicy
    groups: Sequence[tuple[BitMap, Caps]]
    strategies: dict[str, Strategy]

    def tightened(self, one: GateCandidate) -> GateCandidate:
        """Return ``one``, asked for under older settings, so that it breaks none of these either."""
        strategy = self.strategies.get(one.strategy)
        own = () if strategy is None else strategy.caps
        caps = (*one.caps, *self._caps(one), *(cap for cap in own if cap.purpose == one.purpose))
        return replace(
            one,
            caps=tuple(dict.fromkeys(caps)),
            duplicate_content_days=max(one.duplicate_content_days, self.policy.duplicate_content_days),
            re_entry_days=max(one.re_entry_days, 0 if strategy is None else strategy.re_entry_days),
        )

    def _caps(self, one: GateCandidate) -> Caps:
        for people, caps in self.groups:
            if one.customer_no in people:
                return tuple(cap for cap in caps if cap.purpose == one.purpose)
        return self.policy.default_caps(one.purpose)


def in_force(app: App, reader: Reader, day: date) -> InForce:
    """Return the policy of ``app``, with the members of its groups on ``day``."""
    policy, definitions = app.settings.policy, app.definitions
    asked = [*policy.exempt_segments, *policy.capped_groups]
    members: Mapping[str, BitMap] = {}
    if asked:
        present_profile(reader, app.layers, day)
        members = DayMembers(app.scope(reader, day), definitions.segments)
    groups: list[tuple[BitMap, Caps]] = [(members[key], ()) for key in policy.exempt_segments]
    groups += [(members[key], caps) for key, caps in sorted(policy.capped_groups.items())]
    return InForce(policy=policy, groups=groups, strategies=definitions.strategies)
