"""The producers of the matrix: what each can do, and how it is driven. The only place that knows them by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from shutil import which

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter

from tests.attacks.victims import ranges
from tests.attacks.writing import placeholder
from tests.interop.bench import HERE, Bench
from tests.interop.people import PASSWORD
from tests.verification.documents import Signing, sign, stamper

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Order:
    """One signature: in the existing field ``field``, or in a new one of that name at ``box`` (None: unseen);
    ``certify``: the permission P of a certification, or 0."""

    who: str
    field: str
    existing: bool
    box: Box | None = None
    certify: int = 0


Sign = Callable[[Bench, bytes, Order], bytes]


@dataclass(frozen=True)
class Producer:
    """``manners``: the fields that it signs in, of ``existing shown``, ``existing unseen``, ``new shown`` and
    ``new unseen``; ``certifies``: whether it can; ``first``: it signs what has no signature yet, and nothing else,
    since it writes the whole file anew; ``unable``: the contents and shapes of which it makes no file that holds;
    ``formless``: it loses every form but its own; ``alone``: it breaks what others have saved before it;
    ``uncertified``: it is not for certified files; ``needs``: what it is made of (programs, files)."""

    name: str
    ecosystem: str
    sign: Sign
    manners: tuple[str, ...]
    certifies: bool = False
    first: bool = False
    unable: tuple[str, ...] = ()
    formless: bool = False
    alone: bool = False
    uncertified: bool = False
    needs: tuple[str, ...] = ()

    def is_here(self) -> bool:
        """Whether this machine has what it is made of."""
        return all(which(each) or Path(each).exists() for each in self.needs)


ALL = ("existing shown", "new shown", "new unseen")


def _pdfsig(*options: str) -> Sign:
    def sign_by_poppler(bench: Bench, document: bytes, order: Order) -> bytes:
        place = ["-sign", order.field] if order.existing else ["-add-signature"]
        named = [] if order.existing else ["-new-signature-field-name", order.field]
        said = ["-nssdir", bench.people.nss, "-nick", order.who, *options, *place, *named]
        return bench.through(document, lambda given, made: _quietly(bench, "pdfsig", *said, given, made))

    return sign_by_poppler


def _quietly(bench: Bench, *command: object) -> None:
    bench.run(*command)


def _by_java(program: str, **fixed: str) -> Sign:
    def sign_by_java(bench: Bench, document: bytes, order: Order) -> bytes:
        words = {"do": program, "field": order.field, "certify": str(order.certify), **fixed}
        words["keys"] = str(bench.people.path(order.who, "p12"))
        if order.existing:
            words["existing"] = "yes"
        if order.box:
            words["box"] = " ".join(map(str, order.box))
        return bench.java(document, words)

    return sign_by_java


def _signpdf(kind: str) -> Sign:
    def sign_by_node(bench: Bench, document: bytes, order: Order) -> bytes:
        words: dict[str, object] = {"placeholder": kind, "keys": str(bench.people.path(order.who, "p12"))}
        return bench.asked("node", document, words | ({"box": order.box} if order.box else {}))

    return sign_by_node


def _office(bench: Bench, document: bytes, order: Order) -> bytes:
    return bench.asked("office", document, {"do": "sign", "who": order.who})


def _pyhanko(*, dated: bool, subfilter: SigSeedSubFilter = SigSeedSubFilter.PADES) -> Sign:
    def sign_by_pyhanko(bench: Bench, document: bytes, order: Order) -> bytes:
        world = bench.people.world
        return sign(
            document,
            Signing(
                order.field,
                bench.people.identity(order.who),
                [world.issuing],
                stamper(world, datetime.now(UTC).replace(microsecond=0)) if dated else None,
                certify=bool(order.certify),
                permission=MDPPerm(order.certify or 2),
                subfilter=subfilter,
                new_field=None if order.existing else _specification(order),
            ),
        )

    return sign_by_pyhanko


def _specification(order: Order) -> SigFieldSpec:
    return SigFieldSpec(order.field, on_page=0, box=order.box or (0, 0, 0, 0))


def _endesive(bench: Bench, document: bytes, order: Order) -> bytes:
    from endesive.pdf import cms  # type: ignore[import-not-found]  # noqa: PLC0415 - of `scripts/setup interop`

    now = datetime.now(UTC)
    told: dict[str, object] = {
        "aligned": 0,
        "sigflags": 3,
        "sigflagsft": 132,
        "sigpage": 0,
        "sigfield": order.field,
        "signform": order.existing,
        "sigandcertify": bool(order.certify),
        "contact": "nobody@example.com",
        "location": "Here",
        "signingdate": now.strftime("D:%Y%m%d%H%M%S+00'00'"),
        "reason": "Agreed",
    }
    if order.box or order.existing:
        told |= {"signaturebox": order.box, "signature": "Signed with endesive"}
    key = load_pem_private_key(bench.people.path(order.who, "key").read_bytes(), None)
    own, issuing = (
        x509.load_pem_x509_certificate(bench.people.path(name, "pem").read_bytes())
        for name in (order.who, "issuing")
    )
    return document + bytes(cms.sign(document, told, key, own, [issuing], "sha256"))


def _by_openssl(bench: Bench, document: bytes, order: Order) -> bytes:
    """The room for the signature by pyHanko, and its message by ``openssl cms``."""
    waiting = signers.ExternalSigner(
        asn1_x509.Certificate.load(bench.people.identity(order.who).der), None, b"\0" * 256
    )
    metadata = signers.PdfSignatureMetadata(
        field_name=order.field,
        md_algorithm="sha256",
        certify=bool(order.certify),
        docmdp_permissions=MDPPerm(order.certify or 2),
    )
    maker = signers.PdfSigner(metadata, waiting, new_field_spec=None if order.existing else _specification(order))
    writer = IncrementalPdfFileWriter(BytesIO(document), strict=False)
    prepared = bytes(maker.sign_pdf(writer, bytes_reserved=16384).getvalue())
    start, end, _ = max(ranges(prepared), key=lambda each: each[2])
    return _filled(bench, prepared, (start, end), order.who)


def _filled(bench: Bench, prepared: bytes, gap: tuple[int, int], who: str) -> bytes:
    """*prepared* with a message by openssl in its *gap*."""
    covered = bench.folder / "covered"
    covered.write_bytes(prepared[: gap[0]] + prepared[gap[1] :])
    own, key, chain = (bench.people.path(*each) for each in ((who, "pem"), (who, "key"), ("issuing", "pem")))
    command = ["openssl", "cms", "-sign", "-binary", "-outform", "DER", "-md", "sha256", "-nosmimecap"]
    message = bench.run(*command, "-signer", own, "-inkey", key, "-certfile", chain, "-in", covered)
    room = gap[1] - gap[0] - 2
    return prepared[: gap[0] + 1] + message.hex().encode().ljust(room, b"0") + prepared[gap[1] - 1 :]


def _linearised(bench: Bench, document: bytes, order: Order) -> bytes:
    """An empty signature that qpdf linearises with the file, then the message by ``openssl cms``."""
    import pikepdf  # noqa: PLC0415 - of the tests alone, and slow to load

    with pikepdf.open(BytesIO(document)) as pdf:
        value = pikepdf.Object.parse(placeholder(subfilter=b"/adbe.pkcs7.detached"))
        value.ByteRange = pikepdf.Array([0, *[10**9] * 3])
        value.Contents = pikepdf.String(b"\0" * 8192)
        page = pdf.pages[0]
        for holder, key, empty in (
            (pdf.Root, "/AcroForm", pikepdf.Dictionary(Fields=pikepdf.Array([]))),
            (page.obj, "/Annots", pikepdf.Array([])),
        ):
            if key not in holder:
                holder[key] = empty
        form = pdf.Root.AcroForm
        if order.existing:
            field = next(each for each in form.Fields if each.get("/T") == order.field)
        else:
            field = pdf.make_indirect(pikepdf.Object.parse(b"<</Type/Annot/Subtype/Widget/FT/Sig/F 132>>"))
            field.T, field.Rect = pikepdf.String(order.field), pikepdf.Array(order.box or (0, 0, 0, 0))
            field.P = page.obj
            page.obj.Annots.append(field)
            form.Fields.append(field)
        form.SigFlags, field.V = 3, pdf.make_indirect(value)
        file = BytesIO()
        pdf.save(file, linearize=True, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    return _filled_in_place(bench, file.getvalue(), order.who)


def _filled_in_place(bench: Bench, document: bytes, who: str) -> bytes:
    written = b"[ 0 1000000000 1000000000 1000000000 ]"
    start = document.index(b"<" + b"00" * 8192 + b">")
    end = start + 2 * 8192 + 2
    numbers = b"[ 0 %d %d %d ]" % (start, end, len(document) - end)
    document = document.replace(written, numbers.ljust(len(written)))
    return _filled(bench, document, (start, end), who)


_STREAMS = ("object streams", "tagged, by weasyprint")
"""Of what the cross-reference section is a stream."""
_JAVA = ("java", "javac")
_NODE = ("node", str(HERE / "node" / "node_modules"))
_TABLE = (
    # Poppler takes what is in the second list of a hybrid file alone for free, and writes others over it
    Producer(
        "pdfsig", "C++/NSS", _pdfsig(), ("existing shown", "new unseen"), unable=("hybrid table",),
        needs=("pdfsig",),
    ),
    Producer(
        "pdfsig-etsi", "C++/NSS", _pdfsig("-etsi", "-no-appearance"), ("existing unseen",),
        unable=("hybrid table",), needs=("pdfsig",),
    ),
    Producer(
        "libreoffice", "C++/NSS", _office, ("new unseen",), unable=(*_STREAMS, "linearised", "saved before"),
        alone=True, needs=("soffice",),
    ),
    Producer("itext", "Java", _by_java("itext-sign"), ALL, certifies=True, needs=_JAVA),
    Producer(
        "itext-cades", "Java", _by_java("itext-sign", cades="yes", compressed="yes"), ALL, certifies=True,
        needs=_JAVA,
    ),
    # left alone, PDFBox takes the box of an existing field away when it signs without a picture
    Producer(
        "pdfbox", "Java", _by_java("pdfbox-sign", kept="yes"), ("existing unseen", *ALL[1:]), certifies=True,
        needs=_JAVA,
    ),
    Producer("pyhanko", "Python", _pyhanko(dated=False), ALL, certifies=True),
    Producer("pyhanko-dated", "Python", _pyhanko(dated=True), ALL, certifies=True),
    # in certified files it signs by the digest that the certification names, which for iText is MD5
    Producer("endesive", "Python", _endesive, ALL, unable=_STREAMS, uncertified=True, needs=("endesive",)),
    # it looks for a form in all bytes, and takes that of an attached PDF for the document's, which then gets none;
    # and of a hybrid file it uses numbers again, as Poppler does
    Producer(
        "signpdf", "JavaScript", _signpdf("plain"), ALL[1:],
        unable=(*_STREAMS, "linearised", "a signed attachment", "hybrid table"), formless=True, needs=_NODE,
    ),
    Producer("pdf-lib", "JavaScript", _signpdf("pdf-lib"), ALL[1:], first=True, needs=_NODE),
    Producer("openssl", "openssl", _by_openssl, ALL, certifies=True, needs=("openssl",)),
    Producer("openssl-linearised", "openssl", _linearised, ("existing unseen", *ALL[1:]), first=True),
)  # fmt: skip
PRODUCERS: Mapping[str, Producer] = {each.name: each for each in _TABLE}
__all__ = ["PASSWORD", "PRODUCERS", "Box", "Order", "Producer"]
