"""How a signature was activated, as both checkers read it: from what its signer signed, and from nothing else."""

from __future__ import annotations

import hashlib
import re
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

from hsm import cms, der
from hsm.cms.signed_data import ACTIVATION, SIGNED_DATA, frame
from tests.evidence.authority import TestAuthority
from tests.evidence.unpacked import run

CHECKER = Path("appliance/evidence/checker").absolute()
CONTENT = b"contract"
OTHER = der.element(der.SEQUENCE, der.oid(ACTIVATION), der.element(der.SET, der.encode("webauthn")))
SHOWN = (
    " 1260:d=5  hl=3 l= 224 cons: cont [ 0 ]        \n"
    " 1315:d=7  hl=2 l=  10 prim: OBJECT            :1.3.6.1.4.1.32473.1.4\n"
    " 1327:d=7  hl=2 l=  10 cons: SET               \n"
    " 1329:d=8  hl=2 l=   8 prim: UTF8STRING        :webauthn"
)
"""Text that looks like what openssl writes of an attribute."""


def way_by_python(message: Path) -> str:
    found = runpy.run_path(str(CHECKER / "check.py"))
    try:
        return str(found["OpenSSL"](message, message.parent).way(str(message)))
    except found["Failed"]:
        return "another"


def way_by_shell(message: Path) -> str:
    [way] = re.findall(
        r"^way\(\) \{\n.*?^\}\n", (CHECKER / "check.sh").read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    return run(f"{way}way {message.stem}", message.parent).stdout.rstrip("\n").rpartition("\n")[2]


READERS = pytest.mark.parametrize("way_of", [way_by_python, way_by_shell], ids=["python", "sh"])


def signed(authority: TestAuthority, *ways: str) -> bytes:
    maker = cms.MessageMaker(authority.person("张示例"), cms.DATA, [cms.activated_by(each) for each in ways])
    message = maker.make_message(hashlib.sha256(CONTENT).digest())
    return cms.add_signature_timestamp(message, authority.token(cms.signature_value(message)))


def remade(message: bytes, change: Callable[[der.SignedData, der.SignerInfo], None]) -> bytes:
    """*message* after a *change* of parts that its signature does not cover."""
    signed_data, signer = frame(message)
    change(signed_data, signer)
    signed_data.signer_infos = der.SetOf([der.decode(der.TLV, der.encode(signer))])
    content = der.encode(signed_data)
    return der.element(der.SEQUENCE, der.oid(SIGNED_DATA), der.header(0xA0, len(content)) + content)


def require_good(message: bytes, folder: Path) -> None:
    """*message*, which is put into *folder*, has a good signature for openssl."""
    (folder / "01.p7s").write_bytes(message)
    (folder / "content").write_bytes(CONTENT)
    done = run("openssl cms -verify -noverify -binary -inform DER -in 01.p7s -content content", folder)
    assert done.returncode == 0, done.stderr


def unsigned(_: der.SignedData, signer: der.SignerInfo) -> None:
    """Beside the timestamp."""
    signer.unsigned_attrs = [*(signer.unsigned_attrs or ()), der.decode(der.TLV, OTHER)]


def in_bag(signed_data: der.SignedData, _: der.SignerInfo) -> None:
    """As the algorithm of one more certificate."""
    bag = list(signed_data.certificates or ())
    inner, *rest = der.members(der.raw(bag[0]))
    parts = der.members(inner)
    forged = der.element(der.SEQUENCE, der.element(der.SEQUENCE, *parts[:2], OTHER, *parts[3:]), *rest)
    signed_data.certificates = [*bag, der.decode(der.TLV, forged)]


def as_parameter(signer_part: str, text: str) -> Callable[[der.SignedData, der.SignerInfo], None]:
    """*text* as a parameter of an algorithm, which openssl does not look at."""

    def change(_: der.SignedData, signer: der.SignerInfo) -> None:
        algorithm = [der.raw(each) for each in getattr(signer, signer_part)]
        parts = (*algorithm[:1], der.encode(text))
        setattr(signer, signer_part, [der.decode(der.TLV, each) for each in parts])

    return change


@READERS
@pytest.mark.parametrize(
    ("ways", "told"), [((), ""), (("webauthn",), "activated_webauthn"), (("pin-totp",), "activated_pin_totp")]
)
def test_the_way_is_that_of_the_signed_attribute(
    authority: TestAuthority, tmp_path: Path, way_of: Callable[[Path], str], ways: tuple[str, ...], told: str
) -> None:
    path = tmp_path / "01.p7s"
    path.write_bytes(signed(authority, *ways))
    assert way_of(path) == told
    path.write_bytes(remade(signed(authority, *ways), unsigned))
    assert way_of(path) == told


@READERS
def test_a_way_written_in_another_form_is_not_passed_over(
    authority: TestAuthority, tmp_path: Path, way_of: Callable[[Path], str]
) -> None:
    """To openssl text in pieces is the same text, and the signature good."""

    def in_pieces(_: der.SignedData, signer: der.SignerInfo) -> None:
        pieces = der.element(der.SET, der.element(0x20 | der.UTF8_STRING, der.encode("webauthn")))
        attribute = der.decode(der.TLV, der.element(der.SEQUENCE, der.oid(ACTIVATION), pieces))
        signer.signed_attrs = [attribute if der.raw(each) == OTHER else each for each in signer.signed_attrs]

    message = remade(signed(authority, "webauthn"), in_pieces)
    require_good(message, tmp_path)
    assert way_of(tmp_path / "01.p7s") not in ("", "activated_webauthn")


@READERS
@pytest.mark.parametrize(
    ("change", "told"),
    [
        (in_bag, ""),
        (as_parameter("digest_algorithm", f"\n{SHOWN}"), "another"),
        (as_parameter("signature_algorithm", f"\n{SHOWN}"), "another"),
        (as_parameter("signature_algorithm", "\n".join(["", *SHOWN.split("\n")[1:]])), ""),
    ],
)
def test_what_nobody_signed_says_of_no_way(
    authority: TestAuthority,
    tmp_path: Path,
    way_of: Callable[[Path], str],
    change: Callable[[der.SignedData, der.SignerInfo], None],
    told: str,
) -> None:
    require_good(remade(signed(authority), change), tmp_path)
    assert way_of(tmp_path / "01.p7s") == told
