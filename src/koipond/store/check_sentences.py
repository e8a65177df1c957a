"""What each check of `verify` says must hold (核查项说明), for people; machines read its name."""

from collections.abc import Mapping
from types import MappingProxyType

from koipond.kernel import Message

SENTENCES: Mapping[str, Message] = MappingProxyType(
    {
        "caps": Message("nobody was touched more often than the frequency caps allow"),
        "inbox_caps": Message("no address got more than the frequency caps allow, whoever shares it"),
        "budgets": Message("every budget has given what its touches took, and no more than its limit"),
        "duplicates": Message("nobody is touched twice on one occasion, and every touch waits in one place"),
        "hold_outs": Message("nobody who is held out was touched"),
        "codes": Message("a customer holds one code of a list, and every code belongs to a touch of theirs"),
        "held_grades": Message("the changes of held grades follow on one another without a gap"),
        "settings": Message("one koipond.yaml is in force, and its zone and currency are those of the facts"),
        "definitions": Message("every version of a definition still reads as it was applied"),
        "approvals": Message("every plan that was approved still stands on what was approved"),
        "audit": Message("every entry of the audit is as it was written, and none is missing"),
        "quiet_hours": Message("no marketing was sent in the quiet hours"),
        "permissions": Message("nothing went to staff, minors, the suppressed or people confirmed as unreal"),
        "consent_at_intent": Message("whoever was sent something had agreed to it where that was asked"),
        "shared_addresses": Message("nothing went to an address at which somebody else may not be reached"),
        "days": Message("every touch counts against the budget and quota of the day it went"),
        "sent_codes": Message("no touch told a code that had expired"),
        "twin_codes": Message("no two customers got codes that read alike"),
        "stops": Message("nothing was sent of withdrawn plans or of what was paused"),
        "running": Message("nothing was sent of strategies that did not run"),
        "plans": Message("only plans that were finished were approved and sent"),
        "leases": Message("no sender has held touches for longer than it may"),
        "consents": Message("the consents in force are those that the log of consents gives"),
        "statements": Message("every consent names a channel and a purpose that something is sent for"),
        "unfinished_grants": Message("no consent comes from an import that did not end"),
        "dead_imports": Message("no import was left half-way"),
        "erased": Message("nothing in the store names erased customers, and nothing goes to them"),
        "erased_facts": Message("nothing in the warehouse comes from erased customers"),
        "addresses": Message("every address can be compared, so that whoever shares it is found"),
        "keys": Message("every identifier can be found with a key that is kept"),
        "pair": Message("store and warehouse belong together"),
        "store_file": Message("the file of the store is sound"),
        "warehouse_files": Message("every file of the warehouse is as it was published"),
        "lease_holders": Message("every lease ends in time, and what it reads is on record"),
        "rights": Message("nobody but the owner can read the workspace's state"),
        "spill": Message("no process that is gone has left temporary files"),
        "identifiers": Message("no phone number, e-mail or identity number stands open in the warehouse"),
    }
)
"""Name of a check → what must hold."""
