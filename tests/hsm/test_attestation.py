"""Which kinds of authenticators are taken, with the setting that names some and without it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from hsm.client import AuthorityClient
from hsm.errors import ActivationRefused, ConfigurationRefused
from hsm.intents import PasskeyRegistration
from tests.authority import RunningAuthority, assertion_over, intent_for, running_authority
from tests.hsm.attesting import Maker, attested_by_itself, signed, with_statement
from tests.hsm.registering import begun, device, enrol


def test_only_approved_kinds_of_authenticators_are_taken() -> None:
    """None at all, by the passkey itself, by another maker, by one whose roots a library would add: refused."""
    approved, also, stranger = Maker("甲认证器"), Maker("乙认证器"), Maker("不明认证器")
    settings = '[activation]\nattestation = ["approved.pem", "also.pem"]\n'
    with running_authority(settings=settings, workers=1) as own:
        service = own.client("activation")
        with pytest.raises(ConfigurationRefused, match="cannot be read"):
            own.register("person-a", device())
        for name, maker in (("approved", approved), ("also", also)):
            (own.root / f"config/{name}.pem").write_bytes(maker.pem)
        assert service.begin_registration("person-a").attestation

        mine = device()
        wrong: list[Callable[[PasskeyRegistration], PasskeyRegistration]] = [
            lambda made: made,
            lambda made: attested_by_itself(made, mine),
            stranger.attested,
            *(
                partial(approved.attested, form=form)
                for form in ("apple", "android-key", "none", "tpm", "made-up")
            ),
            lambda made: with_statement(made, "packed", signed(made, mine.key) | {"x5c": []}),
            lambda made: with_statement(made, "packed", {**signed(made, mine.key), "x5c": approved.chain}),
            lambda made: with_statement(made, "packed", {**signed(made, approved.key), "x5c": stranger.chain}),
            lambda made: replace(
                approved.attested(made),
                attestation_object=approved.attested(other(service)).attestation_object,
            ),
        ]
        for attest in wrong:
            with pytest.raises(ActivationRefused):
                service.register_passkey("person-a", attest(mine.register(begun(service, "person-a"))))
        challenge, key = begun(service, "person-a"), bytes.fromhex(mine.credential()["public_key"])
        with pytest.raises(ActivationRefused, match="of which kind"):
            service.register_known_passkey("person-a", challenge, key, assertion_over(mine, "person-a", challenge))
        code = (own.root / "secrets/setup.code").read_text().strip()
        with pytest.raises(ActivationRefused, match="approved"):
            own.appoint(code, "officer-a", device())
        assert service.appointment().codes == 1
        assert service.pending_credentials("person-a") == []
        assert "failed inside" not in own.log

        for maker in (approved, also):
            passkey = device()
            subject = f"person-{secrets.token_hex(6)}"
            attested = maker.attested(passkey.register(begun(service, subject)))
            made = service.register_passkey(subject, attested)
            assert made.credential_id == passkey.credential_id
            enrol(own, subject, made.fingerprint)
            assert own.sign(intent_for(subject), (passkey, subject))


def other(service: AuthorityClient) -> PasskeyRegistration:
    """A registration with another passkey, under a challenge of its own."""
    return device().register(begun(service, "person-a"))


def test_without_that_setting_any_authenticator_is_taken(
    authority: RunningAuthority, service: AuthorityClient, subject: str
) -> None:
    """Attested or not; a false attestation is refused all the same."""
    assert not service.begin_registration(subject).attestation
    own, maker = device(), Maker("不明认证器")
    with pytest.raises(ActivationRefused, match="could not be registered"):
        wrong = with_statement(own.register(begun(service, subject)), "packed", {"alg": -7, "sig": bytes(70)})
        service.register_passkey(subject, wrong)
    for attest in (maker.attested, lambda made: attested_by_itself(made, own)):
        assert service.register_passkey(subject, attest(own.register(begun(service, subject))))
