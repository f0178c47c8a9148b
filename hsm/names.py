"""Names: of subjects, of organisations, and in certificates: what they may hold, and how long ones are certified.

RFC 5280 (appendix A.1, after X.520) gives an organisation and a common name 64 characters. Organisations and
people have longer names. The subject then has a shortened one, cut between characters that people see, and an
extension of our own has the name in full:

    FullName ::= SEQUENCE {
        organisation  [0] IMPLICIT UTF8String OPTIONAL,
        commonName    [1] IMPLICIT UTF8String OPTIONAL }

It is not critical: who does not know it reads the shortened name. Whoever does believes it only when it shortens
to exactly what the subject says. Rules and look-ups are about the name in full; what tells two subjects with the
same shortened name apart is the serialNumber.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from hsm import der
from hsm.errors import CertificateRefused, Malformed

LONGEST_PERSON: Final = 100
"""Characters of a person's name."""

LONGEST_ORGANISATION: Final = 200
"""Characters of an organisation's name."""

LONGEST_COMMON: Final = LONGEST_ORGANISATION + 80
"""Characters of the name of a seal or a service, which has the organisation's in it."""

BOUND: Final = 64
"""ub-organization-name, ub-common-name, ub-organizational-unit-name and ub-serial-number."""

_LEAST_KEPT: Final = 16
"""Octets of the organisation's name that a shortened common name keeps at least."""

FULL_NAME: Final = x509.ObjectIdentifier("1.3.6.1.4.1.32473.1.3")
"""The extension. The arc is that of :data:`hsm.certificates.POLICY`."""

_ORGANISATION, _COMMON = 0x80, 0x81


@dataclass(frozen=True, slots=True)
class SubjectName:
    """Who a certificate names, in full. ``identifier`` tells apart two of the same name (X.520 serialNumber);
    ``unit`` is a seal's kind; ``organisation`` is empty for somebody from outside who signs for none."""

    organisation: str
    common_name: str
    identifier: str | None = None
    country: str = "CN"
    unit: str | None = None

    @property
    def shortened(self) -> tuple[str, str]:
        """Organisation and common name as the subject has them."""
        return shortened_organisation(self.organisation), _shortened(self.common_name, self.organisation)

    @property
    def is_shortened(self) -> bool:
        """Whether the subject has no room for the name in full."""
        return self.shortened != (self.organisation, self.common_name)

    def to_x509(self) -> x509.Name:
        """The distinguished name, country first."""
        organisation, common_name = self.shortened
        attributes = [x509.NameAttribute(NameOID.COUNTRY_NAME, self.country)]
        if organisation:
            attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
        if self.unit is not None:
            attributes.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, self.unit))
        attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, common_name))
        if self.identifier is not None:
            attributes.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, self.identifier))
        return x509.Name(attributes)

    def extension(self) -> x509.UnrecognizedExtension | None:
        """The names in full, where the subject has no room for them."""
        organisation, common_name = self.shortened
        parts = []
        if organisation != self.organisation:
            parts.append(der.element(_ORGANISATION, self.organisation.encode()))
        if common_name != self.common_name:
            parts.append(der.element(_COMMON, self.common_name.encode()))
        return x509.UnrecognizedExtension(FULL_NAME, der.element(der.SEQUENCE, *parts)) if parts else None


def shortened_organisation(name: str) -> str:
    """The name of an organisation as the subject of a certificate has it."""
    return _cut(name, BOUND, 4 * BOUND)


def name_in(certificate: x509.Certificate) -> SubjectName:
    """The name that *certificate*, anybody's, gives its subject: in full, where it says so and the subject agrees.

    What is not there is empty, or None.
    """
    found: dict[x509.ObjectIdentifier, str] = {}
    for each in certificate.subject:
        found.setdefault(each.oid, str(each.value))
    organisation, common_name = found.get(NameOID.ORGANIZATION_NAME, ""), found.get(NameOID.COMMON_NAME, "")
    unit, identifier = found.get(NameOID.ORGANIZATIONAL_UNIT_NAME), found.get(NameOID.SERIAL_NUMBER)
    country = found.get(NameOID.COUNTRY_NAME, "")
    longer = _in_full(certificate)
    full = SubjectName(longer[0] or organisation, longer[1] or common_name, identifier, country, unit)
    if full.shortened == (organisation, common_name):
        return full
    return SubjectName(organisation, common_name, identifier, country, unit)


def is_organisation_name(text: str) -> bool:
    """Whether *text* is valid as an organisation in a certificate. Earlier releases certified two spaces in a row:
    such an organisation keeps its name."""
    return 1 <= len(text) <= LONGEST_ORGANISATION and is_visible(single_spaced(text))


def single_spaced(text: str) -> str:
    """*text* as a page shows it, which makes one of several spaces in a row."""
    return _SPACES.sub(" ", text)


def require_visible(text: str, most: int) -> None:
    """Raises :class:`CertificateRefused` unless *text* has 1 to *most* characters that can be seen, in one form.

    What cannot be seen or has two forms could name somebody else.
    """
    if not 1 <= len(text) <= most or not is_visible(text):
        raise CertificateRefused(
            "A name in a certificate has 1 to {most} visible characters, no outer spaces, and no two spaces in a"
            " row.",
            most=most,
        )


def is_visible(text: str) -> bool:
    """Whether *text* has nothing in it that cannot be seen, no outer spaces, none that follows another one (a page
    shows both as one), and the one form that is NFC."""
    if text != text.strip() or "  " in text:
        return False
    if text.isascii():
        return text.isprintable()
    visible = all(unicodedata.category(each)[0] not in "CZ" or each == " " for each in text)
    seen = visible and BLANK.isdisjoint(text) and text == without_stray_selectors(text)
    return seen and unicodedata.is_normalized("NFC", text)


def is_readable(text: str) -> bool:
    """Whether *text*, of several lines, has nothing in it that cannot be seen, or changes the order in which it is
    read."""
    return BLANK.isdisjoint(text) and all(unicodedata.category(each)[0] != "C" or each in "\t\n" for each in text)


def without_stray_selectors(text: str) -> str:
    """*text* without variation selectors that follow nothing: they are seen by what they do to the character
    before them alone, so a text of nothing else is empty."""
    return _STRAY.sub("", text)


def visible(text: str) -> str:
    """*text* in the form that :func:`is_visible` takes: in one line, single spaces, nothing that cannot be seen.

    It may be empty.
    """
    normal = unicodedata.normalize("NFC", text)
    kept = (
        each for each in normal if each.isspace() or (unicodedata.category(each)[0] != "C" and each not in BLANK)
    )
    return unicodedata.normalize("NFC", " ".join(without_stray_selectors("".join(kept)).split()))


def _shortened(common_name: str, organisation: str) -> str:
    """The common name in 64 octets: libraries count octets where X.520 counts characters.

    Of one that begins with the organisation's name that part is cut, so that what follows, a seal's kind or what a
    CA is for, stays and tells it from others.
    """
    if len(common_name.encode()) <= BOUND:
        return common_name
    rest = common_name.removeprefix(organisation) if organisation else common_name
    room = BOUND - len(rest.encode())
    if rest == common_name or room < _LEAST_KEPT:
        return _cut(common_name, BOUND, BOUND)
    return _cut(organisation, BOUND, room) + rest


def _cut(text: str, characters: int, octets: int) -> str:
    """The longest beginning of *text* within both bounds that ends between two characters that people see (the
    grapheme clusters of UAX #29, as far as names have them)."""
    end = min(len(text), characters)
    while len(text[:end].encode()) > octets:
        end -= 1
    while 0 < end < len(text) and _joins(text[end]):
        end -= 1
    return text[:end].rstrip()


def _joins(character: str) -> bool:
    """Whether *character* belongs to what stands before it: marks, and the skin tones of emoji."""
    return unicodedata.category(character)[0] == "M" or "\U0001f3fb" <= character <= "\U0001f3ff"


def _in_full(certificate: x509.Certificate) -> tuple[str, str]:
    """Organisation and common name of the extension; each empty where it has none that can be read."""
    try:
        found = certificate.extensions.get_extension_for_oid(FULL_NAME).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError):
        return "", ""
    if not isinstance(found, x509.UnrecognizedExtension):
        return "", ""
    names = {_ORGANISATION: "", _COMMON: ""}
    try:
        for part in der.members(found.value):
            names[part[0]] = der.contents(part).decode()
    except (Malformed, ValueError, IndexError):
        return "", ""
    full = names[_ORGANISATION], names[_COMMON]
    # two spaces in a row: earlier releases certified such names
    fit = all(len(each) <= LONGEST_COMMON and is_visible(single_spaced(each)) for each in full)
    return full if fit else ("", "")


_HAN: Final = "\u3400-\u9fff\uf900-\ufaff"
_WORD: Final = re.compile(f"[{_HAN}]+|[^\\W_{_HAN}]+")
_WRITTEN: Final = (
    ("有限责任公司", "limited"),
    ("有限責任公司", "limited"),
    ("股份有限公司", "by shares"),
    ("有限公司", "limited"),
)
"""Endings of Chinese names, the longer ones first."""
_SPOKEN: Final = {
    **dict.fromkeys(("companylimited", "colimited", "coltd", "limited", "ltd"), "limited"),
    **dict.fromkeys(("jointstockcompanylimited", "jointstockcoltd"), "by shares"),
    **dict.fromkeys(("incorporated", "inc"), "inc"),
    **dict.fromkeys(("corporation", "corp"), "corp"),
    **dict.fromkeys(("limitedliabilitycompany", "llc"), "llc"),
    **dict.fromkeys(("plc", "llp", "gmbh", "ag", "sarl", "srl", "bv", "pteltd", "ptyltd"), ""),
}
"""Last words of other names, written together; an empty form is one of its own."""
_MOST_WORDS: Final = 4


_LOOKS_LATIN: Final = {
    **str.maketrans(
        "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0406\u0408\u0405"
        "\u051a\u051c\u04ba\u04c0\u042c\u0474\u04ae\u050c",
        "abekmhopctyxijsqwhibvyg",
    ),
    **str.maketrans(
        "\u0430\u0432\u0435\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0456\u0458\u0455"
        "\u051b\u051d\u04bb\u04cf\u0433\u0475\u04af\u0501",
        "abekmhopctyxijsqwhlrvyd",
    ),
    **str.maketrans(
        "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u037f\u03f9",
        "abezhikmnoptyxjc",
    ),
    **str.maketrans(
        "\u03b1\u03b5\u03b7\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7\u03b3\u03c3\u03f2\u03f3",
        "aenikvoptuxyocj",
    ),
}
"""Letters of Cyrillic and Greek, capital and small, that are read as the Latin ones."""


def same_organisation(one: str, other: str) -> bool:
    """Whether *one* would be read as *other*.

    ``ACME Co., Ltd.`` is ``acme limited``, and 有限责任公司 is 有限公司. A name without its legal form is
    the one with it; two different forms (``Acme Ltd``, ``Acme GmbH``) are two organisations. Long names are also
    compared as the subject of a certificate has them: who reads only that would take one for the other.
    """
    return _reads_as(one, other) or _reads_as(shortened_organisation(one), shortened_organisation(other))


def passes_for(one: str, other: str) -> bool:
    """Whether *one* would be taken for *other*: as :func:`same_organisation`, and where letters of another script
    look like its own.

    It refuses names from outside; nobody is let in because of it.
    """
    return same_organisation(one, other) or same_organisation(*(_as_latin(each) for each in (one, other)))


def names_within(text: str, organisation: str) -> int:
    """How often *organisation* is named in *text*, with its legal form or without it, however it is written, also
    with letters of other scripts that look like its own."""
    return max(_named(text, organisation), _named(_as_latin(text), _as_latin(organisation)))


def _as_latin(name: str) -> str:
    alike = name.translate(_LOOKS_LATIN)  # first: NFKC makes another letter of some
    return unicodedata.normalize("NFKC", alike).translate(_LOOKS_LATIN)


def _named(text: str, organisation: str) -> int:
    letters = "".join(_WORD.findall(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())))
    name = _parts(organisation)[0]
    return letters.count(name) if name else 0


def _reads_as(one: str, other: str) -> bool:
    (name, form), (second, another) = _parts(one), _parts(other)
    return bool(name) and name == second and (form is None or another is None or form == another)


def _parts(name: str) -> tuple[str, str | None]:
    """What counts of *name*, and the legal form that it ends with."""
    words = _WORD.findall(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()))
    for count in range(min(_MOST_WORDS, len(words) - 1), 0, -1):
        ending = "".join(words[-count:])
        if ending in _SPOKEN:
            return "".join(words[:-count]), _SPOKEN[ending] or ending
    characters = "".join(words)
    for ending, form in _WRITTEN:
        if characters.endswith(ending) and characters != ending:
            return characters.removesuffix(ending), form
    return characters, None


def name_key(name: str) -> str:
    """By which names of people, organisations and types are compared: width, case, blanks and what nobody sees do
    not count."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", name).casefold() if _counts(letter))


def _counts(letter: str) -> bool:
    return not (letter.isspace() or letter in _UNSEEN or unicodedata.category(letter) == "Cf")


def same_name(one: str, *others: str) -> bool:
    """Whether *one* is the same name as any of *others*."""
    return name_key(one) in map(name_key, others)


LONGEST_NAME: Final = 48
"""Characters after the kind of a person, a seal or an officer."""

LONGEST_LOGIN: Final = 64
"""Characters of an administrator's login, and so after ``keeper-``."""

OUTSIDE: Final = "person-guest-"
"""How the name of an outside signer begins: it is part of what officers activate, and of the certificate."""

OUTSIDE_SEAL: Final = "seal-guest-"
"""How the name of another company's seal begins, for the same reason."""

BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""What Unicode counts as letters, marks or symbols and shows as nothing or as a blank: the fillers of Hangul, the
vowels of Khmer that have no shape, the combining grapheme joiner, the Braille pattern without dots."""

SELECTORS = frozenset("\u180b\u180c\u180d\u180f").union(
    map(chr, range(0xFE00, 0xFE10)), map(chr, range(0xE0100, 0xE01F0))
)
"""Variation selectors (Unicode 23.4): which form the character before them has. Names are written with them."""

_UNSEEN = BLANK | SELECTORS
"""Fillers, joiners and variation selectors (Unicode's default ignorable letters that are no format characters)."""

_SPACES = re.compile("  +")
_STRAY = re.compile(rf"(?:^|(?<=\s))[{''.join(sorted(SELECTORS))}]+")

_NAME = re.compile(rf"[a-z0-9][a-z0-9-]{{0,{LONGEST_NAME - 1}}}")
_LOGIN = re.compile(rf"[a-z][a-z0-9._-]{{1,{LONGEST_LOGIN - 1}}}")
_PIN_CUSTODIAN = "keeper-"


def is_name(subject: str, kind: str) -> bool:
    """Whether *subject* has the form for its *kind* (``person``, ``seal``, ``officer``, or ``keeper`` for a PIN
    custodian)."""
    before, _, name = subject.partition("-")
    return before == kind and (is_login(name) if kind == "keeper" else _NAME.fullmatch(name) is not None)


def is_outside(subject: str) -> bool:
    """Whether *subject* is an outside signer, who may be of any organisation but the enterprise's own."""
    return subject.startswith(OUTSIDE)


def is_outside_seal(subject: str) -> bool:
    """Whether *subject* is the seal of another company, which outside signers of that company keep."""
    return subject.startswith(OUTSIDE_SEAL)


def is_from_outside(subject: str) -> bool:
    """Whether *subject* is an outside signer, or a seal that such people keep."""
    return subject.startswith((OUTSIDE, OUTSIDE_SEAL))


def is_login(text: str) -> bool:
    """Whether *text* has the form of an administrator's login."""
    return _LOGIN.fullmatch(text) is not None


def pin_custodian_subject(login: str) -> str:
    """What the authority calls the PIN custodian who signs in to the console as *login*."""
    return f"{_PIN_CUSTODIAN}{login}"


def login_of_pin_custodian(subject: str) -> str:
    """The login in the name of a PIN custodian."""
    return subject.removeprefix(_PIN_CUSTODIAN)


def is_pin_custodian(subject: str) -> bool:
    return subject.startswith(_PIN_CUSTODIAN)
