"""A program that signs PDFs by pyHanko's own client of the CSC API, and what others judge it by."""

from __future__ import annotations

import asyncio
import io
import ssl
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.signers import csc_signer
from pyhanko.sign.signers.pdf_signer import PdfSigner


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


@dataclass(frozen=True, slots=True)
class SigningProgram:
    """A client of the API at *address*; ``person`` confirms at the address that they are given. ``context`` is for
    an appliance with a certificate of its own."""

    address: str
    client: str
    secret: str
    credential: str
    person: Callable[[str], object]
    context: ssl.SSLContext | None = None

    async def sign(self, pdf: bytes) -> bytes:
        """*pdf*, signed by pyHanko's CSCSigner."""
        async with self._http() as http:
            session, info = await self._credential(http)
            assert info.hash_pinning_required and info.max_batch_size == 5
            signer = csc_signer.CSCSigner(
                http, Authorising(session, info, http=http, person=self.person), embed_roots=False
            )
            metadata = signers.PdfSignatureMetadata(
                field_name="Signature1", md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES
            )
            made = await PdfSigner(metadata, signer).async_sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)))
        return bytes(made.getvalue())

    async def certificate(self) -> bytes:
        """The credential's (DER)."""
        async with self._http() as http:
            _, info = await self._credential(http)
            return bytes(info.signing_cert.dump())

    def _http(self) -> aiohttp.ClientSession:
        trusted: ssl.SSLContext | bool = True if self.context is None else self.context
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusted))

    async def _credential(
        self, http: aiohttp.ClientSession
    ) -> tuple[csc_signer.CSCServiceSessionInfo, csc_signer.CSCCredentialInfo]:
        token = await self._token(http)
        session = csc_signer.CSCServiceSessionInfo(self.address, self.credential, oauth_token=token)
        return session, await csc_signer.fetch_certs_in_csc_credential(http, session)

    async def _token(self, http: aiohttp.ClientSession) -> str:
        """An access token of the portal's OAuth endpoint, for signatures alone."""
        asked = {"grant_type": "client_credentials", "scope": "signatures:request"}
        proof = {"Authorization": aiohttp.encode_basic_auth(self.client, self.secret)}
        url = f"{self.address}/api/v1/token"
        async with http.post(url, data=asked, headers=proof, raise_for_status=True) as answer:
            return str((await answer.json())["access_token"])


def verified_by_openssl(document: bytes, chain: bytes, root: bytes, folder: Path) -> str:
    """What ``openssl cms`` has against the signature in *document*, which reaches to its end; empty: nothing. The
    certificates are PEM; *folder* is for its files."""
    parts = {"cms": _cms_in(document), "content": _covered(document), "chain.pem": chain, "ca.pem": root}
    for name, content in parts.items():
        (folder / name).write_bytes(content)
    command = "openssl cms -verify -binary -inform DER -in cms -content content -CAfile ca.pem -certfile chain.pem"
    done = subprocess.run(
        [*command.split(), "-purpose", "any", "-cades", "-out", "/dev/null"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else done.stderr or f"status {done.returncode}"


def _byte_range(document: bytes) -> list[int]:
    text = document[document.rindex(b"/ByteRange") :].partition(b"[")[2].partition(b"]")[0]
    return [int(each) for each in text.split()]


def _cms_in(document: bytes) -> bytes:
    start, length, after, _ = _byte_range(document)
    hexadecimal = document[start + length + 1 : after - 1]
    der = bytes.fromhex(hexadecimal.decode())
    size = 4 + int.from_bytes(der[2:4], "big")  # a SEQUENCE with a length of two octets
    return der[:size]


def _covered(document: bytes) -> bytes:
    start, length, after, rest = _byte_range(document)
    return document[start : start + length] + document[after : after + rest]
