"""What tests of registrations share: somebody new, their device, and what the authority keeps of both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pysqlite3 import dbapi2 as sqlite

from hsm.authenticator import SoftwareAuthenticator
from hsm.client import AuthorityClient
from hsm.intents import OfficerIntent
from tests.authority import ORGANISATION, ORIGIN, RP_ID, RunningAuthority

PORTAL, CONSOLE = "http://localhost:8080", "http://localhost:8082"

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40

FLAGS = 32
"""Where they stand in the authenticator data."""


def device(rp_id: str = RP_ID, origin: str = ORIGIN) -> SoftwareAuthenticator:
    return SoftwareAuthenticator.create(rp_id, origin)


def begun(service: AuthorityClient, subject: str) -> bytes:
    return service.begin_registration(subject).challenge


def fingerprints(authority: RunningAuthority, subject: str) -> list[str]:
    return [each.fingerprint for each in authority.client("web").pending_credentials(subject)]


@contextmanager
def store(authority: RunningAuthority) -> Iterator[sqlite.Connection]:
    """The authority's own database."""
    connection = sqlite.connect(authority.root / "authority/authority.db", isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


def enrolment(authority: RunningAuthority, subject: str, credentials: object) -> OfficerIntent:
    named = {"subject": subject, "name": "张示例", "organisation": ORGANISATION}
    kind = "enrol_officer" if subject.startswith("officer-") else "enrol_person"
    return authority.officer_act(kind, **named, credentials=credentials)


def enrol(authority: RunningAuthority, subject: str, *credentials: object) -> None:
    """The officer enrols *subject*, a person or an officer, with what the fingerprints name."""
    act = enrolment(authority, subject, list(credentials))
    authority.officer_does(getattr(authority.client("web"), act.kind), act)
