"""Actions on what the scheduler does for people: mail, the log, contracts, maintenance."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from datetime import datetime
from functools import partial

from appliance.administration.action import SYSTEM, Action, ActionContext, Argument, ArgumentKind, ExecutedBy
from appliance.contact_details import email_address, mobile_number, telephone_number
from appliance.errors import PreconditionRefused, StateRefused
from appliance.model.administration import Actor, AdminRequestOutcome, MaintenanceWindow
from appliance.notices.channel import DeliveryRefused, DeliveryUnavailable, DeliveryUnknown, Envelope
from appliance.notices.gateway import GatewayClient
from appliance.notices.mail import MailClient
from appliance.notices.messages import compose_test_message, compose_test_text
from appliance.store import outbox


def _anchor(parts: ActionContext, _arguments: Mapping[str, str], _by: Actor) -> AdminRequestOutcome:
    parts.appliance.sequencer.run_once()
    latest = parts.appliance.proofs.checkpoint()
    template = "The log has {size} entries and the root {root}: keep both where this machine cannot reach them."
    return AdminRequestOutcome(template, {"size": latest.size, "root": latest.root.hex()})


def _retry(parts: ActionContext, arguments: Mapping[str, str], _by: Actor) -> AdminRequestOutcome:
    parts.appliance.stuck.retry(arguments["contract"])
    return AdminRequestOutcome("Contract {contract} goes on.", {"contract": arguments["contract"]})


def _resend(parts: ActionContext, arguments: Mapping[str, str], _by: Actor) -> AdminRequestOutcome:
    message = int(arguments["message"])
    with parts.appliance.database.transaction() as tx:
        if not outbox.resend(tx, message, parts.now()):
            raise StateRefused("This message is not one that can be sent again; look at what became of it.")
    return AdminRequestOutcome("Message {message} goes out once more.", {"message": message})


def _test_mail(parts: ActionContext, arguments: Mapping[str, str], _by: Actor) -> AdminRequestOutcome:
    settings, address = parts.settings, email_address(arguments["address"])
    if not settings.mail.configured:
        raise StateRefused("No mail server is set; fill in the settings mail.* and restart the services.")
    now = parts.now()
    message_id = f"<{secrets.token_hex(16)}@{settings.mail.sender.rpartition('@')[2]}>"
    server: dict[str, str | int] = {"host": settings.mail.host, "port": settings.mail.port}
    try:
        mail = MailClient(settings.mail, settings.mail_password(os.environ))
        answer = mail.send_message(Envelope(address, "", message_id, now), compose_test_message(settings, now))
    except (DeliveryRefused, DeliveryUnavailable, DeliveryUnknown) as error:
        raise StateRefused("The mail server {host}:{port} did not take it: {why}", **server, why=error) from error
    return AdminRequestOutcome("The mail server {host}:{port} answered: {answer}", {**server, "answer": answer})


def _test_text(parts: ActionContext, arguments: Mapping[str, str], _by: Actor) -> AdminRequestOutcome:
    settings, number = parts.settings, mobile_number(telephone_number(arguments["number"]))
    if not settings.gateway.configured:
        raise StateRefused("No message gateway is set; fill in the settings gateway.* and restart the services.")
    if number is None:
        raise PreconditionRefused("This is no mobile number; give one such as +86 138 0000 0000.")
    envelope = Envelope(number, "", f"<test{secrets.token_hex(16)}@notices.vermilion>", parts.now())
    url = settings.gateway.url
    try:
        gateway = GatewayClient(settings, settings.gateway_key(os.environ), parts.now)
        answer = gateway.send_message(envelope, compose_test_text(settings))
    except (DeliveryRefused, DeliveryUnavailable, DeliveryUnknown) as error:
        raise StateRefused("The message gateway {url} did not take it: {why}", url=url, why=error) from error
    return AdminRequestOutcome("The message gateway {url} answered: {answer}", {"url": url, "answer": answer})


def _begin(parts: ActionContext, arguments: Mapping[str, str], _by: Actor) -> AdminRequestOutcome:
    begins = arguments.get("begins")
    window = MaintenanceWindow(
        begins=datetime.fromisoformat(begins) if begins else parts.now(),
        until=datetime.fromisoformat(arguments["until"]),
        message=arguments.get("message", ""),
    )
    logins = arguments.get("exceptions", "").replace(",", " ").split()
    planned = parts.appliance.maintenance.plan(window, logins)
    if planned.is_under_way(parts.now()):
        if logins:
            told = "The maintenance has begun; everybody can only look, but for {logins}."
            return AdminRequestOutcome(told, {"logins": ", ".join(logins)})
        return AdminRequestOutcome("The maintenance has begun; everybody can only look.")
    return AdminRequestOutcome("The maintenance is announced on every page.")


def _end(parts: ActionContext, _arguments: Mapping[str, str], _by: Actor) -> AdminRequestOutcome:
    parts.appliance.maintenance.end()
    return AdminRequestOutcome("The maintenance has ended; everything goes on.")


_alone = partial(Action, who=SYSTEM, executed_by=ExecutedBy.SCHEDULER)

MAINTENANCE_ACTIONS = (
    _alone(
        "maintenance.begin",
        "Begin or announce a maintenance",
        "From {begins} (or now) until somebody ends it, expected at {until}, people can look and change"
        " nothing, no timestamps are given, and the scheduler holds; but for {exceptions}. Every page announces"
        " it: {message}",
        undo="The action maintenance.end, also before it begins.",
        arguments=(
            Argument("begins", "Begin; without it, now", ArgumentKind.MOMENT, required=False),
            Argument("until", "Expected end", ArgumentKind.MOMENT),
            Argument("message", "What people are told besides", required=False),
            Argument("exceptions", "Logins in the portal that may go on, for testing", required=False),
        ),
        perform=_begin,
    ),
    _alone(
        "maintenance.end",
        "End the maintenance",
        "The maintenance that is announced or under way ends; everything goes on.",
        undo="The action maintenance.begin.",
        perform=_end,
    ),
)

ACTIONS = (
    _alone(
        "log.anchor",
        "Anchor the log",
        "The log gets a checkpoint of this moment, whose size and root are shown, to be kept elsewhere.",
        perform=_anchor,
    ),
    _alone(
        "mail.test",
        "Send a test mail",
        "A test mail goes to {address}, at once and once; what the mail server answers is shown.",
        undo="A mail that is gone cannot be taken back; it says only that it is a test.",
        arguments=(Argument("address", "Address of mail"),),
        perform=_test_mail,
    ),
    _alone(
        "gateway.test",
        "Send a test text message",
        "A test message goes to {number} by the message gateway, at once and once; its answer is shown.",
        undo="A message that is gone cannot be taken back; it says only that it is a test.",
        arguments=(Argument("number", "Mobile number"),),
        perform=_test_text,
    ),
    _alone(
        "retries.contract",
        "Try a contract again",
        "What contract {contract} is stuck at is tried again: a signature that was received is completed,"
        " one that nobody received is abandoned; no signature is ever made anew.",
        undo="Nothing has to be taken back: it is what the scheduler does by itself.",
        arguments=(Argument("contract", "The contract, by its system ID"),),
        perform=_retry,
    ),
    _alone(
        "retries.mail",
        "Send a mail again",
        "Message {message}, whose arrival is unknown or that was refused, goes out once more.",
        undo="A mail that is gone cannot be taken back; it says the same as before.",
        arguments=(Argument("message", "The message, by its number", ArgumentKind.NUMBER),),
        perform=_resend,
    ),
)
