"""The web front's port for client certificates: closed unless it is set, and nowhere else is one asked for."""

from __future__ import annotations

import os
import re
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.provisioning.test_origins import rendered
from tests.provisioning.test_roles import PROVISIONING
from tests.web_front import configuration, judged, needs_nginx, own_certificate

NGINX = "web_front/templates/nginx.conf.j2"
FIREWALL = "firewall/templates/nftables.conf.j2"
PORT = 8446
CLUSTER = PROVISIONING.parent / "systemd/drop-ins/vermilion-front-certificate.service.d/cluster.conf"


def looked_after(
    folder: Path, *given: Path, names: str = "sign.enterprise.example", node: bool = False
) -> subprocess.CompletedProcess[str]:
    """What the daily timer does, on a *node* as its drop-in has it there; the own certificate is in *folder*."""
    script = (PROVISIONING / "roles/web_front/files/vermilion-front-certificate").read_text(encoding="utf-8")
    (folder / "systemctl").write_text("#!/bin/sh\nexit 3\n", encoding="utf-8")
    (folder / "systemctl").chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    if node:
        told = re.findall(r"^Environment=(\w+)=(\w+)$", CLUSTER.read_text(encoding="utf-8"), re.MULTILINE)
        environment |= dict(told)
    command = ["sh", "-c", script.replace("/etc/nginx/tls", str(folder)), "-", names, *map(str, given)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


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


def test_a_machine_alone_makes_its_certificate_in_time(tmp_path: Path) -> None:
    assert "made a certificate" in looked_after(tmp_path).stdout
    first = (tmp_path / "own.pem").read_bytes()
    assert (tmp_path / "own.pem").stat().st_mode & 0o777 == 0o600
    assert looked_after(tmp_path).stdout == "" and (tmp_path / "own.pem").read_bytes() == first
    assert "made a certificate" in looked_after(tmp_path, names="other.enterprise.example").stdout
    [name] = x509.load_pem_x509_certificate((tmp_path / "own.pem").read_bytes()).subject
    assert name.value == "other.enterprise.example"
    purpose = ExtendedKeyUsageOID.SERVER_AUTH
    for days, made in ((61, False), (59, True)):
        left = own_certificate(tmp_path, "ending", purpose=purpose, begins=timedelta(), lasts=timedelta(days=days))
        (tmp_path / "own.pem").write_bytes(left.path.read_bytes())
        assert ("made a certificate" in looked_after(tmp_path, names="localhost").stdout) is made


@pytest.mark.parametrize(("days", "well"), [(31, True), (29, False)])
@pytest.mark.parametrize("is_given", [False, True])
def test_one_of_two_machines_tells_by_itself_that_a_certificate_ends_and_makes_none(
    tmp_path: Path, is_given: bool, days: int, well: bool
) -> None:
    """Each would make another one, and people trust one of them."""
    purpose = ExtendedKeyUsageOID.SERVER_AUTH
    lasts = timedelta(days=days)
    own = own_certificate(tmp_path, "localhost", purpose=purpose, begins=timedelta(), lasts=lasts)
    shown = own.path if is_given else tmp_path / "own.pem"
    shown.write_bytes(own.path.read_bytes())
    before = shown.read_bytes()
    done = looked_after(tmp_path, *([shown] if is_given else []), names="localhost", node=True)
    assert (done.returncode == 0, done.stdout, shown.read_bytes()) == (well, "", before)
    if not well:
        [said] = done.stderr.splitlines()
        assert f"the certificate {shown} ends on" in said and "`install --cluster INVENTORY`" in said
        assert ("systemctl reload nginx" in said) is is_given
    assert "\nConditionPathIsMountPoint=/var/lib/vermilion\n" in CLUSTER.read_text(encoding="utf-8")


def test_the_standby_has_the_certificate_of_the_active_node_before_nginx_is_set_up() -> None:
    read = [PROVISIONING / "playbooks/tasks/standby.yml", PROVISIONING / "roles/web_front/tasks/main.yml"]
    standby, front = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in read)
    roles = [(each.get("ansible.builtin.import_role", {}).get("name"), each.get("vars")) for each in standby]
    gets = roles.index(("cluster", {"cluster_equal": "{{ cluster_meant }}"}))
    assert gets < roles.index(("web_front", None))
    [making] = [each for each in front if "web_front_looked" in each.values()]
    assert making["when"] == "base_serves | bool", "so a second run finds nothing to change"
