"""The certificates that this authority issues: profiles, naming rules, validity (RFC 5280; ETSI EN 319 412-2, -3).

Every certificate says that it is of a private CA. Keys and certificates of persons and seals are good for signing
documents and nothing else, the timestamp authority's for timestamps alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum, unique

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.types import (
    CertificateIssuerPrivateKeyTypes,
    CertificatePublicKeyTypes,
)
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from hsm.errors import CertificateRefused
from hsm.names import (
    BOUND,
    LONGEST_COMMON,
    LONGEST_ORGANISATION,
    LONGEST_PERSON,
    SubjectName,
    is_outside,
    is_outside_seal,
    names_within,
    passes_for,
    require_visible,
    single_spaced,
)
from hsm.remote import NOTICES, POLICIES, RemoteUse, remote_use_of
from hsm.signer import SignatureAlgorithm
from hsm.vouching import EventScope, issues_events

DOCUMENT_SIGNING = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")
"""RFC 9336."""
NOTICE = "Private CA, not a licensed electronic certification service. 内部自建CA，并非依法许可的电子认证服务。"
VOUCHED_NOTICE = (
    f"{NOTICE} Seal of another company, for which officers of this CA's operator vouch."
    " 外部单位印章，由运营方登记员核实。"
)
"""In the certificate of another company's seal. RFC 5280 (4.2.1.4) has room for 200 characters."""
POLICY = "1.3.6.1.4.1.32473.1.2"
"""Under the number that RFC 5612 keeps for examples; an enterprise puts its own."""

EVENT_NOTICE = (
    "For one contract: its initiator, not an officer, vouched for the signer's identity."
    " Private CA, not a licensed service."
    " 仅用于一份合同，签署人身份由合同发起人确认，未经登记员核实；内部自建CA，并非依法许可的电子认证服务。"
)
EVENT_POLICY = "1.3.6.1.4.1.32473.1.6"
"""Of event certificates, beside :data:`POLICY`; the settings can name another."""

EVENT_DAYS, MOST_EVENT_DAYS = 45, 180
"""How long an event certificate is valid, unless the settings say otherwise, and at most."""

SEAL_KINDS = (
    "公章",
    "合同专用章",
    "法定代表人章",
    "财务专用章",
    "人事专用章",
    "发票专用章",
    "部门章",
    "分公司章",
)
"""The kinds of company seal: a seal's certificate names its kind as the organisational unit."""

UNIT_SEAL_KINDS = frozenset({"部门章", "分公司章"})
"""Those of a department or branch, whose name stands before the kind."""

_HASHES = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), None: None}


@dataclass(frozen=True, slots=True)
class ProfileRules:
    """The rules for one kind of certificate: ``ca`` with the CAs below it (``path_length``), usages, days of
    validity. ``event``: an event certificate, or the CA that issues them and nothing else. ``remote``: for what a
    key for remote signing is."""

    days: int
    ca: bool = False
    path_length: int | None = None
    commitment: bool = True
    usages: tuple[x509.ObjectIdentifier, ...] = ()
    usages_critical: bool = False
    event: bool = False
    remote: RemoteUse | None = None


_SIGNING = (ExtendedKeyUsageOID.EMAIL_PROTECTION, DOCUMENT_SIGNING)


@unique
class Profile(Enum):
    """The kinds of certificate."""

    ROOT = ProfileRules(days=7300, ca=True, path_length=1)
    ISSUING = ProfileRules(days=3650, ca=True, path_length=0)
    TSA = ProfileRules(days=1825, usages=(ExtendedKeyUsageOID.TIME_STAMPING,), usages_critical=True)
    LOG = ProfileRules(days=1825, commitment=False)
    EVIDENCE = ProfileRules(days=1825, usages=_SIGNING)
    PERSON = ProfileRules(days=730, usages=_SIGNING)
    SEAL = ProfileRules(days=1095, usages=_SIGNING)
    EVENTS = ProfileRules(days=3650, ca=True, path_length=0, event=True)
    EVENT = ProfileRules(days=MOST_EVENT_DAYS, usages=_SIGNING, event=True)
    REMOTE_DOCUMENT = ProfileRules(days=730, usages=_SIGNING, remote=RemoteUse.DOCUMENT)
    REMOTE_HASH = ProfileRules(days=730, usages=_SIGNING, remote=RemoteUse.HASH)


_IDENTIFIED = frozenset(
    {Profile.PERSON, Profile.SEAL, Profile.EVENT, Profile.REMOTE_DOCUMENT, Profile.REMOTE_HASH}
)
"""Of people and seals, whose names have an identifier."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """A CA: its certificate, its private key (in the HSM), and its name in addresses, ``root`` or ``issuing``."""

    certificate: x509.Certificate
    key: CertificateIssuerPrivateKeyTypes
    label: str


@dataclass(frozen=True, slots=True)
class CertificateRules:
    """``organisations`` may be named, but no outside signer or seal after them; ``base_url`` is where CRLs and the
    CAs' certificates are served. Event certificates have an ``event_policy`` of their own, and last
    ``event_days``; those of keys for remote signing have one of ``remote_policies``."""

    organisations: Collection[str]
    base_url: str
    policy: str = POLICY
    event_policy: str = EVENT_POLICY
    event_days: int = EVENT_DAYS
    remote_policies: Mapping[RemoteUse, str] = field(default_factory=lambda: POLICIES)

    def self_sign(
        self, name: SubjectName, key: CertificateIssuerPrivateKeyTypes, *, now: datetime
    ) -> x509.Certificate:
        """The root's certificate, by the root's *key*. Raises :class:`CertificateRefused`."""
        public_key = key.public_key()
        builder = self._builder(Profile.ROOT, name, public_key, now=now)
        builder = builder.issuer_name(name.to_x509()).add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(public_key), critical=False
        )
        return _sign(builder, key)

    def issue(
        self,
        profile: Profile,
        name: SubjectName,
        public_key: CertificatePublicKeyTypes,
        *,
        issuer: Issuer,
        now: datetime,
        scope: EventScope | None = None,
    ) -> x509.Certificate:
        """A certificate of *profile* by *issuer*, valid from *now* (aware), never longer than its issuer's. An
        event certificate has a *scope*, and nothing else has one.

        Raises :class:`CertificateRefused` when a name, the key or the issuer does not fit the rules.
        """
        _require_issuer(profile, issuer, now)
        if (name.identifier is not None) != (profile in _IDENTIFIED):
            raise CertificateRefused("The names of people and seals have an identifier; other names have none.")
        if remote_use_of(name.identifier or "") is not profile.value.remote:
            raise CertificateRefused("A certificate for remote signing says so in its name, and no other does.")
        if (scope is not None) != (profile is Profile.EVENT):
            raise CertificateRefused("An event certificate names its contract, and no other certificate does.")
        builder = self._builder(profile, name, public_key, now=now, latest=issuer.certificate.not_valid_after_utc)
        key_identifier = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        builder = (
            builder.issuer_name(issuer.certificate.subject)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_identifier), critical=False
            )
            .add_extension(self._distribution(issuer.label), critical=False)
            .add_extension(self._access(issuer.label, answered=not profile.value.ca), critical=False)
            .add_extension(self._policies(profile, name), critical=False)
        )
        if scope is not None:
            builder = builder.add_extension(scope.extension(), critical=False)
        certificate = _sign(builder, issuer.key)
        try:
            certificate.verify_directly_issued_by(issuer.certificate)
        except (ValueError, TypeError, InvalidSignature) as error:
            raise CertificateRefused("The new certificate does not verify with its issuer's.") from error
        return certificate

    def _builder(
        self,
        profile: Profile,
        name: SubjectName,
        public_key: CertificatePublicKeyTypes,
        *,
        now: datetime,
        latest: datetime | None = None,
    ) -> x509.CertificateBuilder:
        self._require_name(profile, name)
        SignatureAlgorithm.from_public_key(public_key)
        rules = profile.value
        start = now.astimezone(UTC).replace(microsecond=0)
        end = start + timedelta(days=self.event_days if profile is Profile.EVENT else rules.days)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name.to_x509())
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(min(end, latest) if latest else end)
            .add_extension(x509.BasicConstraints(ca=rules.ca, path_length=rules.path_length), critical=True)
            .add_extension(_key_usage(rules), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        )
        full_name = name.extension()
        if full_name is not None:
            builder = builder.add_extension(full_name, critical=False)
        if rules.usages:
            usages = x509.ExtendedKeyUsage(rules.usages)
            builder = builder.add_extension(usages, critical=rules.usages_critical)
        return builder

    def _require_name(self, profile: Profile, name: SubjectName) -> None:
        outside_seal = _is_outside_seal(profile, name)
        person = profile in _IDENTIFIED and profile is not Profile.SEAL
        outside = outside_seal or (person and is_outside(name.identifier or ""))
        if profile.value.remote is not None and outside:
            raise CertificateRefused("Remote signing is for people of this house.")
        if profile is Profile.EVENT and not outside:
            raise CertificateRefused("An event certificate is for somebody from outside.")
        if outside:
            self.require_foreign(name.organisation)
        elif name.organisation not in self.organisations:
            raise CertificateRefused(
                "The organisation {organisation} is not one that this authority may name.",
                organisation=name.organisation,
            )
        if len(name.country) != 2 or not name.country.isascii() or not name.country.isupper():
            raise CertificateRefused("A country is two capital letters, such as CN.")
        if outside_seal:
            self._require_foreign_seal(name)
        if name.organisation or not outside or outside_seal:
            own = name.organisation if outside else single_spaced(name.organisation)
            require_visible(own, LONGEST_ORGANISATION)
        if person:
            require_visible(name.common_name, LONGEST_PERSON)
        else:  # the organisation's name may be part of it
            require_visible(single_spaced(name.common_name), LONGEST_COMMON)
        for text in (name.identifier, name.unit):
            if text is not None:
                require_visible(text, BOUND)

    def require_foreign(self, organisation: str) -> None:
        """Raises :class:`CertificateRefused` for an organisation whose name reads as one of the enterprise's own:
        nothing from outside is named after it."""
        own = next((each for each in self.organisations if passes_for(organisation, each)), None)
        if own is not None:
            raise CertificateRefused(
                "An outside signer or seal cannot be of {organisation}: {own} is an organisation of this house.",
                organisation=organisation,
                own=own,
            )

    def _require_foreign_seal(self, name: SubjectName) -> None:
        """Raises :class:`CertificateRefused` unless another company's seal is called by its organisation and kind,
        with the department or branch between them where it is the seal of one, which names no own organisation."""
        before, kind = name.organisation, name.unit or ""
        called = name.common_name.removeprefix(before).removesuffix(kind)
        fitting = name.common_name == f"{before}{called}{kind}" and bool(called) == (kind in UNIT_SEAL_KINDS)
        if not fitting or called != called.strip():
            raise CertificateRefused(
                "The seal of {organisation} is called by this name and its kind, and by nothing else but the"
                " department or branch whose seal it is.",
                organisation=before,
            )
        own = (
            each for each in self.organisations if names_within(before + called, each) > names_within(before, each)
        )
        named = next(own, None)
        if named is not None:
            raise CertificateRefused(
                "An outside signer or seal cannot be of {organisation}: {own} is an organisation of this house.",
                organisation=f"{before} {called}",
                own=named,
            )

    def _distribution(self, issuer: str) -> x509.CRLDistributionPoints:
        address = x509.UniformResourceIdentifier(f"{self.base_url}/crl/{issuer}.crl")
        return x509.CRLDistributionPoints([x509.DistributionPoint([address], None, None, None)])

    def _access(self, issuer: str, *, answered: bool) -> x509.AuthorityInformationAccess:
        """Where the issuer's certificate is, and, for those that issuing CAs issue, where OCSP is *answered*."""
        places = [(AuthorityInformationAccessOID.CA_ISSUERS, f"{self.base_url}/certs/{issuer}.cer")]
        if answered:
            places.append((AuthorityInformationAccessOID.OCSP, f"{self.base_url}/ocsp"))
        return x509.AuthorityInformationAccess(
            [x509.AccessDescription(kind, x509.UniformResourceIdentifier(place)) for kind, place in places]
        )

    def _policies(self, profile: Profile, name: SubjectName) -> x509.CertificatePolicies:
        text = VOUCHED_NOTICE if _is_outside_seal(profile, name) else NOTICE
        policy = self.event_policy if profile.value.event else self.policy
        if (use := profile.value.remote) is not None:
            text, policy = NOTICES[use], self.remote_policies[use]
        notice = x509.UserNotice(None, EVENT_NOTICE if profile is Profile.EVENT else text)
        return x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier(policy), [notice])])


def _is_outside_seal(profile: Profile, name: SubjectName) -> bool:
    return profile is Profile.SEAL and is_outside_seal(name.identifier or "")


def is_evidence_service(certificate: x509.Certificate) -> bool:
    """Whether *certificate* has the form of :attr:`Profile.EVIDENCE`: for signing documents, not a CA, and without
    the X.520 serialNumber that every person's and seal's certificate has. Its issuer is checked elsewhere."""
    extensions = {each.oid: each.value for each in certificate.extensions}
    constraints = extensions.get(x509.BasicConstraints.oid)
    usages = extensions.get(x509.ExtendedKeyUsage.oid)
    return (
        isinstance(usages, x509.ExtendedKeyUsage)
        and set(usages) == set(Profile.EVIDENCE.value.usages)
        and not (isinstance(constraints, x509.BasicConstraints) and constraints.ca)
        and not certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
    )


def _require_issuer(profile: Profile, issuer: Issuer, now: datetime) -> None:
    certificate = issuer.certificate
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    below_root = profile.value.ca or profile.value.event == issues_events(issuer.label)
    if not constraints.ca or profile.value.ca != (constraints.path_length == 1) or not below_root:
        raise CertificateRefused("{issuer} may not issue this kind of certificate.", issuer=issuer.label)
    if profile is Profile.ROOT:
        raise CertificateRefused("A root is signed by itself alone.")
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise CertificateRefused("The certificate of {issuer} is not valid now.", issuer=issuer.label)


def _key_usage(rules: ProfileRules) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not rules.ca,
        content_commitment=not rules.ca and rules.commitment,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=rules.ca,
        crl_sign=rules.ca,
        encipher_only=False,
        decipher_only=False,
    )


def _sign(builder: x509.CertificateBuilder, key: CertificateIssuerPrivateKeyTypes) -> x509.Certificate:
    return builder.sign(key, hash_for(key))


def hash_for(key: CertificateIssuerPrivateKeyTypes) -> hashes.SHA256 | hashes.SHA384 | None:
    """The hash that goes with an issuer's *key* (None: Ed25519). Raises :class:`CertificateRefused`."""
    return _HASHES[SignatureAlgorithm.from_public_key(key.public_key()).hash_name]
