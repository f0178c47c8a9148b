"""Judges that are not ours: poppler's pdfsig, pyHanko's validation, openssl over what each signature covers."""

from __future__ import annotations

import logging
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature, validate_pdf_timestamp
from pyhanko_certvalidator import ValidationContext

from tests.interop.people import People
from tests.verification.documents import asn1

_RANGE = rb"/ByteRange\s*\[\s*0\s+(\d+)\s+(\d+)\s+(\d+)\s*\]"


@dataclass(frozen=True)
class Opinion:
    """What the others say: ``broken``: signatures or messages that do not hold; ``doubts``: what pyHanko's
    analysis of changes does not know, although the signatures hold."""

    broken: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def opinion(document: bytes, people: People) -> Opinion:
    """The opinion of the three judges about *document*."""
    broken, doubts = _by_pyhanko(document, people)
    with TemporaryDirectory() as name:
        folder = Path(name)
        broken += [*_by_poppler(document, people, folder), *_by_openssl(document, people, folder)]
    return Opinion(tuple(broken), tuple(doubts))


def _by_poppler(document: bytes, people: People, folder: Path) -> Iterator[str]:
    (folder / "judged.pdf").write_bytes(document)
    command = ["pdfsig", "-nssdir", people.nss, str(folder / "judged.pdf")]
    told = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False).stdout
    for part in told.split("Signature #")[1:]:
        if "Signature Type: unknown" in part:
            continue  # a document timestamp, which it does not judge
        if "Signature is Valid." not in part or "Certificate is Trusted." not in part:
            said = re.findall(r"Validation: (.*)", part)
            yield f"pdfsig on #{part.split(':')[0]}: {' '.join(said) or 'nothing'}"
    if "Signature #" not in told:
        yield "pdfsig finds no signature"


def _by_pyhanko(document: bytes, people: People) -> tuple[list[str], list[str]]:
    logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
    logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL)
    broken: list[str] = []
    doubts: list[str] = []
    try:
        reader = PdfFileReader(BytesIO(document), strict=False)
        signatures = [*reader.embedded_regular_signatures, *reader.embedded_timestamp_signatures]
        for each in signatures:
            context = ValidationContext(trust_roots=[asn1(people.world.root)], allow_fetching=False)
            dated = each.sig_object_type == "/DocTimeStamp"
            judge = validate_pdf_timestamp if dated else validate_pdf_signature
            said = judge(each, context)  # type: ignore[operator]
            if not (said.intact and said.valid and said.trusted):
                broken.append(f"pyHanko on {each.field_name}: {said.summary()}")
            elif not dated and not said.bottom_line:
                doubts.append(f"pyHanko on {each.field_name}: {said.summary()}")
    except Exception as error:
        doubts.append(f"pyHanko cannot judge it: {type(error).__name__}: {error}")
    return broken, doubts


def _by_openssl(document: bytes, people: People, folder: Path) -> Iterator[str]:
    root, issuing = people.path("root", "pem"), people.path("issuing", "pem")
    for number, (start, end, rest) in enumerate(re.findall(_RANGE, document), 1):
        gap = re.fullmatch(rb"<([0-9a-fA-F]*)>", document[int(start) : int(end)])
        if gap is None:
            continue  # of a file in this file
        message = bytes.fromhex(gap[1].decode())
        (folder / "message").write_bytes(message)
        (folder / "covered").write_bytes(document[: int(start)] + document[int(end) : int(end) + int(rest)])
        anchors = ["-CAfile", str(root), "-untrusted" if _is_token(message) else "-certfile", str(issuing)]
        if _is_token(message):
            command = ["openssl", "ts", "-verify", "-data", str(folder / "covered"), "-token_in"]
        else:
            command = [
                "openssl",
                "cms",
                "-verify",
                "-binary",
                "-inform",
                "DER",
                "-purpose",
                "any",
                "-out",
                "/dev/null",
            ]
            command += ["-content", str(folder / "covered")]
        done = subprocess.run(
            [*command, "-in", str(folder / "message"), *anchors], capture_output=True, check=False
        )
        if done.returncode:
            yield f"openssl on ByteRange {number}: {done.stderr.decode(errors='replace').strip().splitlines()[-1]}"


def _is_token(message: bytes) -> bool:
    return b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x04" in message[:200]
