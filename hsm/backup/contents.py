"""What the authority's part consists of, where each file belongs in a home, and whether a part holds what a
restore needs: the store whole, and every key usable.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from pkcs11 import Attribute, ObjectClass

from hsm import config
from hsm.config import AuthorityHome, AuthoritySettings, TokenBackup, TokenSettings
from hsm.errors import AuthorityError, AuthorityLocked, BackupRefused
from hsm.files import file_lock
from hsm.keys import signed_by
from hsm.settings import tables_of
from hsm.store import AuthorityStore, KeyRecord
from hsm.store.copying import StoreFacts, copy_store, examine_store
from hsm.token import Login, TokenConnection
from hsm.worker_messages import PinChange, login_turn

STORE, SETTINGS, SOFTHSM, TOKENS = "authority.db", "authority.toml", "softhsm2.conf", "tokens"
PINS, CEREMONIES = "pins", "ceremonies"
_TOKENDIR = re.compile(r"^(\s*directories\.tokendir\s*=).*$", re.MULTILINE)


def token_of(settings: AuthoritySettings) -> TokenBackup:
    """What goes along: of a module that is not SoftHSM nothing, and PINs only where they are files of the home."""
    if not (settings.home.root / settings.token.softhsm_configuration).exists():
        return TokenBackup.OWN
    if settings.backup.token is TokenBackup.WITH_PINS and not pin_files(settings.home.root):
        return TokenBackup.ALONE
    return settings.backup.token


def gather(settings: AuthoritySettings, into: Path) -> None:
    """Copies store, settings and, where they go along, token and PINs into the empty directory *into*.

    SoftHSM writes its files only when somebody logs in and when keys are made or destroyed: both wait meanwhile.
    """
    home, token = settings.home, token_of(settings)
    with file_lock(home.token_writes), login_turn(home.login_turns):
        copy_store(home.store, into / STORE)
        if token is not TokenBackup.OWN:
            configuration = home.root / settings.token.softhsm_configuration
            shutil.copyfile(configuration, into / SOFTHSM)
            shutil.copytree(_tokens(configuration), into / TOKENS)
    shutil.copyfile(home.settings, into / SETTINGS)
    ceremonies = home.store.with_name(CEREMONIES)
    if ceremonies.is_dir():
        shutil.copytree(ceremonies, into / CEREMONIES)
    if token is TokenBackup.WITH_PINS:
        (into / PINS).mkdir(mode=0o700)
        for path in pin_files(home.root):
            shutil.copyfile(path, into / PINS / path.name)


def pin_files(root: Path) -> list[Path]:
    """The PINs in ``secrets/``. A credential is never taken: people may have typed it (attended mode)."""
    return [path for path in sorted((root / "secrets").glob("*.pin*")) if os.access(path, os.R_OK)]


def put_in_place(part: Path, home: Path, configuration: str) -> None:
    """Moves an opened part's files to their places below *home*, which has none of them yet.

    *configuration* is where its settings say that SoftHSM's is, from the home.
    """
    for directory in ("authority", "config", "hsm", "secrets"):
        (home / directory).mkdir(mode=0o700, parents=True, exist_ok=True)
    (part / STORE).rename(home / "authority/authority.db")
    (part / SETTINGS).rename(home / "config/authority.toml")
    if (part / CEREMONIES).exists():
        (part / CEREMONIES).rename(home / "authority/ceremonies")
    if (part / SOFTHSM).exists():
        (part / TOKENS).rename(home / "hsm/tokens")
        (home / configuration).parent.mkdir(mode=0o700, exist_ok=True)
        shutil.copyfile(part / SOFTHSM, home / configuration)
    if (part / PINS).exists():
        for path in (part / PINS).iterdir():
            path.rename(home / "secrets" / path.name)


def point_softhsm(configuration: Path, tokens: Path) -> None:
    """Lets SoftHSM's *configuration* name the directory *tokens*, whatever it named before."""
    text = configuration.read_text(encoding="utf-8")
    configuration.write_text(_TOKENDIR.sub(lambda found: f"{found[1]} {tokens}", text), encoding="utf-8")


def _tokens(configuration: Path) -> Path:
    found = _TOKENDIR.search(configuration.read_text(encoding="utf-8"))
    line = found[0] if found else ""
    return Path(line.partition("=")[2].strip())


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
    try:
        signed_by(connection, key, _PROOF)
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
    """Whether the opened *part* includes SoftHSM's token."""
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
