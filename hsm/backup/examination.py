"""Whether a part of a backup holds what a restore needs: the store whole, and every key usable."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pkcs11 import Attribute, ObjectClass

from hsm import config
from hsm.backup.contents import PINS, SETTINGS, SOFTHSM, STORE, TOKENS, point_softhsm
from hsm.config import AuthorityHome, AuthoritySettings, TokenSettings
from hsm.errors import AuthorityError, AuthorityLocked, BackupRefused
from hsm.keys import raw_signer
from hsm.login import Login
from hsm.settings import tables_of
from hsm.signer import SignatureAlgorithm, require_signature
from hsm.store import AuthorityStore, KeyRecord
from hsm.store.copying import StoreFacts, examine_store
from hsm.token import TokenConnection
from hsm.worker_messages import PinChange

_PROOF = b"vermilion: a restored key signs this"

_ITS_COPY_REFUSED = (
    "The PIN that was given does not open the token {label} of the backup. Only a copy of that was tried: nothing"
    " has changed, and no attempt of a token in use was spent. Try again with the right PIN."
)
_HSM_REFUSED = (
    "The token {label} of this machine's HSM refused the PIN that was given, and may count that as an attempt."
    " Nothing has changed otherwise; find the right PIN before you try again."
)


def require_keys(token: TokenSettings, copy: Path, facts: StoreFacts, pin: str, *, is_brought: bool) -> None:
    """Logs in once with *pin* and finds every key that the store *copy* needs; those of services sign for proof.

    *copy* is a copy that nobody else uses; it is brought to this release's schema. *is_brought*: the token is a
    copy, too, of the one that the backup brings; otherwise it is this machine's.
    Raises :class:`BackupRefused` with what is missing or wrong.
    """
    store = AuthorityStore(copy)
    try:
        store.latch.release(token.label)
        connection = TokenConnection(
            token.module, token.label, Login(token.label, store.latch, copy.with_name("turns"), PinChange(pin))
        )
        try:
            _require_present(connection, facts.needed)
            for key in facts.needed:
                if key.subject not in facts.people and key.public_key:
                    _require_signs(connection, key)
        finally:
            connection.drop()
    except BackupRefused:
        raise
    except AuthorityLocked as error:
        # The latch is of the copy, so there is none to release, whatever the error says.
        raise BackupRefused(_ITS_COPY_REFUSED if is_brought else _HSM_REFUSED, label=token.label) from error
    except AuthorityError as error:
        raise BackupRefused(
            "The token {label} could not be opened: {why}", label=token.label, why=error
        ) from error
    finally:
        store.close()


def _require_present(connection: TokenConnection, needed: Sequence[KeyRecord]) -> None:
    present = connection.use(lambda: _labels(connection))
    missing = [key.label for key in needed if key.label not in present]
    if missing:
        raise BackupRefused(
            "The HSM does not hold the keys of this backup: {count} are missing, {label} among them.",
            count=len(missing),
            label=missing[0],
        )


def _labels(connection: TokenConnection) -> set[str]:
    kinds = (ObjectClass.PRIVATE_KEY, ObjectClass.SECRET_KEY)
    found = (each for kind in kinds for each in connection.session().get_objects({Attribute.CLASS: kind}))
    return {str(each[Attribute.LABEL]) for each in found}


def _require_signs(connection: TokenConnection, key: KeyRecord) -> None:
    public = load_der_public_key(key.public_key)
    signature = raw_signer(connection, key.label, SignatureAlgorithm.from_public_key(public))(_PROOF)
    try:
        require_signature(public, signature, _PROOF)
    except InvalidSignature as error:
        raise BackupRefused(
            "The HSM holds another key under the label {label} than that of this backup.", label=key.label
        ) from error


def examine(part: Path, scratch: Path, pin: str | None) -> StoreFacts:
    """The facts of the store in the opened *part*, which stays as it is; works in the empty *scratch*.

    A token that the part brings is opened, with the part's own PIN or with *pin*; where there is neither (PINs
    that people hold) it is not. The process loads PKCS#11, for one token only.
    Raises :class:`hsm.errors.BackupRefused`.
    """
    facts = examine_store(part / STORE)
    pin = _pin_in(part) or pin
    if has_token(part) and pin is not None:
        # A copy: SoftHSM writes into the token's files at each login.
        shutil.copytree(part / TOKENS, scratch / TOKENS)
        shutil.copyfile(part / SOFTHSM, scratch / SOFTHSM)
        point_softhsm(scratch / SOFTHSM, scratch / TOKENS)
        os.environ["SOFTHSM2_CONF"] = str(scratch / SOFTHSM)
        require_keys(settings_of(part).token, _store_in(part, scratch), facts, pin, is_brought=True)
    return facts


def examine_here(part: Path, scratch: Path, here: AuthoritySettings | None, pin: str | None) -> StoreFacts:
    """The same before a restore: the keys must be there; without a token in the part, in this machine's HSM.

    *here* are the settings of this machine's authority, *pin* is its PIN, which is tried once.
    """
    facts = examine_store(part / STORE)
    pin = _pin_in(part) or pin
    if pin is None:
        raise BackupRefused(
            "The backup brings no PIN along, and this machine has none: put it into secrets/user.pin, mode 0600."
        )
    if has_token(part):
        return examine(part, scratch, pin)
    if here is None:
        raise BackupRefused(
            "The backup brings no token along; put a config/authority.toml here that names the HSM with its keys."
        )
    require_keys(here.token, _store_in(part, scratch), facts, pin, is_brought=False)
    return facts


def has_token(part: Path) -> bool:
    """Whether the opened *part* brings SoftHSM's token along."""
    return (part / SOFTHSM).exists()


def settings_of(part: Path) -> AuthoritySettings:
    """The authority's settings in the opened *part*."""
    return config.parse(tables_of(part / SETTINGS, maker="vermilion-authority init"), AuthorityHome(part))


def _store_in(part: Path, scratch: Path) -> Path:
    """A copy of the store, which may be written into."""
    return Path(shutil.copyfile(part / STORE, scratch / STORE))


def _pin_in(part: Path) -> str | None:
    path = part / PINS / "user.pin"
    return path.read_text(encoding="utf-8").strip() if path.exists() else None
