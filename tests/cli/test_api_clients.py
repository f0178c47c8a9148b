"""``vermilion api``: in development clients are created at once; on an appliance a second person approves."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from appliance.administration import Administration, open_administration
from appliance.api_clients import ApiClients
from appliance.clock import utc_now
from appliance.config import load
from appliance.errors import ClientRefused
from appliance.home import Home
from appliance.jobs.table import administration_jobs
from appliance.model.administration import AdminRequestState
from appliance.model.api_clients import ApiClient, ClientState, Scope
from appliance.store.database import Database
from appliance.wiring import open_appliance
from hsm.activation.credentials import code_at, step_of
from tests.administration.conftest import GOOD
from tests.administration.test_command import added, run, set_up
from tests.web_front import own_certificate
from tests.world import copy_home, shared_confinement, template_home

KEYS = {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """The demonstration's home, in which nothing runs."""
    return copy_home(template_home(), tmp_path)


@pytest.fixture
def managed(home: Home) -> Home:
    """The same, as on an appliance."""
    place = home.settings.parent
    place.rename(home.root / "provisioned")
    place.symlink_to(home.root / "provisioned")
    assert home.is_managed
    return home


def printed(output: str, name: str) -> str:
    found = re.search(rf"^{name}=(\S+)$", output, re.MULTILINE)
    assert found is not None, output
    return found[1]


@pytest.fixture
def clients(home: Home) -> Iterator[ApiClients]:
    with closing(Database(home.database)) as database:
        yield ApiClients(database, utc_now)


def test_in_development_one_person_creates_a_client(home: Home, clients: ApiClients) -> None:
    wanted = ("--scope", "contracts:read", "--scope", "contracts:write", "--kind", "采购")
    done = run(home, "api", "client", "ERP 示例", *wanted)
    assert done.exit_code == 0, done.output
    client, secret = printed(done.output, "client_id"), printed(done.output, "client_secret")
    made = clients.with_secret(client, secret)
    assert made.scopes == {Scope.CONTRACTS_READ, Scope.CONTRACTS_WRITE}
    assert made.organisations == {load(home).organisation.name} and made.kinds == {"采购"}
    listed = run(home, "api", "clients").output
    for each in (client, "ERP 示例, active", "contracts:read contracts:write", "采购", "never used"):
        assert each in listed
    assert secret not in listed
    clients.grant(made, made.scopes)
    assert "last used: 20" in run(home, "api", "clients").output


def test_a_new_secret_comes_in_place_of_the_old_or_beside_it(home: Home, clients: ApiClients) -> None:
    output = run(home, "api", "client", "OA", "--scope", "people:read").output
    client, first = printed(output, "client_id"), printed(output, "client_secret")
    second = printed(run(home, "api", "secret", client, "--overlap", "7").output, "client_secret")
    assert clients.with_secret(client, first) == clients.with_secret(client, second)
    third = printed(run(home, "api", "secret", client).output, "client_secret")
    assert clients.with_secret(client, third).id == client
    for old in (first, second):
        with pytest.raises(ClientRefused):
            clients.with_secret(client, old)


def test_keys_and_certificates_take_the_place_of_a_secret(home: Home, clients: ApiClients, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(KEYS, indent=2), encoding="utf-8")
    by_keys = run(home, "api", "client", "BI", "--scope", "events:read", "--keys", str(keys))
    assert clients.public_keys(printed(by_keys.output, "client_id")) == KEYS
    assert "client_secret" not in by_keys.output
    own, after = own_certificate(tmp_path, "OA"), own_certificate(tmp_path, "OA")
    by_certificate = run(home, "api", "client", "OA", "--scope", "events:read", "--certificate", str(own.path))
    client = printed(by_certificate.output, "client_id")
    assert clients.with_certificate(client, own.thumbprint).name == "OA"
    listed = run(home, "api", "clients").output
    assert own.thumbprint in listed and f"{own.certificate.not_valid_after_utc:%Y-%m-%d}" in listed
    done = run(home, "api", "certificate", client, str(after.path), "--overlap", "7")
    assert done.exit_code == 0 and after.thumbprint in done.output, done.output
    assert clients.with_certificate(client, own.thumbprint) == clients.with_certificate(client, after.thumbprint)
    assert run(home, "api", "certificate", client, str(own.path)).exit_code == 0
    with pytest.raises(ClientRefused):
        clients.with_certificate(client, after.thumbprint)


def test_what_proves_nothing_is_refused_before_anybody_is_asked(home: Home, tmp_path: Path) -> None:
    wrong = {
        "has expired": own_certificate(tmp_path, "OA", begins=timedelta(days=-3), lasts=timedelta(days=2)).path,
        "not for TLS clients": own_certificate(tmp_path, "OA", purpose=ExtendedKeyUsageOID.SERVER_AUTH).path,
        "no certificate in PEM": tmp_path / "none.pem",
    }
    (tmp_path / "none.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    for said, path in wrong.items():
        done = run(home, "api", "client", "OA", "--scope", "events:read", "--certificate", str(path))
        assert done.exit_code == 1 and said in done.output
        assert said in run(home, "api", "certificate", "client-0000000000000000", str(path)).output
    assert not run(home, "api", "clients").output


def test_on_an_appliance_a_certificate_waits_for_a_second_person(
    managed: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.cli.admin_requests.PATIENCE", 0.0)
    secret_of_shi = set_up(managed, added(managed, "shi", "security"))
    own, after = own_certificate(tmp_path, "OA"), own_certificate(tmp_path, "OA")
    made = run(managed, "api", "client", "OA", "--scope", "log:read", "--certificate", str(own.path)).output
    client = printed(made, "client_id")
    with open_administration(load(managed), now=utc_now) as administration:
        sent = asked(administration)
    expires = own.certificate.not_valid_after_utc
    assert (sent["certificate"], datetime.fromisoformat(sent["certificate_expires"])) == (own.thumbprint, expires)
    assert known(managed) == []
    approve(managed, made, secret_of_shi)
    [found] = known(managed)
    assert (found.id, found.certificate, found.certificate_expires) == (client, own.thumbprint, expires)
    asked_for = run(managed, "api", "certificate", client, str(after.path)).output
    assert known(managed) == [found]
    approve(managed, asked_for, secret_of_shi, codes_before=1)
    assert [each.certificate for each in known(managed)] == [after.thumbprint]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--scope", "contracts:sign"), "There is no scope contracts:sign"),
        (("--scope", "log:read", "--organisation", "别处示例"), "is no organisation of this appliance"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_printed(home: Home, given: tuple[str, ...], said: str) -> None:
    done = run(home, "api", "client", "ERP", *given)
    assert done.exit_code == 1 and said in done.output
    assert "client_id" not in done.output and not run(home, "api", "clients").output


def performed(home: Home, request: str) -> None:
    """The scheduler looks for what is approved, and tells the console of the clients that there are."""
    settings = load(home)
    with (
        open_appliance(settings, role="scheduler", confinement=shared_confinement()) as appliance,
        ExitStack() as stack,
        open_administration(settings, now=utc_now) as console,
    ):
        jobs = {job.name: job for job in administration_jobs(appliance, stack)}
        jobs["acts"].work()
        act = console.requests.find_request(request)
        assert act.state is AdminRequestState.DONE, act.outcome
        jobs["API clients"].work()
        assert console.api_clients.all() == appliance.api_clients.list_clients() != []


def approve(home: Home, output: str, secret: bytes, *, codes_before: int = 0) -> None:
    """The second person agrees to what was asked for, with the next code, and the scheduler performs it."""
    found = re.search(r"approve ([0-9a-f]{12}) --login", output)
    assert found is not None, output
    typed = f"{GOOD}\n{code_at(secret, step_of(utc_now()) + codes_before)}\n"
    run(home, "approve", found[1], "--login", "shi", typed=typed)
    performed(home, found[1])


def asked(administration: Administration) -> dict[str, str]:
    [act] = administration.requests.waiting()
    return dict(act.arguments)


def known(home: Home) -> list[ApiClient]:
    with closing(Database(home.database)) as database:
        return ApiClients(database, utc_now).list_clients()


def test_on_an_appliance_a_second_administrator_approves(managed: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.cli.admin_requests.PATIENCE", 0.0)  # no scheduler runs beside it
    secret_of_shi = set_up(managed, added(managed, "shi", "security"))
    done = run(managed, "api", "client", "ERP 示例", "--scope", "contracts:read", "--scope", "log:read")
    assert done.exit_code == 0, done.output
    client, secret = printed(done.output, "client_id"), printed(done.output, "client_secret")
    assert "waits for a second person" in done.output and known(managed) == []
    with open_administration(load(managed), now=utc_now) as administration:
        sent = asked(administration)
    assert sent["secret_digest"] == hashlib.sha256(secret.encode()).hexdigest()
    assert sent["scopes"] == "contracts:read log:read" and secret not in json.dumps(sent)
    approve(managed, done.output, secret_of_shi)
    [made] = known(managed)
    assert (made.id, made.name, made.state) == (client, "ERP 示例", ClientState.ACTIVE)
    with closing(Database(managed.database)) as database:
        assert ApiClients(database, utc_now).with_secret(client, secret) == made


def test_on_an_appliance_a_new_secret_waits_too(managed: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.cli.admin_requests.PATIENCE", 0.0)
    with closing(Database(managed.database)) as database:
        clients = ApiClients(database, utc_now, house=load(managed).organisation.name)
        secret_of_shi = set_up(managed, added(managed, "shi", "security"))
        made = run(managed, "api", "client", "ERP", "--scope", "log:read").output
        approve(managed, made, secret_of_shi)
        client, first = printed(made, "client_id"), printed(made, "client_secret")
        asked_for = run(managed, "api", "secret", client, "--overlap", "3").output
        second = printed(asked_for, "client_secret")
        with pytest.raises(ClientRefused):
            clients.with_secret(client, second)
        approve(managed, asked_for, secret_of_shi, codes_before=1)
        assert clients.with_secret(client, second) == clients.with_secret(client, first)
