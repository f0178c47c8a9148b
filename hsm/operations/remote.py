"""Remote signing: keys that officers give a person, and what the person has activated for other software."""

from __future__ import annotations

from cryptography.hazmat.primitives.serialization import Encoding

from hsm import cms
from hsm.certificates import Profile
from hsm.errors import ActivationUsed, AuthorityLocked, BadRequest, CertificateRefused, ModuleUnavailable
from hsm.intents import OfficerIntent
from hsm.keys import HsmSigner
from hsm.names import SubjectName
from hsm.operation_types import RemoteLimits
from hsm.operations.certification import certify
from hsm.operations.context import Handlers
from hsm.remote import RemoteUse, remote_key, remote_signing_in
from hsm.store import Subject, SubjectKind

_PROFILES = {RemoteUse.DOCUMENT: Profile.REMOTE_DOCUMENT, RemoteUse.HASH: Profile.REMOTE_HASH}


class RemoteSigningOperations(Handlers):
    """Signs what is not of this appliance, with keys that sign nothing that is."""

    def remote_limits(self) -> RemoteLimits:
        """How many documents one activation signs, by the settings."""
        activation = self._context.settings.activation
        return RemoteLimits(activation.remote_documents, activation.remote_hashes)

    def add_remote_key(self, intent: OfficerIntent) -> bytes:
        """The certificate (DER) of a new key; one of before stays valid until it ends, and signs no more.

        1. the settings allow the use, and the person is enrolled, of the house, with a certificate that counts:
           whose name is certified once more was verified for that one;
        2. the activations are the officers'.
        """
        use = _use_in(intent)
        if self._context.settings.activation.remote_limit(use) == 0:
            raise CertificateRefused(
                "Keys of this kind are switched off; the setting activation.remote_documents or"
                " activation.remote_hashes allows them."
            )
        person = self._person(intent.text("subject"))
        with self._authorised(intent, lambda: self._usable(person.subject)) as authorised:
            key = remote_key(person.subject, use)
            name = SubjectName(person.organisation, person.name, key)
            algorithm = self._context.settings.certificates.algorithm.signature
            made = certify(self._context, key, _PROFILES[use], name, algorithm=algorithm, now=authorised.at)
        return made.certificate.public_bytes(Encoding.DER)

    def sign_remotely(self, intent: OfficerIntent) -> list[bytes]:
        """For each document of *intent*, in its order, the detached CMS (DER, baseline B-B) over its digest, or
        the signature over the digest alone.

        1. its arguments have their plain forms, and the person's key for this use has a certificate that is valid
           and not revoked;
        2. it is activated by this very person, by a passkey, and no more is signed than the settings allow
           (:class:`hsm.activation.rules.ActivationRules`); its nonce is used up, on disk;
        3. sign with that key and no other; what comes out verifies, or is not given out.
        """
        asked = remote_signing_in(intent.details)
        self._usable(asked.person)
        signer = self._usable(asked.key)
        authorised = self._context.authoriser.authorise(intent)
        digests = [each.digest for each in asked.documents]
        try:
            if asked.use is RemoteUse.HASH:
                return [self._context.signers.sign_digest(signer, each) for each in digests]
            return _messages(signer, digests, authorised.strength)
        except (AuthorityLocked, ModuleUnavailable) as error:
            raise ActivationUsed(
                "The HSM stopped answering when this activation had been used up; nothing was signed. Begin again."
            ) from error

    def _person(self, subject: str) -> Subject:
        found = self._store.people.subject(subject)
        if found.kind is not SubjectKind.PERSON:
            raise CertificateRefused("{subject} is nobody of this house who signs.", subject=subject)
        return found


def _messages(signer: HsmSigner, digests: list[bytes], strength: str) -> list[bytes]:
    maker = cms.MessageMaker(signer, cms.DATA, [cms.activated_by(strength)])
    return [maker.make_message(each) for each in digests]


def _use_in(intent: OfficerIntent) -> RemoteUse:
    use = intent.text("use")
    if use not in tuple(RemoteUse):
        raise BadRequest("A key for remote signing is for documents or for hashes.")
    return RemoteUse(use)
