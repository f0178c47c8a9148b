"""The commands that the README shows: each stands alone, writes nothing, and ends with status 0 exactly when what
it checks holds. Only numbers and our own file names go into them."""

from __future__ import annotations

import base64
import textwrap

from appliance.evidence import log_files
from appliance.evidence.extraction import (
    CertificateStatus,
    ExtractedRecord,
    ExtractedSignature,
    ExtractedTimestamp,
    Revoked,
)
from appliance.evidence.model import LogMaterial
from appliance.pdf.byte_ranges import ByteRange

_TRUST = "-CAfile certificates/ca.pem"
_CHAIN = "certificates/chain.pem"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_PDF = "contract/contract.signed.pdf"
_MANIFEST_LINES = (
    "tr '{' '\\n' < manifest.json | "
    r"""sed -n 's/^"path":"\([^"]*\)","sha256":"\([0-9a-f]*\)".*/\2 \1/p'"""
)


ROOT = (
    'test "$(openssl x509 -in certificates/ca.pem)" = "$(cat certificates/ca.pem)" && \\\n'
    "openssl x509 -in certificates/ca.pem -noout -subject -dates -fingerprint -sha256"
)
"""A second certificate in that file would be trusted as well, and not shown."""
SAME_DIGESTS = (
    'while read -r hash path; do test "$(openssl dgst -sha256 -r "$path" | cut -c1-64)" = "$hash" || exit 1; done'
)
"""Behind a pipe with digests and paths: the files have these digests."""
HASHES = f"{_MANIFEST_LINES} | \\\n{SAME_DIGESTS}"
UNLISTED = (
    f'test "$( ({_MANIFEST_LINES} | cut -c66-; \\\n'
    "printf 'manifest.%s\\n' json p7s tsq tsr) | LC_ALL=C sort)\" = \\\n"
    "\"$(find . ! -type d | sed 's|^[.]/||' | LC_ALL=C sort)\""
)
_NOTE_TEXT = 'test "$(sed \'/^$/,$d\' log/checkpoint)" = "$(cat log/checkpoint.text)"'
_NOTE_VALUE = (
    'test "$(sed -n \'/^$/,$p\' log/checkpoint | grep -F "— $(sed -n 1p log/checkpoint.text) " | '
    "sed 's/.* //' | \\\nopenssl base64 -d -A | tail -c +5 | openssl base64 -A)\" = "
    '"$(openssl base64 -A -in log/checkpoint.sig)"'
)
_NOTE_SIGNATURE = (
    "openssl pkeyutl -verify -rawin -pubin -inkey log/log.pub.pem -sigfile log/checkpoint.sig \\\n"
    "-in log/checkpoint.text"
)

_SERVICE = "certificates/evidence.pem"
_NO_PERSON = (
    f"openssl x509 -in {_SERVICE} -noout -subject -nameopt oid,sep_multiline | \\\n"
    "awk '/^ *2[.]5[.]4[.]3=/ { named = 1 } /^ *2[.]5[.]4[.]5=/ { person = 1 } END { exit !named || person }'"
)
_FOR_DOCUMENTS = f"openssl x509 -in {_SERVICE} -noout -ext extendedKeyUsage | grep 'E-mail Protection'"
EVIDENCE_SERVICE = (_NO_PERSON, _FOR_DOCUMENTS)
"""The certificate that the manifest must be signed by is an evidence service's: those of people and seals have a
serialNumber (2.5.4.5) in their names, those of other services another extended key usage."""

_NAMED_STATE = (
    "test \"$(tr '\\n' ' ' < log/checkpoint.text)\" = \\\n"
    """"$(sed -n 's/^{\\("capture":"[0-9a-f]*",\\)*"checkpoint":{"origin":"\\([^"\\\\]*\\)","""
    """"root":"\\([^"\\\\]*\\)","size":\\([0-9]*\\)},.*/\\2 \\4 \\3 /p' manifest.json)\""""
)
CHECKPOINT = (_NOTE_TEXT, _NAMED_STATE, _NOTE_VALUE, _NOTE_SIGNATURE)
"""``checkpoint.text`` is the note's text, and states the origin, size and root that the manifest names;
``checkpoint.sig`` is its signature; the signature is the log key's."""


def original(size: int) -> str:
    """The signed PDF begins with the *size* bytes of the original."""
    return (
        f'test "$(head -c {size} {_PDF} | openssl dgst -sha256 -r | cut -c1-64)" = \\\n'
        f'"$({_digest("contract/contract.pdf")})"'
    )


def _elsewhere(signature: str, content: str, moment: int, anchor: str) -> str:
    """As :func:`detached`, by a certificate that leads to the one in the file *anchor* and need be for no
    purpose."""
    return (
        f"openssl cms -verify -binary -inform DER -in {signature} -content {content} -out /dev/null \\\n"
        f"-purpose any -CAfile {anchor} -partial_chain -no-CApath -no-CAstore -attime {moment}"
    )


def detached(signature: str, content: str, moment: int) -> str:
    """The CMS in the file *signature* is over the file *content*, by a certificate valid at *moment*."""
    return (
        f"openssl cms -verify -binary -inform DER -in {signature} -content {content} -out /dev/null \\\n"
        f"{_TRUST} -no-CApath -no-CAstore -certfile {_CHAIN} -attime {moment}"
    )


def manifest(moment: int) -> tuple[str, ...]:
    """The manifest is signed, and by exactly the evidence service's certificate: the first one in its file, which
    every other command reads too."""
    pinned = (
        f"openssl x509 -in {_SERVICE} | \\\n"
        "openssl cms -verify -binary -inform DER -in manifest.p7s -content manifest.json -out /dev/null \\\n"
        f"{_TRUST} -no-CApath -no-CAstore -nointern -certfile /dev/stdin -attime {moment}"
    )
    return detached("manifest.p7s", "manifest.json", moment), pinned, *EVIDENCE_SERVICE


def reply(content: str, query: str, answer: str, moment: int) -> tuple[str, ...]:
    """The reply in the file *answer* dates the file *content*, and answers exactly the *query*."""
    tail = f"-in {answer} \\\n{_TRUST} -untrusted {_CHAIN} -attime {moment}"
    return f"openssl ts -verify -data {content} {tail}", f"openssl ts -verify -queryfile {query} {tail}"


def token(stamp: str, content: str, moment: int) -> str:
    """The token in the file *stamp* dates the file *content*."""
    return (
        f"openssl ts -verify -token_in -in {stamp} -data {content} \\\n"
        f"{_TRUST} -untrusted {_CHAIN} -attime {moment}"
    )


def checkpoint_token(moment: int) -> str:
    """The token dates the checkpoint as the log signed it: text, empty line, and its signature, without those of
    witnesses."""
    return f"sed 5q log/checkpoint | \\\n{token('log/checkpoint.tst', '/dev/stdin', moment)}"


def of_certificate(status: CertificateStatus) -> tuple[str, ...]:
    """The certificate leads to the root, and stood on no revocation list when these were made or, revoked only
    later than it signed, stands there with that date."""
    if not status.revoked_later:
        return (_verified(status, "-crl_check_all"),)
    itself = () if status.itself_revoked else (_verified(status, "-crl_check"),)
    return (_verified(status), *itself, *map(_listed, status.revoked))


def _verified(status: CertificateStatus, lists: str = "") -> str:
    """Checks the certificate by the option *lists*: ``-crl_check`` uses its issuer's list, ``-crl_check_all`` all
    lists, an empty text none. A ``moment`` of 0 means that it had expired by then, so no time is checked."""
    time = f"-attime {status.moment}" if status.moment else "-no_check_time"
    options = f"{lists} -CRLfile certificates/crls.pem {_TRUST}" if lists else _TRUST
    return (
        f"openssl verify {options} \\\n"
        f"-no-CApath -no-CAstore -untrusted {_CHAIN} {time} certificates/{status.name}.pem"
    )


def _listed(revoked: Revoked) -> str:
    """The entry of the list about this serial number has this date."""
    at = revoked.at
    date = f"{_MONTHS[at.month - 1]} {at.day:2} {at:%H:%M:%S} {at.year} GMT"
    serial = f"{revoked.serial:X}"
    serial = serial.zfill(len(serial) + len(serial) % 2)
    return (
        f"awk '/BEGIN/ {{ n++ }} n == {revoked.number}' certificates/crls.pem | openssl crl -noout -text | \\\n"
        f"sed -n '/Serial Number: {serial}$/{{n;p;}}' | grep -F 'Revocation Date: {date}'"
    )


def of_signature(each: ExtractedSignature) -> tuple[str, ...]:
    """Four commands: in the PDF as in the package; the signature; its value in the CMS; the timestamp over it."""
    name, moment = f"signatures/{each.number}", int(each.signed.at.timestamp())
    anchor = f"certificates/own-{each.number}-anchor.pem"
    made = f"{name}.p7s", "/dev/stdin", moment
    return (
        _embedded(f"{name}.p7s", each.covers),
        f"{_covered(each.covers)} | \\\n{_elsewhere(*made, anchor) if each.is_own else detached(*made)}",
        _value_of(f"{name}.p7s", f"{name}.sig"),
        token(f"{name}.tst", f"{name}.sig", moment),
    )


def of_timestamp(each: ExtractedTimestamp) -> tuple[str, ...]:
    """The two commands of a document timestamp: in the PDF as in the package; the timestamp over the bytes."""
    name, moment = f"signatures/{each.number}.tst", int(each.at.timestamp())
    return _embedded(name, each.covers), f"{_covered(each.covers)} | \\\n{token(name, '/dev/stdin', moment)}"


def of_record(each: ExtractedRecord) -> tuple[str, ...]:
    """The three commands of a signed record: the signature, its value inside the CMS, the timestamp over it."""
    name, moment = each.record.name, int(each.signed.at.timestamp())
    return (
        detached(f"{name}.p7s", f"{name}.json", moment),
        _value_of(f"{name}.p7s", f"{name}.sig"),
        token(f"{name}.tst", f"{name}.sig", moment),
    )


def inclusion(log: LogMaterial) -> str:
    """From the newest entry up to the checkpoint's root, one line a step (RFC 6962, 2.1)."""
    entry = log.entries[-1]
    size = log_files.read_log_files(log.checkpoint, log.vkey).state.size
    lines = [f"(printf '\\000'; cat {log_files.entry_path(entry.index)}) | openssl dgst -sha256 -binary | \\"]
    for sibling, left in log_files.proof_steps(entry.index, size, log_files.parse_proof(entry.proof).hashes):
        other = f"echo {base64.b64encode(sibling).decode()} | openssl base64 -d"
        pair = f"{other}; cat" if left else f"cat; {other}"
        lines.append(f"(printf '\\001'; {pair}) | openssl dgst -sha256 -binary | \\")
    return 'test "$( ' + "\n".join(lines) + '\nopenssl base64)" = "$(sed -n 3p log/checkpoint.text)"'


def indented(command: str) -> str:
    """As the README shows it: four spaces before every line; nothing else in a README is indented so."""
    return textwrap.indent(command, "    ")


def _digest(path: str) -> str:
    return f"openssl dgst -sha256 -r {path} | cut -c1-64"


def _covered(covers: ByteRange) -> str:
    """The bytes that a signature covers: all of its revision but its own hexadecimal string."""
    return f"(head -c {covers.gap_start} {_PDF}; tail -c +{covers.gap_end + 1} {_PDF} | head -c {covers.length})"


def _embedded(path: str, covers: ByteRange) -> str:
    """The hexadecimal string in the PDF is the file *path*, then zeros only."""
    room = covers.gap_end - covers.gap_start - 2
    return (
        f"test \"$(tail -c +{covers.gap_start + 2} {_PDF} | head -c {room} | tr A-F a-f | sed 's/0*$//')\" = \\\n"
        f"\"$(od -An -v -tx1 {path} | tr -d ' \\n' | sed 's/0*$//')\""
    )


def _value_of(message: str, value: str) -> str:
    """The file *value* is the value of the only signature in the file *message*: it alone stands there as octets
    at its depth. Any other bytes of the message could have been dated before it was made."""
    return (
        f"told=$(openssl asn1parse -inform DER -in {message}) && \\\n"
        "test \"$(printf '%s\\n' \"$told\" | sed -n 's/^ *[0-9]*:d=5 .*: OCTET STRING *//p')\" = \\\n"
        f"\"[HEX DUMP]:$(od -An -v -tx1 {value} | tr -d ' \\n' | tr a-f A-F)\""
    )
