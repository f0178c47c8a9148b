"""WebAuthn assertions (Level 3, section 7.2): the strong kind of activation, bound to the intent by its
challenge."""

from __future__ import annotations

from collections.abc import Sequence

from webauthn import verify_authentication_response
from webauthn.helpers import bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import AuthenticationCredential, AuthenticatorAssertionResponse

from hsm.errors import ActivationRefused
from hsm.intents import WebAuthnActivation
from hsm.store import Credential


def verify_assertion(
    activation: WebAuthnActivation,
    credential: Credential,
    *,
    challenge: bytes,
    rp_id: str,
    origins: Sequence[str],
) -> int:
    """The authenticator's new counter, when the assertion is over *challenge* by *credential*.

    Demands user presence and user verification, our relying party, one of *origins*, and a counter that went up
    (or is not kept at all). Raises :class:`ActivationRefused`.
    """
    response = AuthenticatorAssertionResponse(
        client_data_json=activation.client_data,
        authenticator_data=activation.authenticator_data,
        signature=activation.signature,
    )
    try:
        verified = verify_authentication_response(
            credential=AuthenticationCredential(
                id=bytes_to_base64url(activation.credential_id),
                raw_id=activation.credential_id,
                response=response,
            ),
            expected_challenge=challenge,
            expected_rp_id=rp_id,
            expected_origin=list(origins),
            credential_public_key=credential.public_key or b"",
            credential_current_sign_count=credential.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError, AttributeError) as error:
        # What the library lets escape on hostile client data is not one family of exceptions.
        raise ActivationRefused(
            "The activation does not verify for this act ({reason}). Activate again.", reason=error
        ) from error
    return verified.new_sign_count
