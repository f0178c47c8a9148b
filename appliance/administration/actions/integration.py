"""Actions on the clients of the API: to let a program in takes two persons, to keep it out takes one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Final

from appliance.administration.action import (
    BOTH,
    SECURITY,
    Action,
    ActionContext,
    Argument,
    ArgumentKind,
    ExecutedBy,
)
from appliance.api_clients import new_client_id, read_scopes
from appliance.errors import PreconditionRefused
from appliance.model.administration import Actor, AdminRequestOutcome, subject_of
from appliance.model.api_clients import ClientAuthentication, ClientTerms

CREATE: Final = "api.create_client"
ROTATE: Final = "api.rotate_secret"
CHANGE_CERTIFICATE: Final = "api.change_certificate"
ORIGINS: Final = "api.change_origins"

_PARTS = re.compile("[;；]")
"""What lies between organisations, and between types: names have commas and blanks."""

_CLIENT = Argument("client", "The API client, by its id")


def joined(names: frozenset[str]) -> str:
    """*names* as one argument."""
    return "; ".join(sorted(names))


def _parts(text: str) -> frozenset[str]:
    return frozenset(part for each in _PARTS.split(text) if (part := each.strip()))


def _digest(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise PreconditionRefused("The SHA-256 of a secret has 64 hexadecimal digits.") from error


def _authentication(arguments: Mapping[str, str]) -> ClientAuthentication:
    secret = arguments.get("secret_digest")
    given = None if secret is None else _digest(secret), arguments.get("keys"), _thumbprint(arguments)
    try:
        return ClientAuthentication(*given, certificate_expires=_moment(arguments, "certificate_expires"))
    except ValueError as error:
        raise PreconditionRefused(
            "An API client proves who it is by one of these: a secret, keys, or a certificate."
        ) from error


def _thumbprint(arguments: Mapping[str, str]) -> str | None:
    """As it is kept; OpenSSL prints it with colons."""
    text = arguments.get("certificate")
    return None if text is None else text.replace(":", "").lower()


def _moment(arguments: Mapping[str, str], name: str) -> datetime | None:
    text = arguments.get(name)
    return datetime.fromisoformat(text) if text else None


def _create(parts: ActionContext, arguments: Mapping[str, str], by: Actor) -> AdminRequestOutcome:
    terms = ClientTerms(
        arguments["name"],
        read_scopes(arguments["scopes"].replace(",", " ").split()),
        _parts(arguments["organisations"]),
        _parts(arguments.get("kinds", "")),
        frozenset(arguments.get("origins", "").split()),
    )
    client_id = arguments.get("client", "") or new_client_id()
    made = parts.appliance.api_clients.create(
        client_id, terms, _authentication(arguments), by=subject_of(by.login)
    )
    return AdminRequestOutcome("{name} can use the API, as {client}.", {"name": made.name, "client": made.id})


def _suspend(parts: ActionContext, arguments: Mapping[str, str], by: Actor) -> AdminRequestOutcome:
    client = parts.appliance.api_clients.suspend(arguments["client"], by=subject_of(by.login))
    return AdminRequestOutcome("{name} cannot use the API any more.", {"name": client.name})


def _resume(parts: ActionContext, arguments: Mapping[str, str], by: Actor) -> AdminRequestOutcome:
    client = parts.appliance.api_clients.resume(arguments["client"], by=subject_of(by.login))
    return AdminRequestOutcome("{name} can use the API again.", {"name": client.name})


def _change_origins(parts: ActionContext, arguments: Mapping[str, str], by: Actor) -> AdminRequestOutcome:
    origins = frozenset(arguments.get("origins", "").split())
    client = parts.appliance.api_clients.change_origins(arguments["client"], origins, by=subject_of(by.login))
    if not client.origins:
        return AdminRequestOutcome("Links of {name} are embedded nowhere any more.", {"name": client.name})
    values = {"name": client.name, "origins": " ".join(sorted(client.origins))}
    return AdminRequestOutcome("Links of {name} may be embedded in pages of {origins}.", values)


def _rotate(parts: ActionContext, arguments: Mapping[str, str], by: Actor) -> AdminRequestOutcome:
    client = parts.appliance.api_clients.change_secret(
        arguments["client"],
        _digest(arguments["secret_digest"]),
        old_until=_moment(arguments, "old_until"),
        by=subject_of(by.login),
    )
    return AdminRequestOutcome("{name} has a new secret.", {"name": client.name})


def _change_certificate(parts: ActionContext, arguments: Mapping[str, str], by: Actor) -> AdminRequestOutcome:
    client = parts.appliance.api_clients.change_certificate(
        arguments["client"],
        _thumbprint(arguments) or "",
        datetime.fromisoformat(arguments["certificate_expires"]),
        old_until=_moment(arguments, "old_until"),
        by=subject_of(by.login),
    )
    return AdminRequestOutcome("{name} has a new certificate.", {"name": client.name})


_alone = partial(Action, who=BOTH, executed_by=ExecutedBy.SCHEDULER)
_by_two = partial(_alone, approvers=SECURITY)

ACTIONS = (
    _by_two(
        CREATE,
        "Create an API client",
        "The program {name} ({client}, or a new id) may use the API in the name of initiators, for contracts of"
        " {organisations} and of the types {kinds} (all types where none is named). Scopes: {scopes}. It proves"
        " who it is by a secret with the SHA-256 {secret_digest}, by the keys {keys}, or by a certificate with the"
        " SHA-256 {certificate}, until {certificate_expires} at most. Links of outside signers may be embedded in"
        " pages of {origins} (in none where none is named). It can sign nothing.",
        undo="The action api.suspend_client.",
        arguments=(
            Argument("name", "Name of the program"),
            Argument("scopes", "Scopes, such as contracts:read contracts:write"),
            Argument("organisations", "Organisations that it works for, with ; between them"),
            Argument("kinds", "Types of contract, with ; between them; without any, all", required=False),
            Argument("origins", "Origins whose pages may embed links, with blanks between", required=False),
            Argument("client", "Its id; without one, a new id is made", required=False),
            Argument("secret_digest", "SHA-256 of its secret, which stays with who made it", required=False),
            Argument("keys", "Its public keys, as a JWK set", required=False),
            Argument("certificate", "SHA-256 of its client certificate (DER)", required=False),
            Argument("certificate_expires", "When the certificate expires", ArgumentKind.MOMENT, required=False),
        ),
        perform=_create,
    ),
    _alone(
        "api.suspend_client",
        "Suspend an API client",
        "The API client {client} gets no access any more, and the access that it has ends at once.",
        undo="The action api.resume_client.",
        arguments=(_CLIENT,),
        perform=_suspend,
    ),
    _by_two(
        "api.resume_client",
        "Resume an API client",
        "The API client {client} gets access again, with what it proved itself by before.",
        undo="The action api.suspend_client.",
        arguments=(_CLIENT,),
        perform=_resume,
    ),
    _by_two(
        ORIGINS,
        "Change where links of an API client are embedded",
        "Links of outside signers that the API client {client} gets may be embedded in pages of {origins} alone;"
        " nowhere where none is named. That counts for the links that it has got, too.",
        undo="The same action with the origins before; or, at once, the action api.suspend_client.",
        arguments=(
            _CLIENT,
            Argument("origins", "All origins whose pages may embed links, with blanks between", required=False),
        ),
        perform=_change_origins,
    ),
    _by_two(
        ROTATE,
        "Change the secret of an API client",
        "The API client {client} proves who it is by a new secret, with the SHA-256 {secret_digest}. The old one"
        " is valid until {old_until}; without a moment it ends at once, with the access that the client has.",
        undo="Another change of the secret, or the action api.suspend_client.",
        arguments=(
            _CLIENT,
            Argument("secret_digest", "SHA-256 of the new secret, which stays with who made it"),
            Argument("old_until", "Until when the old secret is valid too", ArgumentKind.MOMENT, required=False),
        ),
        perform=_rotate,
    ),
    _by_two(
        CHANGE_CERTIFICATE,
        "Change the certificate of an API client",
        "The API client {client} proves who it is by a new certificate, with the SHA-256 {certificate}, until"
        " {certificate_expires} at most. The old one is valid until {old_until}; without a moment it ends at once,"
        " with the access that the client has.",
        undo="Another change of the certificate, or the action api.suspend_client.",
        arguments=(
            _CLIENT,
            Argument("certificate", "SHA-256 of its client certificate (DER)"),
            Argument("certificate_expires", "When the certificate expires", ArgumentKind.MOMENT),
            Argument(
                "old_until", "Until when the old certificate is valid too", ArgumentKind.MOMENT, required=False
            ),
        ),
        perform=_change_certificate,
    ),
)
