"""Settings that are wrong: one sentence with the setting, before anything is asked."""

from __future__ import annotations

import ssl
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from directory_adapters.cli import main
from directory_adapters.errors import AdapterError, SettingsError
from directory_adapters.settings import load, read_secret
from directory_adapters.transport import Call, Server, Transport
from tests.ports import free_port
from tests.web_front import own_certificate

pytestmark = pytest.mark.processes
ROOT = Path(__file__).parents[2]
WHOLE = """
[appliance]
address = "https://sign.example"
token = "scim.token"
[wecom]
corp = "ww-example"
secret = "book.secret"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("scim.token", "book.secret"):
        (tmp_path / name).write_text("a-secret-0123456789\n")
        (tmp_path / name).chmod(0o600)
    return tmp_path


def settings(folder: Path, text: str) -> Path:
    path = folder / "adapter.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_least_that_is_needed(folder: Path) -> None:
    found = load(settings(folder, WHOLE), "wecom")
    assert found.appliance.token == "a-secret-0123456789" and found.book.server.address.startswith(
        "https://qyapi."
    )
    assert found.brake.most == 20 and found.brake.percent == 5
    assert "a-secret" not in repr(found.book)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('token = "scim.token"', "", "appliance.token"),
        ('"scim.token"', '"none.token"', "none.token"),
        ("corp", "crop", "wecom.corp"),
        ("[wecom]", "[removals]\nmost = 0\n[wecom]", "removals.most"),
        ("[wecom]", "[removals]\nshare = 1\n[wecom]", "removals.share"),
        ("[wecom]", "[other]\n[wecom]", "[other]"),
        ("[wecom]", '[people]\nmail = ["mobile"]\n[wecom]', "people.mail"),
        ("[wecom]", '[people]\nmail = ["{name}@example"]\n[wecom]', "people.mail"),
        ("[wecom]", "[people]\nmail = []\n[wecom]", "people.mail"),
        ("[wecom]", '[people]\nlogin = "same"\n[wecom]', "people.login"),
        ("[wecom]", '[groups]\nlabels = "one"\n[wecom]', "groups.labels"),
        ("[wecom]", "[wecom]\nper_second = 0", "wecom.per_second"),
        ("[wecom]", "[wecom", "TOML"),
    ],
)
def test_what_is_wrong_is_named(folder: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said.replace("[", r"\[")) as caught:
        load(settings(folder, WHOLE.replace(old, new, 1)), "wecom")
    assert "a-secret" not in str(caught.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_secret_that_others_may_read_is_refused(folder: Path, mode: int) -> None:
    (folder / "scim.token").chmod(mode)
    with pytest.raises(SettingsError, match="chmod 600"):
        load(settings(folder, WHOLE), "wecom")


@pytest.mark.parametrize("content", [b"", b"\n", b"two words", b"two\nlines", "密".encode(), b"x" * 5000])
def test_what_is_no_secret_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(SettingsError, match="one line"):
        read_secret(path, "appliance.token")


@pytest.mark.parametrize("address", ["http://sign.example", "ftp://sign.example", "sign.example"])
def test_no_secret_goes_out_unencrypted(folder: Path, address: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = settings(folder, WHOLE.replace("https://sign.example", address))
    assert main(["wecom", "--config", str(path)]) == 1
    assert address in capsys.readouterr().err


def test_certificates_are_checked(tmp_path: Path) -> None:
    certificate = own_certificate(tmp_path, "localhost", purpose=ExtendedKeyUsageOID.SERVER_AUTH).path

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_arguments: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        address = f"https://localhost:{server.server_port}"
        pauses: list[float] = []
        with pytest.raises(SettingsError, match="not trusted"):
            Transport(Server(address), pauses.append).send(Call("GET", "/"))
        assert not pauses, "trying again does not help"
        assert Transport(Server(address, tls=certificate)).send(Call("GET", "/")).value == {}
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_authorities_that_are_none_are_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="tls"):
        Transport(Server("https://sign.example", tls=tmp_path / "missing.pem"))


def test_the_command_needs_nothing_but_python(folder: Path) -> None:
    """Without the packages of this project, and without its folder."""
    path = settings(folder, WHOLE.replace('"ww-example"', '""'))
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            f"import sys; sys.path.insert(0, {str(ROOT / 'clients/directory_adapters')!r});"
            f"from directory_adapters.cli import main; sys.exit(main(['wecom', '--config', {str(path)!r}]))",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and "wecom.corp" in done.stderr


def test_every_error_is_one_of_the_adapters() -> None:
    assert issubclass(SettingsError, AdapterError)
