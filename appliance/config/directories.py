"""Where people come from: an LDAP directory, an identity provider, and what directories may change here."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from appliance.config.connections import is_secure_address
from appliance.model.accounts import PEOPLES_ROLES, AccountRole
from hsm.names import LONGEST_ORGANISATION, is_organisation_name
from hsm.settings import checked, number, require


def _is_directory_address(url: str) -> bool:
    if not url:
        return True
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("ldap", "ldaps") and bool(parts.hostname) and not parts.username
        return fits and parts.path in ("", "/") and not parts.query and parts.port != 0
    except ValueError:  # not a port number
        return False


class DirectoryKind(StrEnum):
    """Which kind of LDAP server, whose attributes differ."""

    OPENLDAP = "openldap"
    ACTIVE_DIRECTORY = "active-directory"


@dataclass(frozen=True, slots=True)
class LdapSettings:
    """The LDAP directory that people are read from every so many ``minutes``; none without a ``url``.

    ``ldaps://`` is TLS from the start, with ``ldap://`` StartTLS comes first: nothing is asked in the clear.
    ``tls`` is a
    PEM file with the organisation's authorities (its path counts from ``config/``), where the system's do not fit.
    The password of ``bind_dn`` is the secret ``ldap.password``. People are found below ``people`` by
    ``filter``, groups below
    ``groups``; one reading takes ``seconds`` at most.
    """

    url: str = checked("", _is_directory_address, "like ldaps://directory.example or ldap://directory.example")
    kind: DirectoryKind = DirectoryKind.OPENLDAP
    tls: str = ""
    bind_dn: str = ""
    people: str = ""
    filter: str = ""
    groups: str = ""
    minutes: int = number(3, 1, 60)
    seconds: int = number(120, 5, 600)

    @property
    def configured(self) -> bool:
        """Whether people are read from an LDAP directory."""
        return bool(self.url)

    def check(self, name: str) -> None:
        """Raises ConfigurationRefused for a directory without a place to look in, or one read anonymously."""
        if self.url:
            require(
                bool(self.people), f"{name}.people", "like ou=people,dc=enterprise,dc=example when there is a url"
            )
            require(bool(self.bind_dn), f"{name}.bind_dn", "the name of a reading account when there is a url")


@dataclass(frozen=True, slots=True)
class OpenIdSettings:
    """The identity provider (OpenID Connect Core 1.0) that people sign in through; none without an ``issuer``.

    The secret of ``client`` is ``openid.secret``. ``name`` is what the button says. ``match`` is the claim by
    which somebody is found on their first sign-in among the directory's users, and ``attribute`` what it is
    compared with. ``acr``: the ID token has to name one of these (Core 1.0, 5.5.1.1). ``provision``: who is
    unknown gets an account, from the claims alone, where no other directory says who is there. ``trust_email``:
    mail addresses count without ``email_verified`` (Core 1.0, 5.1), where nobody can choose theirs at this
    provider. ``tls`` is a PEM file with the authorities of its server.
    """

    issuer: str = checked(
        "", is_secure_address, "like https://id.enterprise.example; http only on this machine itself"
    )
    client: str = ""
    name: str = ""
    scopes: list[str] = field(default_factory=lambda: ["openid", "profile", "email"])
    match: str = "preferred_username"
    attribute: str = checked("login", ("key", "login", "email").__contains__, '"key", "login" or "email"')
    acr: list[str] = field(default_factory=list)
    groups_claim: str = "groups"
    provision: bool = False
    trust_email: bool = False
    tls: str = ""
    seconds: int = number(10, 1, 30)

    @property
    def configured(self) -> bool:
        """Whether people sign in through an identity provider."""
        return bool(self.issuer)

    def check(self, name: str) -> None:
        """Raises ConfigurationRefused for a provider that nobody could sign in through."""
        if self.issuer:
            require(bool(self.client), f"{name}.client", "the client's id at the issuer when there is one")
            require("openid" in self.scopes, f"{name}.scopes", 'a list with "openid"')


class WorkGoesTo(StrEnum):
    """Who takes over what waits for somebody who has left."""

    MANAGER = "manager"
    """The manager, where the directory names one who can; officers decide about the rest."""
    OFFICERS = "officers"


def _are_peoples_roles(names: list[str]) -> bool:
    return all(name in PEOPLES_ROLES for name in names)


@dataclass(frozen=True, slots=True)
class DirectorySettings:
    """What the organisation's directories may change here.

    Their people are of ``organisation`` (empty: the one whose appliance it is). ``everybody`` are the roles of
    each of them whom no group makes an auditor or operator; the other lists name the groups that give a role.
    No group makes an officer. When more than ``most_removed`` people, or ``most_removed_percent`` of a
    directory's, would be gone within a day, two administrators decide. ``work_goes_to``: who takes over what
    waits for somebody who has left.
    """

    organisation: str = checked(
        "",
        lambda text: not text or is_organisation_name(text),
        f"1 to {LONGEST_ORGANISATION} visible characters without outer spaces",
    )
    everybody: list[str] = checked(
        ["signer"],
        _are_peoples_roles,
        'a list of "initiator", "signer", "custodian", "reviewer" and "investigator"',
    )
    initiator: list[str] = field(default_factory=list)
    signer: list[str] = field(default_factory=list)
    custodian: list[str] = field(default_factory=list)
    reviewer: list[str] = field(default_factory=list)
    investigator: list[str] = field(default_factory=list)
    auditor: list[str] = field(default_factory=list)
    operator: list[str] = field(default_factory=list)
    most_removed: int = number(20, 1, 100_000)
    most_removed_percent: int = number(5, 1, 100)
    work_goes_to: WorkGoesTo = WorkGoesTo.MANAGER

    def groups_of(self, role: AccountRole) -> list[str]:
        """The names of the groups that give *role*, one of :data:`MAPPABLE`."""
        found: list[str] = getattr(self, role.value)
        return found
