"""Store (状态库): everything that permits an action, in SQLite or PostgreSQL."""

from koipond.store.consents import ConsentStatement, Suppression
from koipond.store.definitions import AppliedDefinition, DefinitionChange
from koipond.store.facade import Store
from koipond.store.keys import KeyRing, confirm_backup, key_file, load_keys, memory_keys, save_keys
from koipond.store.people import PersonFlags
from koipond.store.verify import Check
from koipond.store.waiting import Waiting

__all__ = [
    "AppliedDefinition",
    "Check",
    "ConsentStatement",
    "DefinitionChange",
    "KeyRing",
    "PersonFlags",
    "Store",
    "Suppression",
    "Waiting",
    "confirm_backup",
    "key_file",
    "load_keys",
    "memory_keys",
    "save_keys",
]
