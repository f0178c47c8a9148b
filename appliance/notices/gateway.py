"""The channel of text messages: an HTTPS POST of JSON to the organisation's own message gateway, which passes it
on, by SMS for example. docs/message-gateway.md has what a gateway is sent and what it answers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Final

from appliance.config import Settings
from appliance.egress import Egress, EgressFailed, ExchangeLimits, Reply
from appliance.notices.channel import (
    DeliveryRefused,
    DeliveryUnavailable,
    DeliveryUnknown,
    DeliveryUnreachable,
    Envelope,
)
from appliance.notices.messages import TextMessage
from appliance.standard_webhooks import WebhookKeys

GREETING: Final = 5.0
"""Seconds for asking whether the gateway would take a message."""

LARGEST: Final = 64 * 1024
"""Bytes of an answer."""

LONGEST_REASON: Final = 200
"""Characters of what a gateway says to a message that it does not take."""

_ANY_STATUS: Final = frozenset(range(200, 600))
_HAD_IT_BEFORE: Final = 409
_FOR_NOW: Final = frozenset({408, 425})
"""This message alone, for now (RFC 9110, 15.5.9; RFC 8470, 5.2)."""
_NOT_US: Final = frozenset({401, 403, 407, 429})
"""No message of ours, until somebody changes something, or for a while (429)."""


class GatewayClient:
    """The message gateway of *settings*; *key* signs what it gets (Standard Webhooks). The gateway passes on once
    what comes twice under one id."""

    is_idempotent = True

    def __init__(self, settings: Settings, key: bytes, now: Callable[[], datetime]) -> None:
        gateway = settings.gateway
        self._url, self._key, self._now = gateway.url, key, now
        trust = str(settings.beside(gateway.tls)) if gateway.tls else None
        limits = ExchangeLimits(float(gateway.seconds), LARGEST, _ANY_STATUS)
        self._sending = Egress(limits, trust=trust)
        self._asking = Egress(replace(limits, seconds=min(limits.seconds, GREETING)), trust=trust)

    def send_message(self, envelope: Envelope, message: TextMessage) -> str:
        """The status with which the gateway took it: 2xx, or 409 if it had it before. Raises as the port does."""
        name = message_name(envelope.message_id)
        data = {
            "id": name,
            "kind": message.kind,
            "to": envelope.recipient,
            "language": message.language.value,
            "text": message.text,
            "values": dict(message.values),
        }
        reply = self._post(self._sending, name, "message.text", data)
        if reply.status // 100 != 2 and reply.status != _HAD_IT_BEFORE:
            raise _not_taken(reply, _reason(reply, message))
        return str(reply.status)

    def greet(self) -> None:
        """Asks the gateway whether it would take a message of ours now (``message.check``)."""
        now = self._now()
        try:
            reply = self._post(self._asking, f"check-{int(now.timestamp() * 1000)}", "message.check", {})
        except DeliveryUnknown as error:
            raise DeliveryUnreachable(str(error)) from error
        if reply.status // 100 != 2:
            raise DeliveryUnreachable(_reason(reply))

    def _post(self, egress: Egress, name: str, kind: str, data: Mapping[str, object]) -> Reply:
        """Raises :class:`DeliveryUnreachable`, and :class:`DeliveryUnknown` when the gateway may have it."""
        now = self._now()
        whole = {"type": kind, "timestamp": now.isoformat(), "data": data}
        body = json.dumps(whole, ensure_ascii=False).encode()
        try:
            return egress.post(self._url, body, WebhookKeys.of_file(self._key).headers(name, now, body))
        except EgressFailed as error:
            raise (DeliveryUnknown if error.sent else DeliveryUnreachable)(str(error)) from error


def message_name(message_id: str) -> str:
    """The id under which the gateway knows a message: that before the @, since Standard Webhooks has no full stop
    in it."""
    return f"msg_{message_id.strip('<>').partition('@')[0]}"


def _not_taken(reply: Reply, reason: str) -> Exception:
    """What the status means (RFC 9110, 15): a redirection is an address that is not the gateway's; after 5xx the
    message may have been passed on."""
    if reply.status in _NOT_US or reply.status // 100 == 3:
        return DeliveryUnreachable(reason)
    if reply.status in _FOR_NOW:
        return DeliveryUnavailable(reason)
    return DeliveryUnknown(reason) if reply.status >= 500 else DeliveryRefused(reason)


def _reason(reply: Reply, message: TextMessage | None = None) -> str:
    """The status, with the member ``reason`` of a JSON answer, unless that repeats a code of the *message*: none
    is stored."""
    said = ""
    with suppress(ValueError, RecursionError):  # no JSON, or none that is an object of ours
        answer = json.loads(reply.body)
        said = str(answer.get("reason", "")) if isinstance(answer, dict) else ""
    said = " ".join("".join(each if each.isprintable() else " " for each in said).split())[:LONGEST_REASON]
    if message is not None and any(code in said for code in message.values.values() if code.isdigit()):
        said = ""
    return f"{reply.status} {said}".rstrip()
