"""An opt-out by one click (退订, RFC 8058): recorded, and proven in the same transaction, or not at all."""

from datetime import datetime

import sqlalchemy as sa

from koipond.kernel import KoipondError
from koipond.outreach.ports import Response
from koipond.store import answers, gate_load
from koipond.store.engine import Database
from koipond.store.instants import from_s, to_s
from koipond.store.tables import touch

MARKETING = "marketing"


class NotProvenError(KoipondError):
    """The opt-out was written and the gate would still let a message pass: a mistake of the program."""

    code = "not_proven"


class StoredOptOuts:
    """Opt-outs behind the links that messages carry."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def knows(self, touch_key: str) -> bool:
        """Say whether ``touch_key`` is that of a touch of ours."""
        query = sa.select(touch.c.touch_no).where(touch.c.touch_key == touch_key)
        with self._db.read() as connection:
            return connection.execute(query).one_or_none() is not None

    def record(self, touch_key: str, now: datetime) -> bool:
        """Withdraw the marketing consent of whoever got the touch; say whether there is such a touch.

        Asks the gate's own function whether it refuses from now on; raises NotProvenError, and records
        nothing, when it would not.
        """
        now_s = to_s(now)
        said = Response(touch_key=touch_key, kind="unsubscribed", at=from_s(now_s))
        query = sa.select(touch.c.customer_no, touch.c.channel).where(touch.c.touch_key == touch_key)
        with self._db.write() as connection:
            found = connection.execute(query).one_or_none()
            if found is None:
                return False
            answers.record(connection, [said], now_s)
            people = gate_load.find_people(connection, {found.customer_no})
            gate_load.load_permissions(connection, people, set())
            person = people[found.customer_no]
            if person.barred(found.channel, MARKETING, consent_required=False) is None:
                raise NotProvenError("the opt-out would have no effect; nothing was recorded")
        return True
