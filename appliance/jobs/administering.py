"""What administrators decided and the scheduler does, and their journal's way into the log."""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack
from functools import partial

from appliance.administration import Administration, Process, open_administration
from appliance.administration.action import ExecutedBy
from appliance.jobs.scheduler import Job
from appliance.notices.mail import MailClient
from appliance.wiring import Appliance

REQUESTS_SECONDS = 1.0
"""Somebody at the console waits for it."""

MAIL_SECONDS = 2.0
STUCK_SECONDS = 15.0


class AdministrationJobs:
    """Opens the administration's database at its first tick: without it, everything else goes on."""

    def __init__(self, appliance: Appliance, stack: ExitStack) -> None:
        self._appliance = appliance
        self._stack = stack
        self._turn = threading.Lock()
        self._opened: Administration | None = None

    def execute_requests(self) -> None:
        """Performs what waits for this process, ends what waited for too long, and sees the journal into the
        log."""
        administration = self._administration()
        try:
            administration.requests.expire_requests()
            administration.executor.execute_waiting()
        finally:  # whatever is wrong with an act, what was done does not wait to be told
            administration.journal.forward_to_log()

    def send_approval_mail(self, mail: MailClient) -> None:
        """Mails whom an act waits for."""
        self._administration().approval_mail.deliver_queued(mail)

    def publish_stuck_contracts(self) -> None:
        """Tells the console which contracts are stuck."""
        self._administration().stuck.publish(self._appliance.stuck.all())

    def _administration(self) -> Administration:
        with self._turn:
            if self._opened is None:
                process = Process("scheduler", frozenset({ExecutedBy.SCHEDULER}), self._appliance)
                settings, now = self._appliance.settings, self._appliance.now
                self._opened = self._stack.enter_context(open_administration(settings, now=now, process=process))
            return self._opened


def administration_jobs(appliance: Appliance, stack: ExitStack) -> list[Job]:
    """The jobs; what they opened is closed with *stack*."""
    administering = AdministrationJobs(appliance, stack)
    jobs = [
        Job("acts", REQUESTS_SECONDS, administering.execute_requests),
        Job("stuck contracts", STUCK_SECONDS, administering.publish_stuck_contracts),
    ]
    settings = appliance.settings
    if settings.mail.configured:
        mail = MailClient(settings.mail, settings.mail_password(os.environ))
        jobs.append(Job("letters about acts", MAIL_SECONDS, partial(administering.send_approval_mail, mail)))
    return jobs
