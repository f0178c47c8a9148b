"""The authority's errors as one small tree: sentences for people, with their values separate.

Each error carries a sentence *template* and its values, so that the same error can be shown in another language by
looking the template up in a catalogue, and a stable ``code`` that crosses the socket and lets the client raise the
same class again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar


class RefusalError(Exception):
    """Base of all refusals. ``str()`` is the English sentence; ``code`` is stable across releases."""

    code: ClassVar[str]

    def __init_subclass__(cls, *, code: str) -> None:
        """*code* is the class's own."""
        super().__init_subclass__()
        cls.code = code

    def __init__(self, template: str, **values: object) -> None:
        super().__init__(template.format(**values) if values else template)
        self.template = template
        self.values = values

    def plain_values(self) -> dict[str, int | str]:
        """The values as integers and texts, to cross to another process."""
        return {name: each if isinstance(each, (int, str)) else str(each) for name, each in self.values.items()}


class AuthorityError(RefusalError, code="authority-error"):
    """Base of the authority's refusals."""


class BadRequest(AuthorityError, code="bad-request"):
    """The request is not one of the typed operations, or a field is out of its domain. Fix the caller."""


class ConfigurationRefused(AuthorityError, code="configuration-refused"):
    """A setting is unknown, missing or out of its domain; the authority does not start."""


class NotPermitted(AuthorityError, code="not-permitted"):
    """This peer may not ask for this operation (socket role or peer credentials)."""


class ActivationRefused(AuthorityError, code="activation-refused"):
    """The activation is missing, for another intent, expired, replayed, by the wrong person, or does not
    verify."""


class ActivationLocked(ActivationRefused, code="activation-locked"):
    """Too many wrong answers: this credential waits before it may try again."""


class ActivationUsed(ActivationRefused, code="activation-used"):
    """The intent was used already, whether or not the answer arrived. It cannot be used again; start with a new
    intent."""


class TimeNotAvailable(AuthorityError, code="time-not-available"):
    """The clock is not proven within the declared accuracy, or stepped back (RFC 3161 failInfo 14)."""


class ConsistencyRefused(AuthorityError, code="consistency-refused"):
    """The log offered for a checkpoint does not extend the one that the authority signed last; or, at its start,
    the database has more of the log than it has signed."""


class CertificateRefused(AuthorityError, code="certificate-refused"):
    """Profile, key usage, validity or naming rules forbid this certificate or revocation."""


class UnknownKey(AuthorityError, code="unknown-key"):
    """No such key or subject in the authority's store."""


class AuthorityLocked(AuthorityError, code="authority-locked"):
    """The authority has no PIN, or latched after a wrong one; an operator has to act. Never retried."""


class ModuleUnavailable(AuthorityError, code="module-unavailable"):
    """The PKCS#11 module or token does not answer now; nothing was signed, trying again later is safe."""


class StoreUnavailable(AuthorityError, code="store-unavailable"):
    """The authority's own store cannot be read or written now (disk full, locked); nothing was signed."""


class AuthorityUnreachable(AuthorityError, code="authority-unreachable"):
    """The authority's socket does not answer; nothing is known to have been done."""


class KeyAttributesRefused(AuthorityError, code="key-attributes-refused"):
    """A key's attributes, read back from the token, are not those that were asked for."""


class Malformed(AuthorityError, code="malformed"):
    """Bytes that are not the DER, JSON or note that they should be."""


class EncryptionRefused(AuthorityError, code="seal-refused"):
    """A recovery key, or the file with one, is invalid; nothing was encrypted or decrypted."""


class DecryptionRefused(AuthorityError, code="seal-broken"):
    """An encrypted file cannot be decrypted: wrong key, or it was changed or truncated."""


class BackupRefused(AuthorityError, code="backup-refused"):
    """The authority's part of a backup cannot be made, or does not match this authority: the sentence gives the
    reason."""


def error_class(code: str) -> type[AuthorityError]:
    """The class with this ``code``; :class:`AuthorityError` itself for one that this release does not know."""
    waiting: list[type[AuthorityError]] = [AuthorityError]
    while waiting:
        candidate = waiting.pop()
        if candidate.code == code:
            return candidate
        waiting.extend(candidate.__subclasses__())
    return AuthorityError


@dataclass(frozen=True, slots=True)
class Sentence:
    """``str()`` is the English sentence. The values are texts or numbers that need no translation."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_error(cls, error: AuthorityError) -> Sentence:
        return cls(error.template, error.values)

    def __str__(self) -> str:
        return self.template.format(**self.values) if self.values else self.template

    def translated(self, translate: Callable[..., str]) -> str:
        """The sentence in the language of *translate*, which takes the template and its values."""
        return translate(self.template, **self.values)

    def to_wire(self) -> list[Any]:
        """Plain values for the socket."""
        return [self.template, {name: str(value) for name, value in self.values.items()}]
