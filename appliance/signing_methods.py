"""How an outside signer comes to sign, and who answers for who that is: the three methods, and their words.

Policy says for each type of contract which may be chosen (``outside_signers.methods``); the initiator chooses one
for each outside signer of a draft.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class SigningMethod(StrEnum):
    """The method of one outside signer in one contract."""

    VERIFIED = "verified"
    """Officers have verified who it is, once, and enrolled a passkey; the certificate is of this house."""
    VOUCHED = "vouched"
    """The initiator names person, organisation and channel; the authority certifies for this contract alone."""
    OWN_CERTIFICATE = "own-certificate"
    """The outsider signs elsewhere with a certificate of their own and uploads the file."""


AVAILABLE: Final = frozenset(SigningMethod)
"""Those that this release has; policy may name others."""

METHOD_TITLES: Final[Mapping[SigningMethod, str]] = {
    SigningMethod.VERIFIED: "Verified by registration officers",
    SigningMethod.VOUCHED: "Vouched for by the initiator",
    SigningMethod.OWN_CERTIFICATE: "Own certificate",
}
"""What pages and packages call them (message ids)."""

METHOD_HINTS: Final[Mapping[SigningMethod, str]] = {
    SigningMethod.VERIFIED: "An officer checks once who it is; then a passkey is enough.",
    SigningMethod.VOUCHED: "You answer for who it is; no officer waits.",
    SigningMethod.OWN_CERTIFICATE: "Signs the PDF elsewhere with a certificate of their own, and uploads it.",
}
"""What each asks of people, in one line (message ids)."""

NOT_ALLOWED: Final[Mapping[SigningMethod, str]] = {
    SigningMethod.VERIFIED: (
        "Policy does not let {name} sign with an identity that officers verify in contracts of this type;"
        " remove the party and add it with another method."
    ),
    SigningMethod.VOUCHED: (
        "Policy does not let {name} sign on the initiator's word in contracts of this type;"
        " remove the party and add it with another method."
    ),
    SigningMethod.OWN_CERTIFICATE: (
        "Policy does not let {name} sign with a certificate of their own in contracts of this type;"
        " remove the party and add it with another method."
    ),
}
"""Refusals (message ids)."""

NOT_AVAILABLE: Final = (
    "This release does not have the method that was chosen for {name};"
    " remove the party and add it with another one."
)

NOT_HERE: Final = (
    "Nobody can vouch for {name} on this machine: its CA for event certificates is missing, or the settings allow"
    " it to nobody. Ask the operators, or choose another method."
)
