"""Who may decide on an admin request that waits for a second person is told by mail; who asked sees who was told.

The mails are queued in the transaction that writes the request, and sent by the scheduler. One whose fate is
unknown is sent again: it has the same Message-ID, and reading it twice does nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from appliance.administration.action import Action
from appliance.administration.actions import REGISTRY
from appliance.administration.context import AdministrationContext
from appliance.config import Settings
from appliance.language import instants, translator
from appliance.model.administration import Administrator, AdministratorState, AdminRequest, AdminRequestState
from appliance.notices.channel import DeliveryRefused, DeliveryUnavailable, DeliveryUnknown, Envelope, pause_after
from appliance.notices.mail import MailClient
from appliance.notices.messages import GREETING, PAGE, MailMessage, plain_message
from appliance.store.administration import admin_requests, administrators
from appliance.store.administration.admin_requests import RequestMessageState
from appliance.store.database import Transaction

SUBJECT: Final = "Your decision is asked for: {action}"
ASKED: Final = "{who} has asked for it; it takes a second person, until {deadline} ({zone})."
READ: Final = "What exactly it will do is on the page. If it is not as you expect it, refuse it and ask {who}."
FROM: Final = "Sent by the console of the signing appliance of {issuer}. Answers to this message are not read."

LONGEST_PAUSE = timedelta(minutes=5)
MOST = 20
"""Mails in one go."""


@dataclass(frozen=True, slots=True)
class NotifiedApprovers:
    """Who may decide on a request, by name: those whom a mail has reached (or its server), those for whom it is
    still under way, and those who get none. Without a mail server everybody is among the last."""

    sent: tuple[str, ...]
    waiting: tuple[str, ...]
    unnotified: tuple[str, ...]


def queue_approval_mail(tx: Transaction, act: AdminRequest, action: Action, now: datetime) -> None:
    """A mail for each who may decide on *act*."""
    for each in deciders(tx, action, by=act.asked_by):
        if each.email:
            admin_requests.queue_message(tx, act.id, each.login, now)


def deciders(tx: Transaction, action: Action, *, by: str) -> list[Administrator]:
    """Who may be the second person for what *by* asks."""
    return [
        each
        for each in administrators.everybody(tx)
        if each.state is AdministratorState.ACTIVE and each.role in action.approvers and each.login != by
    ]


class ApprovalMail:
    """Sends what was queued, and says what became of it. One process sends, the scheduler."""

    def __init__(self, context: AdministrationContext, settings: Settings) -> None:
        self._context = context
        self._settings = settings

    def notified_approvers(self, act: AdminRequest) -> NotifiedApprovers:
        """Who knows that *act* waits."""
        action = REGISTRY.get(act.action)
        if action is None:  # another release asked for it
            return NotifiedApprovers((), (), ())
        with self._context.database.reading() as tx:
            states = {each.login: each.state for each in admin_requests.messages_about(tx, act.id)}
            wanted = deciders(tx, action, by=act.asked_by)
        queued = RequestMessageState.QUEUED if self._settings.mail.configured else None
        sent = tuple(each.name for each in wanted if states.get(each.login) is RequestMessageState.SENT)
        waiting = tuple(each.name for each in wanted if each.login in states and states[each.login] is queued)
        known = {*sent, *waiting}
        return NotifiedApprovers(sent, waiting, tuple(each.name for each in wanted if each.name not in known))

    def deliver_queued(self, mail: MailClient) -> int:
        """Sends what is due; how many mails the server took."""
        now, taken = self._context.now(), 0
        due = self._context.database.query(admin_requests.due_messages, now, limit=MOST)
        for message in due:
            with self._context.database.reading() as tx:
                act = admin_requests.load_request(tx, message.act)
                recipient = administrators.administrator(tx, message.login)
            state, problem = self._send(mail, act, recipient)
            taken += state is RequestMessageState.SENT
            with self._context.database.transaction() as tx:
                if state is RequestMessageState.QUEUED:
                    admin_requests.postpone_message(
                        tx, message, reason=problem, until=now + pause_after(message.attempts, LONGEST_PAUSE)
                    )
                else:
                    admin_requests.end_message(tx, message, state, problem or None)
        return taken

    def _send(
        self, mail: MailClient, act: AdminRequest, recipient: Administrator
    ) -> tuple[RequestMessageState, str]:
        gone = act.state is not AdminRequestState.WAITING or act.expires <= self._context.now()
        if gone or act.action not in REGISTRY or recipient.state is not AdministratorState.ACTIVE:
            return RequestMessageState.WITHDRAWN, ""
        domain = self._settings.mail.sender.rpartition("@")[2]
        name = f"<act-{act.id}-{recipient.login}@{domain}>"
        try:
            mail.send_message(
                Envelope(recipient.email, recipient.name, name, act.asked), self._message(act, recipient)
            )
        except DeliveryRefused as error:
            return RequestMessageState.REFUSED, str(error)
        except (DeliveryUnavailable, DeliveryUnknown) as error:
            return RequestMessageState.QUEUED, str(error) or type(error).__name__
        return RequestMessageState.SENT, ""

    def _message(self, act: AdminRequest, recipient: Administrator) -> MailMessage:
        """In the language that the recipient chose, else in that of the settings; times in the settings' zone."""
        zone = self._settings.interface.zone
        language = recipient.language or self._settings.interface.language
        translate = translator(language)
        subject = translate(SUBJECT, action=translate(REGISTRY[act.action].title))
        page = f"{self._settings.console.public_url}/requests/{act.id}"
        deadline = instants.minute(act.expires, zone)
        lines = [
            translate(GREETING, name=recipient.name),
            subject,
            translate(ASKED, who=act.asked_by, deadline=deadline, zone=zone),
            translate(READ, who=act.asked_by),
            translate(PAGE, address=page),
            translate(FROM, issuer=self._settings.organisation.name),
        ]
        return plain_message(subject, lines, language)
