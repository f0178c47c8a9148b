"""Mail by SMTP (RFC 5321), one message at a time."""

from __future__ import annotations

import smtplib
import ssl
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import TYPE_CHECKING

from appliance.config import MailSettings, Security
from appliance.notices.channel import (
    DeliveryRefused,
    DeliveryUnavailable,
    DeliveryUnknown,
    DeliveryUnreachable,
    Envelope,
)
from appliance.notices.messages import MailMessage

if TYPE_CHECKING:
    from typing_extensions import Buffer

TIMEOUT = 30.0

GREETING = 5.0
"""Seconds for looking whether the server is there."""


class _Plain(smtplib.SMTP):
    """Begins in the clear, and may go on in TLS by STARTTLS; keeps what the server ``answered`` to the text."""

    answered = ""

    def data(self, msg: Buffer | str) -> tuple[int, bytes]:
        code, words = super().data(msg)
        self.answered = f"{code} {words.decode(errors='replace')}"
        return code, words


class _Tls(_Plain, smtplib.SMTP_SSL):
    """In TLS from the beginning."""


class MailClient:
    """The channel of mail, an SMTP server; *password* logs *settings*' user in and appears nowhere else. A server
    that gets a message twice delivers it twice."""

    is_idempotent = False

    def __init__(self, settings: MailSettings, password: str | None) -> None:
        self._settings = settings
        self._password = password

    def send_message(self, envelope: Envelope, message: MailMessage) -> str:
        """Returns what the server answered to the text, which begins with 250 (RFC 5321, 4.2.5: it is responsible
        from then on).

        Raises :class:`DeliveryUnreachable`, :class:`DeliveryUnavailable`, :class:`DeliveryRefused` or
        :class:`DeliveryUnknown`.
        """
        email = self._email(envelope, message)
        connection = self._connected()
        try:
            return _hand_over(connection, email)
        finally:
            connection.close()

    def greet(self) -> None:
        """Connects, logs in and leaves again: whether mail could be sent now.

        Raises :class:`DeliveryUnreachable`.
        """
        connection = self._connected(GREETING)
        try:
            connection.quit()
        except (OSError, smtplib.SMTPException):
            connection.close()

    def _email(self, envelope: Envelope, message: MailMessage) -> EmailMessage:
        email = EmailMessage()
        email["From"] = self._settings.sender
        email["To"] = _address(envelope.name, envelope.recipient)
        if envelope.answers is not None:
            email["Reply-To"] = _address(envelope.answers.name, envelope.answers.address)
        email["Subject"] = " ".join(message.subject.split())  # a line break in a title would be another header
        email["Date"] = format_datetime(envelope.date)
        email["Message-ID"] = envelope.message_id
        email["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
        email.set_content(message.body)
        email.add_alternative(message.html, subtype="html")
        return email

    def _connected(self, timeout: float = TIMEOUT) -> _Plain:
        """A connection that is logged in. Raises :class:`DeliveryUnreachable`."""
        settings = self._settings
        # It reads every authority that the machine trusts, which takes longer than all else of a message.
        context = None if settings.security is Security.NONE else ssl.create_default_context()
        try:
            if settings.security is Security.TLS:
                connection: _Plain = _Tls(settings.host, settings.port, timeout=timeout, context=context)
            else:
                connection = _Plain(settings.host, settings.port, timeout=timeout)
            try:
                if settings.security is Security.STARTTLS:
                    connection.starttls(context=context)
                if settings.user and self._password is not None:
                    connection.login(settings.user, self._password)
            except (OSError, smtplib.SMTPException):
                connection.close()
                raise
        except (OSError, smtplib.SMTPException) as error:
            raise DeliveryUnreachable(_why(error)) from error
        return connection


def _address(name: str, address: str) -> Address:
    """To whom it goes. Raises :class:`DeliveryRefused` for what is no address: it is the message's own fault."""
    try:
        return Address(name, addr_spec=address)
    except (ValueError, IndexError, MessageError) as error:
        raise DeliveryRefused(f"“{address}” is no address for mail") from error


def _hand_over(connection: _Plain, message: EmailMessage) -> str:
    try:
        connection.send_message(message)
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        kind = DeliveryRefused if _is_final(error) else DeliveryUnavailable
        raise kind(_why(error)) from error
    except smtplib.SMTPNotSupportedError as error:  # the server takes no such address; nothing was handed over
        raise DeliveryRefused(_why(error)) from error
    except (OSError, smtplib.SMTPException) as error:
        raise DeliveryUnknown(_why(error)) from error
    return connection.answered


def _is_final(error: smtplib.SMTPException) -> bool:
    """True for 5yz replies (RFC 5321, 4.2.1)."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPResponseException) and error.smtp_code >= 500


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
