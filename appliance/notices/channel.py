"""Whether mail goes out: the one answer for every page that says, or implies, that a mail is sent."""

from __future__ import annotations

from appliance.config import MailSettings
from appliance.store import outbox
from appliance.store.database import Database


class MailChannel:
    """Mail as the portal knows it: the scheduler sends, and says in the outbox what became of it. Thread-safe."""

    def __init__(self, database: Database, settings: MailSettings) -> None:
        self._database = database
        self._settings = settings

    @property
    def configured(self) -> bool:
        """Whether there is a mail server to send by."""
        return self._settings.configured

    def works(self) -> bool:
        """Whether there is one, and no mail waits because it could not be reached or would not take it."""
        if not self.configured:
            return False
        with self._database.reading() as tx:
            return not outbox.is_held_up(tx)
