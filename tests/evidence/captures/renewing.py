"""Packages whose timestamps run out and are renewed, with the keys of :mod:`tests.evidence.authority`."""

from __future__ import annotations

from datetime import datetime, timedelta

from appliance.evidence import container
from appliance.evidence.captures.renewals import renewed
from appliance.evidence.model import Certificates
from appliance.evidence.repacked import read_zip
from tests.evidence.authority import START, Revocation, TestAuthority
from tests.evidence.captured import built, evidence_for, small_capture

LASTS, EARLIER = timedelta(days=365), timedelta(days=30)
"""How long each timestamp key has its certificate, and how long before its end comes the next key."""


def short_lived() -> TestAuthority:
    """Its first timestamp key lasts a year."""
    authority = TestAuthority(now=START + timedelta(minutes=10))
    authority.tsa = authority.successor_of_tsa(1, START + LASTS)
    return authority


def package_by(authority: TestAuthority) -> bytes:
    """The package of a small capture."""
    return built(authority, evidence_for(authority, small_capture()))


def years_later(authority: TestAuthority, years: int) -> datetime:
    """The *authority* has its next timestamp key, *years* later but for a month."""
    authority.now = START + years * LASTS - EARLIER
    authority.tsa = authority.successor_of_tsa(years + 1, START + (years + 1) * LASTS)
    return authority.now


def renewed_by(authority: TestAuthority, package: bytes, *revoked: Revocation) -> bytes:
    """The package with one more renewed timestamp, made now, when these are *revoked*."""
    files = {path: bytes(data) for path, data in read_zip(package).files.items()}
    certificates = Certificates(
        root=authority.root.certificate,
        intermediates=(authority.issuing.certificate,),
        timestamping=authority.tsa.certificate,
        evidence=authority.evidence.certificate,
        crls=authority.crls(*revoked),
    )
    return container.write_container(files | renewed(files, certificates, authority.reply))


def renewed_in_time(authority: TestAuthority, times: int) -> bytes:
    """A package of a *short_lived* authority, renewed that often."""
    package = package_by(authority)
    for year in range(1, times + 1):
        years_later(authority, year)
        package = renewed_by(authority, package)
    return package
