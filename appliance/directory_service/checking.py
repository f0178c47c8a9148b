"""How far a reading gets, step by step, for whoever sets a directory up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

from appliance.config import DirectorySettings, LdapSettings
from appliance.confinement import frames
from appliance.directory_service import reaching
from appliance.directory_service.ldap_connection import Directory
from appliance.directory_service.messages import Finding, FrameKind, Outcome
from appliance.directory_service.request import Request
from appliance.directory_service.schemas import SCHEMAS
from appliance.directory_service.whole_reading import DirectoryReading, read, require_believable, required
from appliance.model.directories import MAPPABLE, group_key

_SOON = timedelta(days=30)


def finding_frames(request: Request) -> Iterator[dict[str, Any]]:
    """The frames of an answer, each as soon as its step is done. Raises RequestFailed where a step fails."""
    count = 0
    for count, finding in enumerate(_findings(request), 1):  # noqa: B007 - counted to the end
        yield {FrameKind.FINDING.value: frames.encode(finding)}
    yield {FrameKind.COMPLETE.value: count}


def _findings(request: Request) -> Iterator[Finding]:
    settings = required(request)
    trust, server = reaching.trusted_by(request), reaching.Server.of(settings)
    addresses = reaching.addresses_of(server)
    yield _good("address", host=server.host, addresses=", ".join(addresses))
    line = reaching.connect(server, request)
    yield _good("connection", host=server.host, port=server.port)
    yield _certificate(reaching.certificate_of(line, server, trust))
    with closing(Directory.secured(server, request, trust)) as directory:
        directory.bind()
        yield _good("bound", account=settings.bind_dn)
        reading = read(directory, settings)
    yield from _people(reading, settings)
    yield from _unknown_groups(reading, request.settings.directory)
    yield from _oddities(reading)
    require_believable(reading, settings)
    yield _good("keys", attribute=SCHEMAS[settings.kind].key)


def _certificate(certificate: reaching.ServerCertificate) -> Finding:
    values = {"issuer": certificate.issuer, "until": f"{certificate.until:%Y-%m-%d %H:%M}"}
    if certificate.until - datetime.now(UTC) < _SOON:
        return Finding("certificate-ends", Outcome.NOTICE, values)
    return Finding("certificate", Outcome.GOOD, values)


def _people(reading: DirectoryReading, settings: LdapSettings) -> Iterator[Finding]:
    disabled = sum(1 for each in reading.users if not each["enabled"])
    if reading.users:
        yield _good("people", base=settings.people, count=len(reading.users), disabled=disabled)
    for field in ("login", "name", "email", "department", "manager"):
        if count := sum(1 for each in reading.users if not each[field]):
            yield _notice("missing", attribute=field, count=count)
    logins = Counter(each["login"].casefold() for each in reading.users if each["login"])
    if count := sum(1 for times in logins.values() if times > 1):
        yield _notice("same-login", count=count)
    if settings.groups:
        yield _good("groups", base=settings.groups, count=len(reading.groups))
    else:
        yield _notice("no-groups")


def _unknown_groups(reading: DirectoryReading, settings: DirectorySettings) -> Iterator[Finding]:
    """A name that is misspelt gives nobody its role, and takes it from whoever had it by the right one."""
    known = {group_key(name) for names in reading.groups for name in names}
    for role in MAPPABLE:
        for name in settings.groups_of(role):
            if group_key(name) not in known:
                yield _notice("unknown-group", name=name, setting=f"directory.{role.value}")


def _oddities(reading: DirectoryReading) -> Iterator[Finding]:
    for attribute, count in sorted(reading.left_out.items()):
        if count:
            yield _notice("left-out", attribute=attribute, count=count)
    if reading.shared:
        yield _notice("same-group", count=reading.shared)
    if reading.references:
        yield _notice("references", count=len(reading.references))


def _good(code: str, **values: object) -> Finding:
    return Finding(code, Outcome.GOOD, values)


def _notice(code: str, **values: object) -> Finding:
    return Finding(code, Outcome.NOTICE, values)
