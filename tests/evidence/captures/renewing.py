"""Packages whose timestamps run out and are renewed, with the keys of :mod:`tests.evidence.authority`."""

from __future__ import annotations

import hashlib
import inspect
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.evidence import container
from appliance.evidence.captures.renewals import renewed
from appliance.evidence.common_files import dated, pem
from appliance.evidence.model import Certificates
from appliance.evidence.repacked import read_zip
from hsm import der
from tests.evidence.authority import START, Revocation, TestAuthority
from tests.evidence.captured import built, evidence_for, small_capture
from tests.evidence.unpacked import ENVIRONMENT
from tests.holder import Holder

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


Lists = Callable[[TestAuthority], bytes]
WEEK = timedelta(days=7)
"""How long the authority's lists count."""
SECOND = timedelta(seconds=1)
_BIT_STRING = 0x03


def pem_of(lists: Iterable[bytes]) -> bytes:
    """Revocation lists in PEM, as openssl writes them."""
    return b"".join(pem(x509.load_der_x509_crl(each)) for each in lists)


def lists_at(authority: TestAuthority, moved: timedelta) -> tuple[bytes, ...]:
    """Those that the *authority* issued, or will, so much later than now."""
    now = authority.now
    authority.now = now + moved
    try:
        return authority.crls()
    finally:
        authority.now = now


def _endless(issuer: Holder, crl: bytes) -> bytes:
    """The list without the time when the next one is due, signed anew."""
    whole, algorithm, _ = der.members(crl)
    fields = der.members(whole)
    signed = der.element(der.SEQUENCE, *fields[:4], *fields[5:])
    signature = issuer.key.sign(signed, ec.ECDSA(hashes.SHA256()))
    return der.element(der.SEQUENCE, signed, algorithm, der.element(_BIT_STRING, b"\0", signature))


def _without_end(authority: TestAuthority) -> bytes:
    return pem_of(map(_endless, (authority.root, authority.issuing), authority.crls()))


def _of_another(authority: TestAuthority) -> bytes:
    """By another authority, whose names and times are the same."""
    other = short_lived()
    other.now = authority.now
    return pem_of(other.crls())


def _made_with(
    authority: TestAuthority,
    by: Holder,
    *more: tuple[x509.ExtensionType, bool],
    in_entry: bool = False,
    times: int = 1,
) -> bytes:
    """A list of now in PEM with these extensions (each critical or not), of the list or of its entry, which it has
    so many *times*."""
    builder = x509.CertificateRevocationListBuilder().issuer_name(by.certificate.subject)
    builder = builder.last_update(authority.now).next_update(authority.now + WEEK)
    entry = x509.RevokedCertificateBuilder().serial_number(1).revocation_date(START)
    for extension, critical in more:
        if in_entry:
            entry = entry.add_extension(extension, critical)
        else:
            builder = builder.add_extension(extension, critical)
    for _ in range(times):
        builder = builder.add_revoked_certificate(entry.build())
    made = builder.sign(by.key, hashes.SHA256())
    return pem_of([made.public_bytes(Encoding.DER)])


def of_part(**named: object) -> x509.IssuingDistributionPoint:
    """Marks a list as one of several."""
    plain = dict.fromkeys(inspect.signature(x509.IssuingDistributionPoint).parameters)
    kinds = {name: False for name in plain if name.startswith(("only_contains", "indirect"))}
    return x509.IssuingDistributionPoint(**{**plain, **kinds, **named})  # type: ignore[arg-type]  # by their names


PLACE = [x509.UniformResourceIdentifier("http://ca.example/1.crl")]
_UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.9"), b"\5\0")
_REASON = x509.CRLReason(x509.ReasonFlags.superseded)
_ANOTHER_KEY = x509.AuthorityKeyIdentifier(b"another key", None, None)
_OFF = x509.CRLReason(x509.ReasonFlags.remove_from_crl)
_ANOTHER_NUMBER = x509.AuthorityKeyIdentifier(None, [x509.DNSName("ca.example")], 4711)
_NO_NUMBER = x509.UnrecognizedExtension(x509.oid.ExtensionOID.CRL_NUMBER, b"\5\0")
_NO_REASON = x509.UnrecognizedExtension(x509.oid.CRLEntryExtensionOID.CRL_REASON, b"\x0a\1\7")


def _instead(*more: tuple[x509.ExtensionType, bool], in_entry: bool = False, times: int = 1) -> Lists:
    """Instead of the issuing CA's."""
    return lambda authority: (
        pem_of(authority.crls()[:1])
        + _made_with(authority, authority.issuing, *more, in_entry=in_entry, times=times)
    )


def _beside(*more: tuple[x509.ExtensionType, bool], in_entry: bool = False) -> Lists:
    return lambda authority: (
        good_lists(authority) + _made_with(authority, authority.issuing, *more, in_entry=in_entry)
    )


COUNTING: Mapping[str, Lists] = {
    "made now": lambda authority: pem_of(authority.crls()),
    "a second before the next ones are due": lambda authority: pem_of(lists_at(authority, SECOND - WEEK)),
    "older ones beside": lambda authority: pem_of([*authority.crls(), *lists_at(authority, -2 * WEEK)]),
}
"""What a renewal may bring."""

NOT_COUNTING: Mapping[str, Lists] = {
    "overdue": lambda authority: pem_of(lists_at(authority, -WEEK - SECOND)),
    "overdue from this second on": lambda authority: pem_of(lists_at(authority, -WEEK)),
    "of a year before": lambda authority: pem_of(lists_at(authority, EARLIER - LASTS)),
    "of later": lambda authority: pem_of(lists_at(authority, SECOND)),
    "without the root's": lambda authority: pem_of(authority.crls()[1:]),
    "without that of the issuing CA": lambda authority: pem_of(authority.crls()[:1]),
    "one of them overdue": lambda authority: pem_of([authority.crls()[0], lists_at(authority, -WEEK)[1]]),
    "with another key, as one says": _instead((_ANOTHER_KEY, False)),
    "the root's overdue": lambda authority: pem_of([lists_at(authority, -WEEK)[0], authority.crls()[1]]),
}
"""With these a renewal proves nothing of the timestamp before it."""

NO_LISTS: Mapping[str, Lists] = {
    "by another of these names": _of_another,
    "by another of these names beside": lambda authority: good_lists(authority) + _of_another(authority),
    "without an end": _without_end,
    "without an end beside": lambda authority: good_lists(authority) + _without_end(authority),
    "none": lambda authority: b"",
    "by the timestamp authority beside": lambda authority: (
        good_lists(authority) + _made_with(authority, authority.tsa)
    ),
    "changes alone": _instead((x509.DeltaCRLIndicator(1), False)),
    "changes beside": _beside((x509.DeltaCRLIndicator(1), True)),
    "of one part": _instead((of_part(full_name=PLACE), True)),
    "of a part that is everything": _instead((of_part(only_contains_user_certs=True), False)),
    "of others' certificates beside": _beside((of_part(indirect_crl=True), True)),
    "what nobody understands beside": _beside((_UNKNOWN, True)),
    "what nobody understands of one certificate": _instead((_UNKNOWN, True), in_entry=True),
    "what nobody understands, and need not": _instead((_UNKNOWN, False), in_entry=True),
    "a certificate that is on it no more": _instead((_OFF, False), in_entry=True),
    "a certificate twice": _instead(times=2),
    "another certificate of its issuer": _instead((_ANOTHER_NUMBER, False)),
    "another certificate of its issuer beside": _beside((_ANOTHER_NUMBER, False)),
    "no number": _beside((_NO_NUMBER, False)),
    "no reason": _beside((_NO_REASON, False), in_entry=True),
    "more names of its issuer": _beside((x509.IssuerAlternativeName([x509.DNSName("ca.example")]), False)),
    "what nobody understands of the list": _instead((_UNKNOWN, True)),
    "what nobody understands of one certificate beside": _beside((_UNKNOWN, True), in_entry=True),
    "a reason that has to be understood beside": _beside((_REASON, True), in_entry=True),
}
"""These are none that a renewal can have."""


def good_lists(authority: TestAuthority) -> bytes:
    """Those of now."""
    return COUNTING["made now"](authority)


UNDERSTOOD: Mapping[str, Lists] = {
    "a reason": _beside((_REASON, False), in_entry=True),
}
"""More that a package may have."""

FORMS: Mapping[str, Callable[[bytes], bytes]] = {
    "lines that end in CR and LF": lambda pem: pem.replace(b"\n", b"\r\n"),
    "the last line ending in CR and LF": lambda pem: pem[:-1] + b"\r\n",
    "text behind": lambda pem: pem + b"more\n",
    "a blank line behind": lambda pem: pem + b"\n",
    "an octet behind": lambda pem: pem + b"\0",
    "text before": lambda pem: b"issuer\n" + pem,
    "a blank line between": lambda pem: pem.replace(b"-----\n-----BEGIN", b"-----\n\n-----BEGIN"),
    "no end of the last line": lambda pem: pem[:-1],
    "blanks at an end": lambda pem: pem.replace(b"-----\n", b"----- \n", 1),
    "longer lines": lambda pem: re.sub(rb"\n([^\n-]{64})\n([^\n-]{12})", rb"\n\1\2\n", pem, count=1),
}
"""Other forms of the same PEM file, which no verifier takes."""


def redated(authority: TestAuthority, package: bytes, changes: Mapping[str, bytes]) -> bytes:
    """The package with other files in its last renewal, which is made anew over them."""
    files = {path: bytes(data) for path, data in read_zip(package).files.items()} | dict(changes)
    stem = max(path for path in files if path.endswith(".txt") and path.startswith("renewals/"))[:-4]
    paths = [line.split("  ")[1] for line in files[f"{stem}.txt"].decode().splitlines()]
    text = "".join(f"{hashlib.sha256(files[path]).hexdigest()}  {path}\n" for path in paths).encode()
    exchange = dated(text, authority.reply)
    changed = {f"{stem}.txt": text, f"{stem}.tsq": exchange.request, f"{stem}.tsr": exchange.reply}
    return container.write_container(files | changed)


def checked_at(checker: list[str], folder: Path, root: Path, at: datetime) -> tuple[int, str]:
    """What a checker says, by a clock that shows that time."""
    clock = folder.with_name("clock")
    clock.mkdir(exist_ok=True)
    (clock / "date").write_text(f"#!/bin/sh\necho {int(at.timestamp())}\n")
    (clock / "date").chmod(0o755)
    program = f"import runpy, time; time.time = lambda: {at.timestamp()}; "
    program += f"runpy.run_path({checker[-1]!r}, run_name='__main__')"
    command = [sys.executable, "-I", "-c", program] if checker[0] == sys.executable else checker
    done = subprocess.run(
        [*command, str(root)],
        cwd=folder,
        env=ENVIRONMENT | {"PATH": f"{clock}:{ENVIRONMENT['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=120,
    )
    return done.returncode, (done.stdout + done.stderr).decode()
