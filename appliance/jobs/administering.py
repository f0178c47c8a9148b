"""What administrators decided and the scheduler does, and their journal's way into the log."""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack
from functools import partial

from appliance.administration import Administration, Process, open_administration
from appliance.administration.action import Hand
from appliance.jobs.scheduler import Job
from appliance.notices.mail import Mail
from appliance.wiring import Appliance

ACTS = 1.0
"""Somebody at the console waits for it."""

LETTERS = 2.0
STUCK = 15.0


class Administering:
    """Opens the administration's database at its first tick: without it, everything else goes on."""

    def __init__(self, appliance: Appliance, stack: ExitStack) -> None:
        self._appliance = appliance
        self._stack = stack
        self._turn = threading.Lock()
        self._opened: Administration | None = None

    def tick(self) -> None:
        """Performs what waits for this process, ends what waited for too long, and sees the journal into the
        log."""
        administration = self._administration()
        try:
            administration.acts.expire()
            administration.performing.run_once()
        finally:  # whatever is wrong with an act, what was done does not wait to be told
            administration.journal.forward()

    def tell(self, mail: Mail) -> None:
        """Mails whom an act waits for."""
        self._administration().letters.deliver(mail)

    def look(self) -> None:
        """Tells the console which contracts are stuck."""
        self._administration().stuck.publish(self._appliance.stuck.all())

    def _administration(self) -> Administration:
        with self._turn:
            if self._opened is None:
                process = Process("scheduler", frozenset({Hand.SCHEDULER}), self._appliance)
                settings, now = self._appliance.settings, self._appliance.now
                self._opened = self._stack.enter_context(open_administration(settings, now=now, process=process))
            return self._opened


def administering(appliance: Appliance, stack: ExitStack) -> list[Job]:
    """The jobs; what they opened is closed with *stack*."""
    administering = Administering(appliance, stack)
    jobs = [Job("acts", ACTS, administering.tick), Job("stuck contracts", STUCK, administering.look)]
    settings = appliance.settings
    if settings.mail.configured:
        mail = Mail(settings.mail, settings.mail_password(os.environ))
        jobs.append(Job("letters about acts", LETTERS, partial(administering.tell, mail)))
    return jobs
