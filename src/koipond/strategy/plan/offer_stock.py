"""Codes of a list (券码) in the plan: which list a bid gives of, and what a touch of it costs.

As the gate does it: one code of a list a customer, told again for nothing while it is good. A code that has
expired is not replaced.
"""

from koipond.strategy.plan.bids import Bid
from koipond.strategy.plan.context import Context


def list_number(known: Context, bid: Bid) -> int | None:
    """Return the number of the list ``bid`` gives codes of; None = no code, or its codes are not counted."""
    key = bid.play.arms[bid.arm].arm.offer.code_list
    return known.code_lists.index(key) if key in known.code_lists else None


def cost_of(known: Context, bid: Bid, channel: int, *, held: bool) -> tuple[int, int]:
    """Return the price of the message and of the offer; a code issued before costs nothing more."""
    price = list(known.channels.values())[channel].cost_fen
    return price, 0 if held else bid.play.arms[bid.arm].offer_cost_fen
