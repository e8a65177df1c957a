"""Capability sheets (渠道能力表) of the shipped channels. A brand's own cost and quota override them."""

from collections.abc import Mapping
from types import MappingProxyType

from koipond.outreach.ports import ChannelSheet, RateLimit

SANDBOX = ChannelSheet(
    channel="sandbox",
    consent="none",
    receipts=("delivered", "clicked", "replied", "unsubscribed"),
    group_size=500,
)
"""An inbox to look at; needs neither consent nor address (design §7)."""

EMAIL = ChannelSheet(
    channel="email",
    address_kind="email",
    rate=RateLimit(touches_max=1_000, seconds=1),
    receipts=("clicked", "unsubscribed", "bounced", "complained"),
    group_size=20,
)
"""SMTP. Not idempotent: a call without an answer stays unknown until a bounce or an operator resolves it."""

SHEETS: Mapping[str, ChannelSheet] = MappingProxyType({sheet.channel: sheet for sheet in (SANDBOX, EMAIL)})
