"""pyHanko's own client of the CSC API signs a PDF with a key in the HSM, after its person has activated it; others
judge what comes of it."""

from __future__ import annotations

import asyncio
import io
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp
import pytest
from flask import Flask
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.signers import csc_signer
from pyhanko.sign.signers.pdf_signer import PdfSigner

from appliance.demonstration.participants import ZHANG
from appliance.verification import Indication
from appliance.wiring import Appliance
from tests import activation_service as visits
from tests.api.programs import Programs
from tests.pdf.judges import valid_by_poppler
from tests.portal.visitors import signed_in
from tests.remote_signing.conftest import OFFICE
from tests.remote_signing.served import PORTAL, served
from tests.remote_signing.test_pages import confirm
from tests.world import sample_document

CREDENTIAL = f"{ZHANG.subject}.hash"


class Authorising(csc_signer.CSCAuthorizationManager):
    """What a program has to add to pyHanko: it asks, lets the person confirm, and asks again."""

    def __init__(self, *given: object, http: aiohttp.ClientSession, person: Callable[[str], object]) -> None:
        super().__init__(*given)  # type: ignore[arg-type]  # as pyHanko takes them
        self._http, self._person = http, person

    async def authorize_signature(self, hash_b64s: list[str]) -> csc_signer.CSCAuthorizationInfo:
        asking = self.format_csc_auth_request(len(hash_b64s), hash_b64s=hash_b64s, description="报价.pdf")
        answer = await self._ask("credentials/authorize", asking)
        await asyncio.to_thread(self._person, answer["confirmation"])
        answer = await self._ask("credentials/authorizeCheck", {"handle": answer["handle"]})
        return csc_signer.CSCAuthorizationInfo(sad=answer["SAD"])

    async def _ask(self, method: str, body: dict[str, object]) -> dict[str, str]:
        url = self.csc_session_info.endpoint_url(method)
        async with self._http.post(url, json=body, headers=self.auth_headers, raise_for_status=True) as answer:
            found: dict[str, str] = await answer.json()
            return found


async def token_of(http: aiohttp.ClientSession, address: str, secret: str) -> str:
    """An access token of the portal's OAuth endpoint, for signatures alone."""
    asked = {"grant_type": "client_credentials", "scope": "signatures:request"}
    proof = {"Authorization": aiohttp.encode_basic_auth(OFFICE.id, secret)}
    async with http.post(f"{address}/api/v1/token", data=asked, headers=proof, raise_for_status=True) as answer:
        return str((await answer.json())["access_token"])


async def signed(address: str, secret: str, pdf: bytes, person: Callable[[str], object]) -> bytes:
    """*pdf*, signed by pyHanko's CSCSigner at the portal at *address*, which gives a token for the *secret*."""
    async with aiohttp.ClientSession() as http:
        token = await token_of(http, address, secret)
        session = csc_signer.CSCServiceSessionInfo(address, CREDENTIAL, oauth_token=token)
        info = await csc_signer.fetch_certs_in_csc_credential(http, session)
        assert info.hash_pinning_required and info.max_batch_size == 5
        signer = csc_signer.CSCSigner(
            http, Authorising(session, info, http=http, person=person), embed_roots=False
        )
        metadata = signers.PdfSignatureMetadata(
            field_name="Signature1", md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES
        )
        made = await PdfSigner(metadata, signer).async_sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)))
    return bytes(made.getvalue())


@pytest.fixture(scope="module")
def document(appliance: Appliance, portal: Flask, known: Programs) -> Iterator[bytes]:
    """A PDF that pyHanko has signed while Zhang confirmed on the activation service's page."""
    zhang = signed_in(portal, appliance, ZHANG.subject)
    with visits.activation_service(appliance.settings) as service, served(portal) as address:
        browser, shown = visits.browser_at(service), []

        def person(confirmation: str) -> None:
            path = confirmation.removeprefix(PORTAL)
            shown.append(confirm(zhang, browser, appliance, path))

        made = asyncio.run(signed(address, known.secrets[OFFICE.id], sample_document(1), person))
        assert "报价.pdf" in shown[0] and f"{ZHANG.subject}.hash" in shown[0]
        yield made


def test_our_verifier_passes_it_and_says_what_the_key_is(document: bytes, appliance: Appliance) -> None:
    report = appliance.verifier.verify_pdf(document)
    [signature] = report.signatures
    assert signature.verdict.indication is Indication.PASSED, signature.verdict
    assert signature.signer is not None and ZHANG.name in signature.signer
    assert any("had not seen the document" in str(each) for each in report.remarks)


def test_poppler_and_openssl_find_it_valid(document: bytes, appliance: Appliance, tmp_path: Path) -> None:
    assert valid_by_poppler(document, tmp_path) == 1
    require_openssl(document, appliance, tmp_path)


def require_openssl(document: bytes, appliance: Appliance, tmp_path: Path) -> None:
    """openssl passes the last signature of *document*."""
    parts = {"cms": cms_in(document), "content": covered(document), "chain.pem": b"", "ca.pem": b""}
    trust = appliance.settings.home.trust
    parts["ca.pem"] = (trust / "ca.pem").read_bytes()
    parts["chain.pem"] = (trust / "chain.pem").read_bytes()
    for name, content in parts.items():
        (tmp_path / name).write_bytes(content)
    command = "openssl cms -verify -binary -inform DER -in cms -content content -CAfile ca.pem -certfile chain.pem"
    done = subprocess.run(
        [*command.split(), "-purpose", "any", "-cades", "-out", "/dev/null"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def byte_range(document: bytes) -> list[int]:
    text = document[document.rindex(b"/ByteRange") :].partition(b"[")[2].partition(b"]")[0]
    return [int(each) for each in text.split()]


def cms_in(document: bytes) -> bytes:
    start, length, after, _ = byte_range(document)
    hexadecimal = document[start + length + 1 : after - 1]
    der = bytes.fromhex(hexadecimal.decode())
    size = 4 + int.from_bytes(der[2:4], "big")  # a SEQUENCE with a length of two octets
    return der[:size]


def covered(document: bytes) -> bytes:
    start, length, after, rest = byte_range(document)
    return document[start : start + length] + document[after : after + rest]
