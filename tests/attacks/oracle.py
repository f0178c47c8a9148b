"""Why a mutant may pass, found without our verifier: by its bytes, and by what poppler shows of it.

An accepted mutant is explained when a signature of the original still covers, byte for byte, what it covered, and
what follows it, if anything, changes neither a page's picture nor its text. Its message may have lost what no
signature covers: certificates found elsewhere too, attributes that are not signed (RFC 5652, 5.1 and 5.3).
"""

from __future__ import annotations

import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from asn1crypto.cms import ContentInfo, SignedData
from asn1crypto.core import Asn1Value
from cryptography import x509
from cryptography.exceptions import InvalidSignature

from tests.attacks.victims import GOOD, ranges


def explained(original: bytes, mutant: bytes) -> bool:
    """Whether *mutant*, which passed, is as good as what was signed in *original*."""
    if mutant == original:
        return True
    ends = [end for start, stop, end in ranges(original) if _is_kept(original, mutant, start, stop, end)]
    if not ends:
        return False
    end = max(ends)
    return mutant[end:] == b"" or _shown(mutant) == _shown(original[:end])


def _is_kept(original: bytes, mutant: bytes, start: int, stop: int, end: int) -> bool:
    """The signed bytes are the same, and so is the signature, whatever the case of its digits."""
    if mutant[:start] != original[:start] or mutant[stop:end] != original[stop:end]:
        return False
    was, now = original[start:stop].lower(), mutant[start:stop].lower()
    return now == was or _only_lost(was, now)


def _only_lost(was: bytes, now: bytes) -> bool:
    """The message *now* is *was* without some of what is not signed."""
    try:
        before, after = _message(was), _message(now)
        return _signed(before) == _signed(after) and _unsigned(before) >= _unsigned(after)
    except (ValueError, TypeError, KeyError, IndexError):
        return False


def _message(digits: bytes) -> SignedData:
    content = bytes.fromhex(digits[1:-1].decode())
    return ContentInfo.load(content)["content"]


def _signed(message: SignedData) -> list[object]:
    """What makes the signature: who, over what, by which algorithms; and how many there are. Algorithms by their
    meaning: whether a digest's parameters are NULL or absent is not signed, and both are right (RFC 5754, 2)."""
    parts = ("version", "sid", "signed_attrs", "signature")
    each: list[object] = [signer[part].dump() for signer in message["signer_infos"] for part in parts]
    algorithms = [
        signer[part].native
        for signer in message["signer_infos"]
        for part in ("digest_algorithm", "signature_algorithm")
    ]
    said = [message["version"].native, message["digest_algorithms"].native, message["encap_content_info"].dump()]
    return each + algorithms + said


def _unsigned(message: SignedData) -> set[bytes]:
    """Certificates, revocation lists, attributes that are not signed: one encoding each, and of timestamps what
    their own messages have. What no parser reads, and a certificate that no authority has signed, prove nothing,
    so that they may also be there."""
    found = {each.dump() for each in message["certificates"] or () if _is_issued(each.dump())}
    found |= {each.dump() for each in message["crls"] or () if _is_read(each)}
    for attribute in (each for signer in message["signer_infos"] for each in signer["unsigned_attrs"] or ()):
        if attribute["type"].native == "signature_time_stamp_token":
            for token in attribute["values"]:
                if not _names_its_signer(token["content"]):
                    continue  # nobody can verify it, as if it had been lost
                found |= {repr(_signed(token["content"])).encode(), *_unsigned(token["content"])}
        elif _is_read(attribute):
            found.add(attribute.dump())
    return found


def _names_its_signer(message: SignedData) -> bool:
    """Whether a certificate in *message* is the one that its signer is identified by (RFC 5652, 5.3)."""
    named = [
        each["sid"].chosen for each in message["signer_infos"] if each["sid"].name == "issuer_and_serial_number"
    ]
    there = [
        each.chosen for each in message["certificates"] or () if each.name == "certificate" and _is_read(each)
    ]
    return any(
        one["issuer"].dump() == other.issuer.dump() and one["serial_number"].native == other.serial_number
        for one in named
        for other in there
    )


def _is_issued(certificate: bytes) -> bool:
    """Whether one of the authorities that these files are made with has signed the octets."""
    try:
        found = x509.load_der_x509_certificate(certificate)
    except ValueError:
        return False
    for authority in (GOOD.root, GOOD.issuing):
        with suppress(ValueError, TypeError, InvalidSignature):
            found.verify_directly_issued_by(authority.certificate)
            return True
    return False


def _is_read(member: Asn1Value) -> bool:
    try:
        return member.native is not None
    except ValueError:
        return False


def _shown(document: bytes) -> tuple[bytes, bytes]:
    """Pictures and text of all pages, by poppler."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "shown.pdf")
        file.write_bytes(document)
        subprocess.run(
            ["pdftoppm", "-r", "60", str(file), str(Path(folder, "page"))], check=False, capture_output=True
        )
        text = subprocess.run(["pdftotext", str(file), "-"], check=False, capture_output=True).stdout
        return b"".join(each.read_bytes() for each in sorted(Path(folder).glob("page*.ppm"))), text
