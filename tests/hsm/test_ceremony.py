"""Whole ceremonies on SoftHSM, by the command that an operator types."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from importlib import resources
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from hsm.activation.rules import ActivationRules
from hsm.authenticator import SoftwareAuthenticator
from hsm.config import ActivationSettings
from hsm.intents import OfficerIntent
from hsm.note import NoteKey, parse_vkey
from hsm.store import AuthorityDatabase, AuthorityStore
from tests.hsm.memory import openssl
from tests.sweeps import first_of

PLAN = resources.files("hsm.ceremonies").joinpath("development.toml").read_text(encoding="utf-8")
SERVICES = ("root", "issuing", "events", "tsa", "log", "evidence")


@dataclass(frozen=True)
class CeremonyHome:
    """A home of its own, and the command on it."""

    root: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "hsm.cli", *arguments],
            env={**os.environ, "VERMILION_HOME": str(self.root)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def hold(self, plan: str) -> subprocess.CompletedProcess[str]:
        path = self.root / "plan.toml"
        path.write_text(plan, encoding="utf-8")
        return self.run("ceremony", str(path))

    def store(self) -> AuthorityStore:
        return AuthorityStore(self.root / "authority/authority.db")

    def pins(self) -> list[str]:
        return [path.read_text().strip() for path in sorted((self.root / "secrets").iterdir())]


def make_home(root: Path) -> CeremonyHome:
    home = CeremonyHome(root)
    assert home.run("init").returncode == 0
    return home


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> tuple[CeremonyHome, str]:
    """A home after its ceremony, and what the command printed."""
    home = make_home(tmp_path_factory.mktemp("home"))
    done = home.hold(PLAN)
    assert done.returncode == 0, done.stderr
    return home, done.stdout


def test_the_transcript_is_what_was_shown_and_its_hash_is_kept(held: tuple[CeremonyHome, str]) -> None:
    home, shown = held
    (path,) = (home.root / "authority/ceremonies").iterdir()
    transcript = path.read_bytes()
    assert shown.startswith(transcript.decode())
    assert sha256(transcript).hexdigest() in shown
    database = AuthorityDatabase(home.root / "authority/authority.db")
    kept = database.execute("SELECT name, transcript_sha256 FROM ceremonies").fetchall()
    database.close()
    assert kept == [("development", sha256(transcript).digest())]
    for text in ("王见证", "孙样本", "AES-256", "IN SOFTWARE", '"extractable": false'):
        assert text in shown
    assert not any(pin in shown for pin in home.pins())


def test_openssl_verifies_every_certificate_with_the_crls(held: tuple[CeremonyHome, str], tmp_path: Path) -> None:
    home, _ = held
    store = home.store()
    crls = [store.registry.crl(issuer) for issuer in ("root", "issuing")]
    pem = b"".join(x509.load_der_x509_crl(crl.der).public_bytes(Encoding.PEM) for crl in crls if crl)
    (tmp_path / "crls.pem").write_bytes(pem)
    for subject in SERVICES:
        (tmp_path / "leaf.pem").write_bytes(
            store.registry.certificate(subject).certificate.public_bytes(Encoding.PEM)
        )
        trust = home.root / "trust"
        crl_check = ("-crl_check_all", "-CRLfile", tmp_path / "crls.pem")
        chain = ("-CAfile", trust / "ca.pem", "-untrusted", trust / "chain.pem")
        status, text = openssl("verify", "-x509_strict", *crl_check, *chain, tmp_path / "leaf.pem")
        assert status == 0, text
    store.close()


def test_what_the_world_is_given(held: tuple[CeremonyHome, str]) -> None:
    home, _ = held
    store = home.store()
    trust = home.root / "trust"
    names = ("root", "issuing", "events", "log")
    root, issuing, events, log = (store.registry.certificate(name).certificate for name in names)
    store.close()
    assert x509.load_pem_x509_certificates((trust / "ca.pem").read_bytes()) == [root]
    assert x509.load_pem_x509_certificates((trust / "chain.pem").read_bytes()) == [issuing, events, root]
    key = parse_vkey((trust / "log.vkey").read_text())
    assert key == NoteKey.from_public_key("vermilion.example/log", log.public_key())  # type: ignore[arg-type] # an Ed25519 key


def test_the_roots_key_is_in_its_own_token(held: tuple[CeremonyHome, str]) -> None:
    home, _ = held
    store = home.store()
    labels = {name: store.registry.keys_of(name)[0].label for name in (*SERVICES, "wrapping")}
    store.close()
    in_daemons = labels_in(home, "vermilion", "user.pin")
    assert labels_in(home, "vermilion-root", "root.pin") == {labels["root"]}
    assert in_daemons == {label for name, label in labels.items() if name != "root"}


def labels_in(home: CeremonyHome, token: str, pin_file: str) -> set[str]:
    """The labels of private and secret keys, asked in a process of its own, as C_Initialize is once for each."""
    program = (
        "import sys, pkcs11\n"
        "from pkcs11 import Attribute, ObjectClass\n"
        "token = pkcs11.lib(sys.argv[1]).get_token(token_label=sys.argv[2])\n"
        "with token.open(user_pin=sys.stdin.read().strip()) as session:\n"
        "    for kind in (ObjectClass.PRIVATE_KEY, ObjectClass.SECRET_KEY):\n"
        "        for key in session.get_objects({Attribute.CLASS: kind}):\n"
        "            print(key.label)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "/usr/lib/softhsm/libsofthsm2.so", token],
        input=(home.root / "secrets" / pin_file).read_text(),
        env={**os.environ, "SOFTHSM2_CONF": str(home.root / "hsm/softhsm2.conf")},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(done.stdout.split())


def test_a_second_ceremony_changes_nothing(held: tuple[CeremonyHome, str]) -> None:
    home, _ = held
    before = (home.root / "trust/ca.pem").read_bytes()
    done = home.hold(PLAN)
    assert done.returncode == 1
    assert "has a root already" in done.stderr
    assert (home.root / "trust/ca.pem").read_bytes() == before


def test_a_ceremony_that_breaks_off_can_be_held_again(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    own = PLAN.replace('credential = "software"', 'credential = "people/wang.public.json"')
    own = own.replace("officers_required = 1\n", "")
    done = home.hold(own)
    assert done.returncode == 1
    assert "register the authenticator first" in done.stderr
    assert "Traceback" not in done.stderr
    assert home.run("status").returncode == 1
    fresh_only = home.hold(own.replace("reuse = true", "reuse = false"))
    assert fresh_only.returncode == 1
    assert "is there already" in fresh_only.stderr
    authenticator = SoftwareAuthenticator.create("localhost", "http://localhost:8080")
    (home.root / "people").mkdir(exist_ok=True)
    credential = json.dumps(authenticator.credential())
    (home.root / "people/wang.public.json").write_text(credential, encoding="utf-8")
    again = home.hold(own)
    assert again.returncode == 0, again.stderr
    assert "used again" in again.stdout
    assert "of the officer's own" in again.stdout
    assert decided_by(home) == 2 and "WARNING: one officer" not in again.stdout


def test_one_officer_decides_alone_only_where_the_file_says_so(held: tuple[CeremonyHome, str]) -> None:
    home, shown = held
    assert decided_by(home) == 1
    assert "decision takes: 1" in shown and "WARNING: one officer alone can enrol" in shown
    assert decided_by(home, ActivationSettings(officers_required=3)) == 3, "settings raise it"


def test_a_store_from_before_asks_as_many_officers_as_the_settings_say(tmp_path: Path) -> None:
    store = AuthorityStore(tmp_path / "authority.db")
    assert store.ceremonies.officers_required() == 1
    store.close()


def decided_by(home: CeremonyHome, settings: ActivationSettings | None = None) -> int:
    """How many officers an enrolment takes in *home*."""
    store = home.store()
    rules = ActivationRules(
        store.people,
        store.seals,
        store.vouchings,
        settings or ActivationSettings(),
        store.ceremonies.officers_required,
    )
    required = rules.required(OfficerIntent("enrol_person", {}, datetime.now(UTC), bytes(16)))
    store.close()
    return required


@pytest.mark.long
def test_a_wrong_pin_is_tried_once(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    assert home.hold(PLAN.replace('credential = "software"', 'credential = "absent.json"')).returncode == 1
    (home.root / "secrets/user.pin").write_text("999999999\n")
    for _ in range(2):
        done = home.hold(PLAN)
        assert done.returncode == 1
        assert "refused the PIN" in done.stderr
        assert "999999999" not in done.stderr + done.stdout


@pytest.mark.parametrize("kind", first_of(("RSA_SHA256", "ECDSA_SHA384")))
def test_other_algorithms(tmp_path: Path, kind: str) -> None:
    home = make_home(tmp_path / "home")
    plan = PLAN.replace("ECDSA_SHA256", kind)
    done = home.hold(plan)
    assert done.returncode == 0, done.stderr
    chain = home.root / "trust/chain.pem"
    status, text = openssl("verify", "-x509_strict", "-CAfile", home.root / "trust/ca.pem", chain)
    assert status == 0, text
