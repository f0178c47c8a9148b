"""OpenSSL and pyHanko as clients and judges: they ask, and they verify what they got, to the root."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from pathlib import Path

import pytest
from asn1crypto import cms
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.sign.validation.generic_cms import validate_tst_signed_data
from pyhanko_certvalidator import ValidationContext

from hsm.timestamp import parse_response
from tests.conformance.endpoint import RunningTsa
from tests.conformance.requests import PLAIN, TRUE, imprint, octets, request
from tests.hsm.memory import openssl


@pytest.mark.parametrize("hash_name", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("options", [("-cert",), (), ("-no_nonce", "-cert")], ids=" ".join)
def test_openssl_asks_and_verifies(
    tsa: RunningTsa, tmp_path: Path, hash_name: str, options: tuple[str, ...]
) -> None:
    data, query, reply = tmp_path / "data", tmp_path / "q.tsq", tmp_path / "r.tsr"
    data.write_bytes(secrets.token_bytes(5000))
    status, said = openssl("ts", "-query", "-data", data, f"-{hash_name}", *options, "-out", query)
    assert status == 0, said
    reply.write_bytes(tsa.ask(query.read_bytes()))
    trust = tsa.home.trust / "ca.pem"
    chain = () if "-cert" in options else ("-untrusted", _tsa_chain(tsa, tmp_path))
    for source in (("-queryfile", query), ("-data", data)):
        status, said = openssl("ts", "-verify", *source, "-in", reply, "-CAfile", trust, *chain)
        assert status == 0, said
    info = tsa.require_recorded(reply.read_bytes())
    assert bool(info.certificates) is ("-cert" in options)
    assert (info.nonce is None) is ("-no_nonce" in options)


def test_openssl_refuses_it_for_other_data_and_other_requests(tsa: RunningTsa, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"other data")
    (tmp_path / "r.tsr").write_bytes(tsa.ask(PLAIN))
    trust = tsa.home.trust / "ca.pem"
    status, _ = openssl("ts", "-verify", "-data", tmp_path / "data", "-in", tmp_path / "r.tsr", "-CAfile", trust)
    assert status != 0


def test_pyhanko_validates_it_to_the_root(tsa: RunningTsa) -> None:
    digest = hashlib.sha256(b"a contract").digest()
    about = imprint().replace(octets(bytes(32)), octets(digest))
    token = parse_response(tsa.ask(request(TRUE, about=about)))
    root = x509.load_pem_x509_certificate((tsa.home.trust / "ca.pem").read_bytes())
    context = ValidationContext(
        trust_roots=[asn1_x509.Certificate.load(root.public_bytes(Encoding.DER))], allow_fetching=False
    )
    signed = cms.ContentInfo.load(token)["content"]
    status = asyncio.run(validate_tst_signed_data(signed, context, lambda _name: digest))
    assert status["intact"]
    assert status["valid"]
    assert status["trust_problem_indic"] is None


def _tsa_chain(tsa: RunningTsa, folder: Path) -> Path:
    """The signer's certificate and its issuer's, for tokens that carry none."""
    token = parse_response(tsa.ask(PLAIN))
    bag = folder / "bag.pem"
    status, said = openssl(*("pkcs7", "-inform", "DER", "-print_certs", "-out", bag), stdin=token)
    assert status == 0, said
    return bag
