"""The addresses that programs rely on: health, trust, the log."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from flask.testing import FlaskClient

from appliance.health import Observations
from appliance.health.findings import RunbookPage, failing
from appliance.wiring import Appliance
from hsm.client import AuthorityClient
from hsm.merkle import leaf_hash, verify_inclusion
from tests.hsm.memory import openssl
from tests.portal.conftest import portal_of
from tests.world import World, with_parts


def test_the_process_says_that_it_lives(browser: FlaskClient) -> None:
    assert browser.get("/livez").json == {"alive": True}


def test_ready_when_all_that_it_needs_answers(browser: FlaskClient) -> None:
    answer = browser.get("/readyz")
    assert (answer.status_code, answer.json["ready"], answer.json["reasons"]) == (200, True, [])


def test_strangers_are_told_no_more_than_whether_it_works(appliance: Appliance, browser: FlaskClient) -> None:
    observations = Observations(appliance.settings.home.health)
    said = "Others may read /var/lib/vermilion/state/vermilion.db."
    finding = failing(RunbookPage.PERMISSION_WRONG, said, mode="o-r", path="vermilion.db").named("permissions")
    observations.save_round([finding], appliance.now(), {}, names=["permissions"])
    observations.close()
    assert browser.get("/readyz").json["failing"]["permissions"] == said
    answer = browser.get("/readyz", environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert answer.status_code == 200
    own = {"authority", "hsm", "clock", "confinement", "database", "log", "disk", "watch", "origins"}
    assert set(answer.json["checks"]) <= own
    assert "permissions" not in answer.text
    assert "%" not in answer.text


def test_not_ready_with_the_reason_when_the_authority_is_gone(appliance: Appliance, tmp_path: Path) -> None:
    with AuthorityClient(tmp_path / "nobody.sock", timeout=1.0) as gone:
        client = portal_of(appliance, gone).test_client()
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert "authority" in answer.json["reasons"][0].lower()
        assert client.get("/livez").status_code == 200
        page = client.get("/setup", headers={"Accept": "text/html"})
        assert (page.status_code, "没有应答" in page.text) == (503, True), "nobody registers here now"
        refused = client.get("/certs/ca.pem")
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")


def test_certificates_and_lists_can_be_fetched_and_fit_together(browser: FlaskClient, world: World) -> None:
    root = x509.load_pem_x509_certificate(browser.get("/certs/ca.pem").data)
    issuing, events, last = x509.load_pem_x509_certificates(browser.get("/certs/chain.pem").data)
    assert last == root
    for name, authority in (("issuing", issuing), ("events", events)):
        authority.verify_directly_issued_by(root)
        assert x509.load_der_x509_certificate(browser.get(f"/certs/{name}.cer").data) == authority
    for name, issuer in (("root", root), ("issuing", issuing), ("events", events)):
        crl = x509.load_der_x509_crl(browser.get(f"/crl/{name}.crl").data)
        assert crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]  # CA keys, of the kinds for CRLs
    for missing in ("/certs/tsa.cer", "/certs/issuing-2.cer", "/crl/issuing-2.crl", "/crl/person-zhang.crl"):
        assert browser.get(missing).status_code == 404
    assert browser.get("/certs/ca.pem").data == (world.home.trust / "ca.pem").read_bytes()


@pytest.mark.parametrize("algorithm", [hashes.SHA1(), hashes.SHA256()])  # noqa: S303  # names an issuer
def test_whoever_asks_hears_whether_a_certificate_is_good(
    browser: FlaskClient, appliance: Appliance, algorithm: hashes.HashAlgorithm, tmp_path: Path
) -> None:
    issuing, root = (x509.load_der_x509_certificate(each) for each in appliance.authority.chain())
    stamping = x509.load_der_x509_certificate(appliance.authority.certificate("tsa"))
    request = ocsp.OCSPRequestBuilder().add_certificate(stamping, issuing, algorithm).build()
    asked = request.public_bytes(Encoding.DER)
    for reply in (
        browser.post("/ocsp", data=asked, content_type="application/ocsp-request"),
        browser.get(f"/ocsp/{base64.b64encode(asked).decode()}"),
    ):
        assert reply.content_type == "application/ocsp-response"
        [single] = ocsp.load_der_ocsp_response(reply.data).responses
        assert (single.certificate_status, single.serial_number) == (
            ocsp.OCSPCertStatus.GOOD,
            stamping.serial_number,
        )
    (tmp_path / "response").write_bytes(reply.data)
    for name, certificate in (("ca", root), ("issuing", issuing), ("cert", stamping)):
        (tmp_path / name).write_bytes(certificate.public_bytes(Encoding.PEM))
    status, text = openssl(
        *("ocsp", "-respin", tmp_path / "response", "-CAfile", tmp_path / "ca"),
        *("-issuer", tmp_path / "issuing", f"-{algorithm.name}", "-cert", tmp_path / "cert"),
    )
    assert (status, "Response verify OK" in text, ": good" in text) == (0, True, True), text


def test_what_is_no_request_or_about_a_stranger_is_answered_as_the_standard_has_it(
    browser: FlaskClient, appliance: Appliance
) -> None:
    issuing, root = (x509.load_der_x509_certificate(each) for each in appliance.authority.chain())
    of_root = ocsp.OCSPRequestBuilder().add_certificate(issuing, root, hashes.SHA256()).build()
    wrong = ocsp.OCSPRequestBuilder().add_certificate(issuing, issuing, hashes.SHA256()).build()
    statuses = ocsp.OCSPResponseStatus
    for asked, expected in (
        (b"", statuses.MALFORMED_REQUEST),
        (b"0" * 5000, statuses.MALFORMED_REQUEST),
        (of_root.public_bytes(Encoding.DER), statuses.UNAUTHORIZED),
        (wrong.public_bytes(Encoding.DER), statuses.UNAUTHORIZED),
    ):
        assert ocsp.load_der_ocsp_response(browser.post("/ocsp", data=asked).data).response_status is expected
    encoded = ocsp.load_der_ocsp_response(browser.get("/ocsp/%%%").data)
    assert encoded.response_status is statuses.MALFORMED_REQUEST


def test_the_addresses_in_certificates_are_served(browser: FlaskClient, appliance: Appliance) -> None:
    certificate = x509.load_der_x509_certificate(appliance.authority.certificate("tsa"))
    points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    base = "http://localhost:8080"
    named = [point.full_name[0].value for point in points] + [each.access_location.value for each in access]
    for address in named:
        path = address.removeprefix(base)
        answer = browser.post(path) if path == "/ocsp" else browser.get(path)  # RFC 6960, A.1
        assert answer.status_code == 200, address


@pytest.mark.parametrize("path", ["/certs/tsa.cer", "/crl/other.crl", "/certs/../secrets/user.pin"])
def test_nothing_else_is_given_away(browser: FlaskClient, path: str) -> None:
    assert browser.get(path).status_code == 404


def test_an_entry_is_proven_over_http(browser: FlaskClient) -> None:
    origin, size, root = browser.get("/log/checkpoint").text.split("\n")[:3]
    assert browser.get("/log/key").text.startswith(f"{origin}+")
    leaf = browser.get("/log/entry?index=1").data
    hashes = browser.get(f"/log/proof/inclusion?index=1&size={size}").json["hashes"]
    verify_inclusion(
        index=1,
        size=int(size),
        leaf=leaf_hash(leaf),
        proof=[base64.b64decode(each) for each in hashes],
        root=base64.b64decode(root),
    )


def test_equal_sizes_need_no_hashes(browser: FlaskClient) -> None:
    assert browser.get("/log/proof/consistency?from=2&to=2").json == {"hashes": []}


@pytest.mark.parametrize(
    "path",
    [
        "/log/entry",
        "/log/entry?index=-1",
        "/log/entry?index=x",
        "/log/entry?index=99999999999999999999999",
        "/log/proof/inclusion?index=0&size=100000",
        "/log/proof/consistency?from=5&to=2",
        "/log/tile/9/nothing",
    ],
)
def test_wrong_numbers_get_a_sentence(browser: FlaskClient, path: str) -> None:
    answer = browser.get(path, headers={"Accept": "application/json"})
    assert 400 <= answer.status_code < 500
    assert len(answer.json["detail"]) > 5


def test_https_asks_for_nothing_else_and_hardens_cookies(appliance: Appliance) -> None:
    settings = appliance.settings
    web = replace(settings.web, public_url="https://sign.example")
    secure = portal_of(with_parts(appliance, settings=replace(settings, web=web)), appliance.authority)
    answer = secure.test_client().get("/verify", base_url="https://sign.example")
    assert "max-age=" in answer.headers["Strict-Transport-Security"]
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-form=")
    assert all(word in cookie for word in ("Secure", "HttpOnly", "SameSite=Strict", "Path=/"))
