"""Clients prove who they are, get tokens that expire, and are suspended; nothing but digests is kept."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from appliance.api_clients import new_client_id, new_secret, read_scopes, secret_digest
from appliance.errors import ClientRefused, NotFound, PreconditionRefused, StateRefused, TokenRefused
from appliance.model.api_clients import ApiClient, ClientAuthentication, ClientState, ClientTerms, Scope
from tests.api_clients.conftest import ALPHA, SCOPES, START, Register

THUMBPRINT, ANOTHER = "a1" * 32, "b2" * 32
EXPIRES = START + timedelta(days=365)
CERTIFICATE = {"certificate": THUMBPRINT, "certificate_expires": EXPIRES}
KEYS = json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})


def test_a_client_is_found_as_it_was_made(register: Register) -> None:
    client, _ = register.made()
    assert re.fullmatch("client-[0-9a-f]{16}", client.id)
    assert register.clients.find(client.id) == client
    assert (client.state, client.created, client.last_used) == (ClientState.ACTIVE, START, None)
    other, _ = register.made("OA 示例")
    assert register.clients.list_clients() == [other, client]
    with pytest.raises(NotFound):
        register.clients.find("client-0000000000000000")


def test_no_client_has_the_name_of_another(register: Register) -> None:
    register.made()
    with pytest.raises(PreconditionRefused, match="Another API client"):
        register.made()


def test_the_right_secret_alone_lets_a_client_in(register: Register) -> None:
    client, secret = register.made()
    other, others = register.made("OA")
    assert register.clients.with_secret(client.id, secret) == client
    wrong = [(client.id, others), (client.id, ""), (other.id, secret), ("client-0000000000000000", secret)]
    with_keys, _ = register.made("BI", keys=KEYS)
    wrong.append((with_keys.id, ""))
    assert len({refusal(partial(register.clients.with_secret, *each)) for each in wrong}) == 1


def refusal(asked: Callable[[], object]) -> str:
    with pytest.raises(ClientRefused) as raised:
        asked()
    assert raised.value.code == "client-refused"
    return str(raised.value)


def test_two_secrets_are_valid_until_the_old_one_ends(register: Register) -> None:
    client, before = register.made()
    after, until = new_secret(), START + timedelta(days=7)
    register.clients.change_secret(client.id, secret_digest(after), old_until=until, by="root")
    assert register.clients.with_secret(client.id, before) == register.clients.with_secret(client.id, after)
    register.later(days=7)
    assert register.clients.with_secret(client.id, after).id == client.id
    refusal(lambda: register.clients.with_secret(client.id, before))


def test_a_secret_that_may_be_known_ends_at_once_with_its_tokens(register: Register) -> None:
    client, before = register.made()
    token, _ = register.clients.grant(client, SCOPES)
    register.clients.change_secret(client.id, secret_digest(new_secret()), old_until=None, by="root")
    refusal(lambda: register.clients.with_secret(client.id, before))
    with pytest.raises(TokenRefused):
        register.clients.access_of(token)


def test_a_secret_is_changed_within_bounds(register: Register) -> None:
    client, _ = register.made()
    digest = secret_digest(new_secret())
    for until in (START, START + timedelta(days=91)):
        with pytest.raises(PreconditionRefused, match="old secret"):
            register.clients.change_secret(client.id, digest, old_until=until, by="root")
    with_keys, _ = register.made("BI", keys=KEYS)
    with pytest.raises(StateRefused, match="without a secret"):
        register.clients.change_secret(with_keys.id, digest, old_until=None, by="root")


def test_a_certificate_is_known_by_its_thumbprint(register: Register) -> None:
    client, _ = register.made(**CERTIFICATE)
    assert register.clients.find(client.id) == client
    assert register.clients.with_certificate(client.id, THUMBPRINT.upper()) == client
    refusal(lambda: register.clients.with_certificate(client.id, "b2" * 32))
    by_secret, _ = register.made("OA")
    refusal(lambda: register.clients.with_certificate(by_secret.id, THUMBPRINT))
    refusal(lambda: register.clients.with_certificate(by_secret.id, "-" * 64))


def test_a_certificate_counts_until_the_moment_that_was_approved(register: Register) -> None:
    client, _ = register.made(**CERTIFICATE)
    register.later(days=365)
    refusal(lambda: register.clients.with_certificate(client.id, THUMBPRINT))
    with pytest.raises(PreconditionRefused, match="has expired"):
        register.made("OA", certificate=ANOTHER, certificate_expires=EXPIRES)
    with pytest.raises(PreconditionRefused, match="with the moment"):
        register.made("OA", certificate=ANOTHER)


def test_a_token_for_a_certificate_counts_with_that_one_alone(register: Register) -> None:
    client, _ = register.made()
    token, granted = register.clients.grant(client, SCOPES, certificate=THUMBPRINT)
    assert granted.certificate == THUMBPRINT
    assert register.clients.access_of(token, THUMBPRINT).certificate == THUMBPRINT
    for other in (None, ANOTHER, ""):
        with pytest.raises(TokenRefused):
            register.clients.access_of(token, other)
    unbound, _ = register.clients.grant(client, SCOPES)
    assert register.clients.access_of(unbound, ANOTHER).certificate is None


def test_two_certificates_are_valid_until_the_old_one_ends(register: Register) -> None:
    client, _ = register.made(**CERTIFICATE)
    known, until = register.clients.with_certificate, START + timedelta(days=7)
    later = EXPIRES + timedelta(days=365)
    changed = register.clients.change_certificate(client.id, ANOTHER, later, old_until=until, by="root")
    assert changed == register.clients.find(client.id) == known(client.id, THUMBPRINT) == known(client.id, ANOTHER)
    assert (changed.certificate, changed.certificate_expires) == (ANOTHER, later)
    told = register.logged()[-1]
    assert (told["kind"], told["public"]["certificate"]) == ("api-client-certificate-changed", ANOTHER)
    register.later(days=7)
    refusal(lambda: known(client.id, THUMBPRINT))
    token, _ = register.clients.grant(client, SCOPES, certificate=ANOTHER)
    register.clients.change_certificate(client.id, "c3" * 32, later, old_until=None, by="root")
    refusal(lambda: known(client.id, ANOTHER))
    with pytest.raises(TokenRefused):
        register.clients.access_of(token, ANOTHER)


def test_an_old_certificate_outlives_neither_its_end_nor_the_bounds(register: Register) -> None:
    client, _ = register.made(**CERTIFICATE)
    register.later(days=364)
    now, later = register.clock[0], EXPIRES + timedelta(days=365)
    change = partial(register.clients.change_certificate, client.id, ANOTHER, later, by="root")
    for until in (now, now + timedelta(days=91)):
        with pytest.raises(PreconditionRefused, match="old certificate"):
            change(old_until=until)
    change(old_until=now + timedelta(days=30))
    register.later(days=1)
    refusal(lambda: register.clients.with_certificate(client.id, THUMBPRINT))
    with pytest.raises(PreconditionRefused, match="has expired"):
        register.clients.change_certificate(client.id, THUMBPRINT, EXPIRES, old_until=None, by="root")
    by_secret, _ = register.made("OA")
    with pytest.raises(StateRefused, match="without a certificate"):
        register.clients.change_certificate(by_secret.id, THUMBPRINT, later, old_until=None, by="root")
    other, _ = register.made("BI", certificate=THUMBPRINT, certificate_expires=later)
    with pytest.raises(PreconditionRefused, match="Another API client"):
        register.clients.change_certificate(other.id, ANOTHER, later, old_until=None, by="root")


def test_an_assertion_is_used_once(register: Register) -> None:
    client, _ = register.made(keys=KEYS)
    assert register.clients.public_keys(client.id) == json.loads(KEYS)
    until = START + timedelta(minutes=5)
    assert register.clients.use_assertion(client.id, "jti-1", until) == client
    refusal(lambda: register.clients.use_assertion(client.id, "jti-1", until))
    other, _ = register.made("OA", keys=KEYS)
    assert register.clients.use_assertion(other.id, "jti-1", until) == other
    for jti, wrong in (("", until), ("jti-2", START), ("jti-2", START + timedelta(hours=2))):
        refusal(partial(register.clients.use_assertion, client.id, jti, wrong))
    by_secret, _ = register.made("BI")
    refusal(lambda: register.clients.public_keys(by_secret.id))
    refusal(lambda: register.clients.use_assertion("client-0000000000000000", "jti-3", until))


def test_assertions_are_forgotten_when_they_are_worth_nothing(register: Register) -> None:
    client, _ = register.made(keys=KEYS)
    register.clients.use_assertion(client.id, "jti-1", START + timedelta(minutes=5))
    register.later(minutes=6)
    register.clients.use_assertion(client.id, "jti-2", START + timedelta(minutes=8))
    with register.database.reading() as tx:
        assert tx.count("SELECT count(*) FROM used_assertions") == 1


def test_a_token_says_which_client_may_do_what_for_ten_minutes(register: Register) -> None:
    client, _ = register.made()
    wanted = frozenset({Scope.CONTRACTS_READ})
    token, granted = register.clients.grant(client, wanted)
    assert len(token) == 43
    assert (granted.scopes, granted.expires) == (wanted, START + timedelta(minutes=10))
    known = register.clients.access_of(token)
    assert (known.scopes, known.expires, known.client.id) == (wanted, granted.expires, client.id)
    register.later(minutes=10)
    with pytest.raises(TokenRefused) as raised:
        register.clients.access_of(token)
    assert raised.value.code == "token-refused"
    register.clients.grant(client, wanted)
    register.later(minutes=11)
    register.clients.grant(client, wanted)
    with register.database.reading() as tx:
        assert tx.count("SELECT count(*) FROM access_tokens") == 1


def test_no_token_is_for_more_than_the_client_may(register: Register) -> None:
    client, _ = register.made()
    for wanted in (frozenset[Scope](), frozenset({Scope.LOG_READ}), SCOPES | {Scope.PEOPLE_READ}):
        with pytest.raises(PreconditionRefused, match="contracts:read contracts:write"):
            register.clients.grant(client, wanted)
    with pytest.raises(TokenRefused):
        register.clients.access_of("A" * 43)


def test_whoever_was_suspended_gets_in_no_way(register: Register) -> None:
    client, secret = register.made()
    token, _ = register.clients.grant(client, SCOPES)
    register.clients.suspend(client.id, by="root")
    refusal(lambda: register.clients.with_secret(client.id, secret))
    refusal(lambda: register.clients.grant(client, SCOPES))
    with pytest.raises(TokenRefused):
        register.clients.access_of(token)
    with pytest.raises(StateRefused, match="already"):
        register.clients.suspend(client.id, by="root")
    register.clients.resume(client.id, by="root")
    assert register.clients.with_secret(client.id, secret).state is ClientState.ACTIVE
    with pytest.raises(TokenRefused):
        register.clients.access_of(token)


def last_used(register: Register, client: ApiClient) -> object:
    return register.clients.find(client.id).last_used


def test_the_last_use_is_noted_to_the_minute(register: Register) -> None:
    client, _ = register.made()
    token, _ = register.clients.grant(client, SCOPES)
    assert last_used(register, client) == START
    register.later(seconds=59)
    register.clients.access_of(token)
    assert last_used(register, client) == START
    register.later(seconds=1)
    register.clients.access_of(token)
    assert last_used(register, client) == START + timedelta(minutes=1)


def test_the_log_has_ids_and_scopes_and_no_name(register: Register) -> None:
    client, _ = register.made()
    register.clients.suspend(client.id, by="administrator-shi")
    register.clients.resume(client.id, by="root")
    register.clients.change_secret(client.id, secret_digest(new_secret()), old_until=None, by="root")
    told = register.logged()
    kinds = ["created", "suspended", "resumed", "secret-changed"]
    assert [each["kind"] for each in told] == [f"api-client-{kind}" for kind in kinds]
    assert [each["public"]["actor"] for each in told] == ["root", "administrator-shi", "root", "root"]
    assert {each["public"]["scopes"] for each in told} == {"contracts:read contracts:write"}
    assert {each["public"]["api_client"] for each in told} == {client.id}
    assert told[0]["public"]["authenticated_by"] == "secret"
    assert set(told[0]["commitments"]) == {"name", "organisations"}
    assert client.name not in json.dumps(told, ensure_ascii=False)


def test_no_secret_and_no_token_is_on_disk(register: Register) -> None:
    client, secret = register.made()
    token, _ = register.clients.grant(client, SCOPES)
    found = register.bytes_of()
    assert client.id.encode() in found
    assert secret.encode() not in found and token.encode() not in found


GOOD = ClientTerms("OA", SCOPES, frozenset({ALPHA}))


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        (replace(GOOD, name=" "), "needs a name"),
        (replace(GOOD, name="示" * 61), "too long"),
        (replace(GOOD, scopes=frozenset()), "scope"),
        (replace(GOOD, organisations=frozenset()), "organisation"),
        (replace(GOOD, organisations=frozenset({"别处示例"})), f"别处示例 is no organisation .* it has {ALPHA}"),
        (replace(GOOD, kinds=frozenset({"采" * 61})), "at most 20"),
    ],
)
def test_terms_that_are_not_in_order_are_refused(register: Register, terms: ClientTerms, said: str) -> None:
    with pytest.raises(PreconditionRefused, match=said):
        register.clients.create(new_client_id(), terms, ClientAuthentication(**CERTIFICATE), by="root")


def test_organisations_are_spelt_as_the_register_spells_them(register: Register) -> None:
    terms = replace(GOOD, organisations=frozenset({f" {ALPHA} "}), kinds=frozenset({" 采购 ", ""}))
    made = register.clients.create(new_client_id(), terms, ClientAuthentication(keys=KEYS), by="root")
    assert made.organisations == {ALPHA} and made.kinds == {"采购"}


PRIVATE = json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qY", "d": "nWGx"}]})
SHARED = json.dumps({"keys": [{"kty": "oct", "k": "AyM1"}]})


@pytest.mark.parametrize("keys", ["", "[]", "{}", '{"keys": []}', '{"keys": 1}', PRIVATE, SHARED])
def test_a_key_set_has_public_keys_alone(register: Register, keys: str) -> None:
    with pytest.raises(PreconditionRefused, match="JWK set"):
        register.made(keys=keys)


def rsa(bits: int) -> str:
    modulus = base64.urlsafe_b64encode(((1 << bits) - 1).to_bytes((bits + 7) // 8)).rstrip(b"=").decode()
    return json.dumps({"keys": [{"kty": "RSA", "n": modulus, "e": "AQAB"}]})


def test_rsa_keys_are_neither_weak_nor_costly(register: Register) -> None:
    without, torn = rsa(2048).replace('"n"', '"m"'), rsa(2048).replace('"n": "', '"n": "你')
    for keys in (rsa(1024), rsa(2047), rsa(8193), without, torn):
        with pytest.raises(PreconditionRefused, match="2048 to 8192 bits"):
            register.made(keys=keys)
    for bits in (2048, 8192):
        register.made(f"BI {bits}", keys=rsa(bits))


@pytest.mark.parametrize("wrong", [{"secret": b"short"}, {"certificate": "A1" * 32}, {"certificate": "a1"}])
def test_digests_are_sha_256(register: Register, wrong: dict[str, Any]) -> None:
    with pytest.raises(PreconditionRefused, match="64 hexadecimal digits"):
        register.made(**wrong)


def test_a_client_has_one_way_to_prove_who_it_is() -> None:
    with pytest.raises(ValueError, match="one kind"):
        ClientAuthentication()
    with pytest.raises(ValueError, match="one kind"):
        ClientAuthentication(secret=bytes(32), certificate=THUMBPRINT)


def test_scopes_are_named(register: Register) -> None:
    assert read_scopes(["contracts:read"]) == {Scope.CONTRACTS_READ}
    with pytest.raises(PreconditionRefused, match=r"contracts:sign; there are captures:read .*contracts:read"):
        read_scopes(["contracts:sign"])
