"""The web front's port for client certificates: closed unless it is set, and nowhere else is one asked for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.provisioning.test_origins import rendered
from tests.provisioning.test_roles import PROVISIONING
from tests.web_front import configuration, judged, needs_nginx, own_certificate

NGINX = "web_front/templates/nginx.conf.j2"
FIREWALL = "firewall/templates/nftables.conf.j2"
PORT = 8446


def servers(text: str) -> list[str]:
    """The blocks of the file, each with the indentation by which it ends."""
    return re.findall(r"^    server \{\n.*?^    \}$", text, re.MULTILINE | re.DOTALL)


def headers(text: str) -> list[str]:
    """What it sets of a request that goes on."""
    return re.findall(r"^ +proxy_set_header (\S+)", text, re.MULTILINE)


@needs_nginx
@pytest.mark.parametrize("port", [0, 18446])
def test_nginx_has_nothing_to_say_against_it(tmp_path: Path, port: int) -> None:
    own = own_certificate(tmp_path, "localhost", purpose=ExtendedKeyUsageOID.SERVER_AUTH)
    above = {"portal": 18443, "http": 18080, "console": 18444, "activation": 18445, "certificates": port}
    ports = {f"firewall_{name}_port": each for name, each in above.items()}
    found = judged(configuration(tmp_path, own.path, **ports))
    assert (found.returncode, found.stderr) == (0, "")


def test_one_server_alone_asks_for_certificates_and_says_which_one_was_shown() -> None:
    with_it = rendered(NGINX, firewall_certificates_port=PORT)
    [asking] = [each for each in servers(with_it) if "ssl_verify_client" in each]
    assert f"listen {PORT} ssl" in asking
    assert "proxy_set_header X-Client-Certificate $ssl_client_escaped_cert;" in asking
    assert re.findall(r"location (\S+) ", asking) == ["/api/v1/", "/csc/", "/scim/", "/"]
    assert with_it.count("ssl_client") == 1 == with_it.count("ssl_verify_client"), "in no other place"
    assert with_it.count("proxy_pass http://vermilion_certificates;") == asking.count("proxy_pass") == 3

    without = rendered(NGINX)
    assert "ssl_verify_client" not in without and "http://vermilion_certificates;" not in without
    assert len(servers(with_it)) == len(servers(without)) + 1


def test_every_other_server_drops_what_a_visitor_says_of_certificates() -> None:
    """nginx inherits proxy_set_header from above only where a server or location has none of its own."""
    text = rendered(NGINX, firewall_certificates_port=PORT)
    above = text.partition("    server {")[0]
    assert 'proxy_set_header X-Client-Certificate "";' in above
    asking = [each for each in servers(text) if "ssl_verify_client" in each]
    for each in servers(text):
        assert headers(each) == (headers(above) if each in asking else [])


def test_the_firewall_opens_the_port_only_where_it_is_set() -> None:
    assert "dport 8446" not in rendered(FIREWALL) and "dport 0 " not in rendered(FIREWALL)
    given = {"firewall_certificates_port": PORT, "firewall_portal_from": ["198.51.100.0/24"]}
    assert f"ip saddr {{ 198.51.100.0/24 }} tcp dport {PORT} accept" in rendered(FIREWALL, **given)
    narrow = rendered(FIREWALL, **given, firewall_certificates_from=["192.0.2.64/26"])
    assert f"ip saddr {{ 192.0.2.64/26 }} tcp dport {PORT} accept" in narrow
    reserved = rendered("firewall/templates/ports.conf.j2", firewall_certificates_port=9446)
    assert "ip_unprivileged_port_start = 9447" in reserved, "no other process listens there"


def test_certificates_are_believed_on_the_socket_that_nginx_hands_them_to() -> None:
    unit = (PROVISIONING.parent / "systemd/vermilion-web.socket").read_text(encoding="utf-8")
    upstream = re.findall(r"upstream vermilion_certificates \{ server unix:(\S+)", rendered(NGINX))
    assert upstream == ["/run/vermilion/certificates.sock"]
    assert f"ListenStream={upstream[0]}" in unit and "SocketMode=0660" in unit and "SocketGroup=www-data" in unit
