"""Mail by SMTP (RFC 5321), one message at a time."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import TYPE_CHECKING

from appliance.config import MailSettings, Security
from appliance.notices.messages import MailMessage

if TYPE_CHECKING:
    from typing_extensions import Buffer

TIMEOUT = 30.0

GREETING = 5.0
"""Seconds for looking whether the server is there."""


class MailRefused(Exception):
    """The server said no for good (5xx) to this message or its recipient."""


class MailUnavailable(Exception):
    """Certainly not sent: no connection, no login, or a temporary no (4xx). Trying again is safe."""


class MailUnreachable(MailUnavailable):
    """No connection to the server, or no login: nothing at all can be sent now."""


class MailUnknown(Exception):
    """The connection ended after the text was handed over: it may or may not have been taken."""


def pause_after(failures: int, longest: timedelta) -> timedelta:
    """How long to wait for the next try: 15 seconds, doubled for each of the *failures*, *longest* at most."""
    return min(timedelta(seconds=15 * 2 ** min(failures, 10)), longest)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Somebody's name and address of mail."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """One mail: to whom, under which Message-ID (with its angle brackets), dated when; ``answers`` go to somebody
    else than the sender (Reply-To, RFC 5322, 3.6.2)."""

    recipient: str
    name: str
    message_id: str
    date: datetime
    answers: Mailbox | None = None


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
    """An SMTP server; *password* logs *settings*' user in and appears nowhere else."""

    def __init__(self, settings: MailSettings, password: str | None) -> None:
        self._settings = settings
        self._password = password

    def send_message(self, envelope: Envelope, message: MailMessage) -> str:
        """Returns what the server answered to the text, which begins with 250 (RFC 5321, 4.2.5: it is responsible
        from then on).

        Raises :class:`MailUnreachable`, :class:`MailUnavailable`, :class:`MailRefused` or :class:`MailUnknown`.
        """
        email = self._email(envelope, message)
        connection = self._connected()
        try:
            return _hand_over(connection, email)
        finally:
            connection.close()

    def greet(self) -> None:
        """Connects, logs in and leaves again: whether mail could be sent now. Raises :class:`MailUnreachable`."""
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
        """A connection that is logged in. Raises :class:`MailUnreachable`."""
        settings = self._settings
        context = ssl.create_default_context()
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
            raise MailUnreachable(_why(error)) from error
        return connection


def _address(name: str, address: str) -> Address:
    """To whom it goes. Raises :class:`MailRefused` for what is no address: it is the message's own fault."""
    try:
        return Address(name, addr_spec=address)
    except (ValueError, IndexError, MessageError) as error:
        raise MailRefused(f"“{address}” is no address for mail") from error


def _hand_over(connection: _Plain, message: EmailMessage) -> str:
    try:
        connection.send_message(message)
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        kind = MailRefused if _is_final(error) else MailUnavailable
        raise kind(_why(error)) from error
    except smtplib.SMTPNotSupportedError as error:  # the server takes no such address; nothing was handed over
        raise MailRefused(_why(error)) from error
    except (OSError, smtplib.SMTPException) as error:
        raise MailUnknown(_why(error)) from error
    return connection.answered


def _is_final(error: smtplib.SMTPException) -> bool:
    """True for 5yz replies (RFC 5321, 4.2.1)."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPResponseException) and error.smtp_code >= 500


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
