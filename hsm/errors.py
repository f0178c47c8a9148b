"""Everything that the authority refuses, as one small tree; sentences for people, with their values apart.

Each error carries a sentence *template* and its values, so that the same refusal can be shown in another
language by looking the template up in a catalogue, and a stable ``code`` that crosses the socket and lets the
caller's side raise the same class again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar


class AuthorityError(Exception):
    """Base of the authority's refusals. ``str()`` is the English sentence; ``code`` is stable across releases."""

    code: ClassVar[str] = "authority-error"

    def __init__(self, template: str, **values: object) -> None:
        super().__init__(template.format(**values) if values else template)
        self.template = template
        self.values = values

    def plain_values(self) -> dict[str, int | str]:
        """The values as integers and texts, to cross to another process."""
        return {name: each if isinstance(each, (int, str)) else str(each) for name, each in self.values.items()}


class BadRequest(AuthorityError):
    """The request is not one of the typed operations, or a field is out of its domain. Fix the caller."""

    code = "bad-request"


class ConfigurationRefused(AuthorityError):
    """A setting is unknown, missing or out of its domain; the authority does not start."""

    code = "configuration-refused"


class NotPermitted(AuthorityError):
    """This peer may not ask for this operation (socket role or peer credentials)."""

    code = "not-permitted"


class ActivationRefused(AuthorityError):
    """The activation is missing, for another intent, expired, replayed, by the wrong person, or does not
    verify."""

    code = "activation-refused"


class ActivationLocked(ActivationRefused):
    """Too many wrong answers: this credential waits before it may try again."""

    code = "activation-locked"


class ActivationUsed(ActivationRefused):
    """The intent was done already, whether or not the answer arrived: this intent is never done again. Begin
    another."""

    code = "activation-used"


class TimeNotAvailable(AuthorityError):
    """The clock is not proven within the declared accuracy, or stepped back (RFC 3161 failInfo 14)."""

    code = "time-not-available"


class ConsistencyRefused(AuthorityError):
    """The log offered for a checkpoint does not extend the one that the authority signed last."""

    code = "consistency-refused"


class CertificateRefused(AuthorityError):
    """Profile, key usage, validity or naming rules forbid this certificate or revocation."""

    code = "certificate-refused"


class UnknownKey(AuthorityError):
    """No such key or subject in the authority's store."""

    code = "unknown-key"


class AuthorityLocked(AuthorityError):
    """The authority has no PIN, or latched after a wrong one; an operator has to act. Never retried."""

    code = "authority-locked"


class ModuleUnavailable(AuthorityError):
    """The PKCS#11 module or token does not answer now; nothing was signed, trying again later is safe."""

    code = "module-unavailable"


class StoreUnavailable(AuthorityError):
    """The authority's own store cannot be read or written now (disk full, locked); nothing was signed."""

    code = "store-unavailable"


class AuthorityUnreachable(AuthorityError):
    """The authority's socket does not answer; nothing is known to have been done."""

    code = "authority-unreachable"


class KeyAttributesRefused(AuthorityError):
    """A key's attributes, read back from the token, are not those that were asked for."""

    code = "key-attributes-refused"


class Malformed(AuthorityError):
    """Bytes that are not the DER, JSON or note that they should be."""

    code = "malformed"


class EncryptionRefused(AuthorityError):
    """A recovery key, or the file with one, is not what it should be; nothing was sealed or opened."""

    code = "seal-refused"


class DecryptionRefused(AuthorityError):
    """What was sealed does not open: another key, or changed, or cut off."""

    code = "seal-broken"


class BackupRefused(AuthorityError):
    """The authority's part of a backup cannot be made, or does not fit: the sentence says what."""

    code = "backup-refused"


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
        """What *error* says."""
        return cls(error.template, error.values)

    def __str__(self) -> str:
        return self.template.format(**self.values) if self.values else self.template

    def translated(self, translate: Callable[..., str]) -> str:
        """The sentence in the language of *translate*, which takes the template and its values."""
        return translate(self.template, **self.values)

    def to_wire(self) -> list[Any]:
        """Plain values for the socket."""
        return [self.template, {name: str(value) for name, value in self.values.items()}]
