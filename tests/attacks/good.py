"""Good files of many producers and levels: each must be TOTAL-PASSED, or the verifier cries wolf.

The originals are by software of others where it is at hand; signatures by pyHanko, by ``openssl cms`` and by hand;
with the habits that producers have between revisions. What our own workshop makes is in ``tests/pdf``.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from io import BytesIO
from pathlib import Path

import pypdfium2
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.pdf_utils import generic
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter

from appliance.verification import Indication, Level, VerificationReport
from tests.attacks import cryptography
from tests.attacks.recipes import Recipe, signing_certificate, timestamped
from tests.attacks.registry import Attempt
from tests.attacks.timestamps import DATA, token
from tests.attacks.victims import BOX, FIELD, GOOD, amount, certified, filled, next_signature, signing
from tests.attacks.writing import contract, signed_by_hand, stream, written
from tests.pdf import documents as originals
from tests.verification.authorities import Identity, Profile, authority, issue
from tests.verification.documents import (
    add_document_timestamp,
    add_validation_data,
    plain,
    sign,
    signed,
    stamper,
    with_fields,
)

Build = Callable[[], "bytes | Attempt"]
MODULES = ("habits", "form_details", "layouts", "permitted", "field_messages", "later_widgets", "written_anew")
NAME = generic.pdf_name


@dataclass(frozen=True)
class Sample:
    """A good file; ``level`` that of its first signature, where it matters; ``warns``: a part of a warning."""

    name: str
    family: str
    build: Build
    level: Level | None = None
    warns: str = ""

    def attempt(self) -> Attempt:
        """The file, made."""
        built = self.build()
        return built if isinstance(built, Attempt) else Attempt(built)


_SAMPLES: dict[str, Sample] = {}


def register(family: str, name: str, build: Build, level: Level | None = None, warns: str = "") -> None:
    """Note one good file."""
    key = f"{family}: {name}"
    if key in _SAMPLES:
        raise ValueError(key)
    _SAMPLES[key] = Sample(key, family, build, level, warns)


def samples() -> dict[str, Sample]:
    """Every good file by its name."""
    for module in MODULES:
        import_module(f"tests.attacks.{module}")
    return _SAMPLES


def false_alarm(sample: Sample, report: VerificationReport) -> str | None:
    """What the verifier said against *sample*, or None."""
    if report.indication is not Indication.PASSED:
        return f"{report.indication} {report.verdict.subindication}: {'; '.join(report.reasons)}"
    if sample.level is not None and report.signatures[0].level is not sample.level:
        return f"level {report.signatures[0].level}, not {sample.level}"
    warnings = [str(warning) for each in report.signatures for warning in each.warnings]
    if not any(sample.warns in warning for warning in warnings or [""]):
        return f"no warning of {sample.warns!r}, but {warnings}"
    return None


# levels and ways of signing, by pyHanko

for _level in Level:
    register("pyHanko", f"two signers, {_level}", partial(signed, GOOD, level=_level.value, pages=1), _level)
for _permission in (1, 2, 3):
    register("pyHanko", f"certified, P={_permission}", partial(certified, _permission), Level.T)
    register(
        "pyHanko",
        f"certified, P={_permission}, validation data after",
        lambda p=_permission: add_validation_data(certified(p), [GOOD.issuing], GOOD.revocations),
    )
for _permission in (2, 3):
    register("pyHanko", f"signed on, P={_permission}", lambda p=_permission: next_signature(certified(p)), Level.T)
register("pyHanko", "certified, archived", lambda: add_document_timestamp(certified(1), stamper(GOOD)))


def _invisible() -> bytes:
    document = plain(1)
    for name in ("one", "two", "three"):
        document = next_signature(document, name)
    return document


def _beside_the_text() -> bytes:
    """A new visible signature where nothing was, and one on a line that waits for it."""
    lined = written(
        {4: stream(b"BT /F1 18 Tf 72 700 Td (Text) Tj ET 72 120 m 280 120 l S")}, after=by_hand_unsigned()
    )
    document = sign(with_fields(lined, "first"), signing("first"))
    for number, box in enumerate(((72, 300, 272, 360), (72, 110, 280, 170))):
        field = SigFieldSpec(f"new {number}", on_page=0, box=box)
        document = next_signature(document, f"new {number}", new_field=field)
    return document


def by_hand_unsigned() -> bytes:
    """The small contract of ``writing``, unsigned."""
    return written(contract())


register("pyHanko", "three invisible signatures in fields of their own", _invisible, Level.T)
register("pyHanko", "new visible signatures beside the text", _beside_the_text, Level.T)
register(
    "pyHanko",
    "the older kind (adbe.pkcs7.detached)",
    lambda: sign(plain(1), signing("one", subfilter=SigSeedSubFilter.ADOBE_PKCS7_DETACHED)),
)
for _digest in ("sha384", "sha512", "sha3_256"):
    register("pyHanko", f"by {_digest}", lambda digest=_digest: sign(plain(1), signing("one", digest=digest)))
register("pyHanko", "a lock on one field, another one signed", lambda: next_signature(certified(2)), Level.T)


# originals by many producers, signed twice, the second time in an agreed field


def _signed_on(original: bytes) -> bytes:
    document = sign(with_fields(original, "first", "second"), signing("first"))
    return add_document_timestamp(next_signature(document), stamper(GOOD))


def _by_pdfium() -> bytes:
    paper, file = pypdfium2.PdfDocument.new(), BytesIO()
    paper.new_page(595, 842)
    paper.save(file)
    return file.getvalue()


def _by_weasyprint() -> bytes:
    import weasyprint  # noqa: PLC0415  # half a second that only who prints needs

    made = weasyprint.HTML(string="<h1>Contract</h1><p>The buyer pays 100 euro.</p>").write_pdf()
    assert made is not None
    return bytes(made)


def _by_command(*command: str) -> bytes:
    """What poppler's command makes of a plain document."""
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder, "given.pdf"), Path(folder, "made.pdf")
        given.write_bytes(plain(1))
        places = {"IN": str(given), "OUT": str(made)}
        subprocess.run([places.get(word, word) for word in command], check=True, capture_output=True)
        return made.read_bytes()


def _older(version: str) -> bytes:
    return originals.changed(lambda pdf: None, force_version=version)


ORIGINALS: dict[str, Callable[[], bytes]] = {
    "reportlab": lambda: plain(2),
    "reportlab, with a form": originals.form,
    "by hand": by_hand_unsigned,
    "pdfium": _by_pdfium,
    "weasyprint": _by_weasyprint,
    "cairo": lambda: _by_command("pdftocairo", "-pdf", "IN", "OUT"),
    "pdfseparate": lambda: _by_command("pdfseparate", "IN", "OUT"),
    "qpdf, object streams": originals.compressed,
    "qpdf, linearised": originals.linearised,
    "qpdf, PDF 2.0": originals.newest,
    "qpdf, PDF 1.3": lambda: _older("1.3"),
    "qpdf, turned and cropped": lambda: originals.turned(90, crop=(100, 200, 500, 780)),
    "qpdf, a shifted page": originals.shifted,
    "qpdf, an attachment": originals.with_attachment,
    "qpdf, a visible layer": lambda: originals.with_layer(hidden=False),
    "a hybrid table": originals.hybrid,
    "no end of line": lambda: plain(1).rstrip(),
    "blanks at the end": lambda: plain(1) + b"\n \n",
    "startxref on one line": lambda: re.sub(rb"startxref\s+", b"startxref ", plain(1)),
    "saved incrementally before": lambda: written({90: b"<</Note true>>"}, after=by_hand_unsigned()),
}
for _name, _original in ORIGINALS.items():
    register("originals", _name, lambda original=_original: _signed_on(original()), Level.T)


# messages by openssl, and by hand


def by_openssl(covered: bytes, *options: str, identity: Identity = GOOD.signer) -> bytes:
    """The message (DER) about *covered* that ``openssl cms`` makes with more *options*."""
    with tempfile.TemporaryDirectory() as folder:
        key, certificate, chain, content = (Path(folder, name) for name in ("key", "crt", "chain", "data"))
        key.write_bytes(identity.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        certificate.write_bytes(identity.pem)
        chain.write_bytes(GOOD.issuing.pem)
        content.write_bytes(covered)
        command = [
            "openssl",
            "cms",
            "-sign",
            "-binary",
            "-outform",
            "DER",
            "-md",
            "sha256",
            "-signer",
            str(certificate),
        ]
        files = ["-inkey", str(key), "-certfile", str(chain), "-in", str(content)]
        return subprocess.run([*command, *files, *options], check=True, capture_output=True).stdout


_OPENSSL: dict[str, tuple[bytes, tuple[str, ...], Identity]] = {
    "PAdES": (b"/ETSI.CAdES.detached", ("-cades", "-nosmimecap"), GOOD.signer),
    "with S/MIME capabilities": (b"/adbe.pkcs7.detached", (), GOOD.signer),
    "RSA": (b"/ETSI.CAdES.detached", ("-cades",), cryptography.RSA),
    "PSS": (b"/ETSI.CAdES.detached", ("-cades", "-keyopt", "rsa_padding_mode:pss"), cryptography.RSA),
    "without a time": (b"/ETSI.CAdES.detached", ("-cades", "-no_signing_time"), GOOD.signer),
}  # fmt: skip
for _name, (_kind, _options, _who) in _OPENSSL.items():
    register(
        "openssl cms",
        _name,
        lambda kind=_kind, options=_options, who=_who: signed_by_hand(
            lambda covered: by_openssl(covered, *options, identity=who), subfilter=kind
        ),
        Level.B,
    )

_RECIPES = {
    "B-B": Recipe(),
    "SHA-512": Recipe(digest="sha512"),
    "RSA": Recipe(signer=cryptography.RSA),
    "the root carried, too": Recipe(chain=(GOOD.issuing, GOOD.root)),
    "strangers' certificates carried": Recipe(chain=(GOOD.issuing, authority("Other Root"), GOOD.other)),
    "the authority's next certificate carried": Recipe(
        chain=(GOOD.issuing, authority("Issuing CA", key=issue(Profile("next")).key))
    ),
    "the reference by SHA-512": Recipe(
        attributes=lambda listed: [*listed[:2], signing_certificate(GOOD.signer, "sha512")]
    ),
}
for _name, _recipe in _RECIPES.items():
    register("by hand", _name, partial(signed_by_hand, _recipe), Level.B)
register("by hand", "B-T", lambda: signed_by_hand(Recipe(unsigned=timestamped(token)), room=9000), Level.T)
register(
    "by hand", "a document timestamp alone",
    lambda: signed_by_hand(token, subfilter=b"/ETSI.RFC3161", kind=b"/DocTimeStamp", room=9000),
)  # fmt: skip
register("by hand", "a token", lambda: Attempt(token(DATA), data=DATA))
register(
    "by hand", "a token with the nonce that was sent", lambda: Attempt(token(DATA, nonce=7), data=DATA, nonce=7)
)


# forms, filled between signatures and accounted for by the next one

_FILLED = {11: FIELD.replace(b"(100)", b"(200)"), 12: amount(b"200")}
_FILLINGS: dict[str, dict[int, bytes]] = {
    "a text": _FILLED,
    "a text, its picture new": {
        11: FIELD.replace(b"(100)", b"(200)").replace(b"12 0", b"92 0"),
        92: amount(b"200"),
    },
    "a box": {13: BOX.replace(b"/V/Off/AS/Off", b"/V/Yes/AS/Yes")},
    "both": _FILLED | {13: BOX.replace(b"/V/Off/AS/Off", b"/V/Yes/AS/Yes")},
}
for _name, _objects in _FILLINGS.items():
    register(
        "forms", f"{_name} filled, then signed",
        lambda objects=_objects: next_signature(written(objects, after=filled())), Level.T,
    )  # fmt: skip
register("forms", "signed as it stands", filled, Level.T)
