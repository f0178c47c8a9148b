"""What the authority says about itself, and its lock."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from importlib import metadata

from pkcs11 import Attribute, ObjectClass

from hsm.errors import AuthorityError, AuthorityLocked, BadRequest, Sentence, StoreUnavailable, UnknownKey
from hsm.home import LastingAuthorityLock
from hsm.intents import Activation, OfficerIntent
from hsm.operation_types import AuthorityState, AuthorityStatus, KeyReport
from hsm.operations.context import AuthorityContext, Handlers
from hsm.signer import SignatureAlgorithm
from hsm.store.registry import ISSUING
from hsm.vouching import EVENTS
from hsm.worker_messages import PinChange

_PROBE_SECONDS = 2.0
_READY = Sentence("Ready to sign.")
_LOCKED = Sentence(
    "Somebody locked the authority. It stays locked, over restarts too, until two keepers of its PIN unlock it;"
    " where the PIN is kept, until two persons restart it (the action authority.restart)."
)


class StateOperations(Handlers):
    """Reports, locks, unlocks. *announce* tells the other workers."""

    def __init__(self, context: AuthorityContext, announce: Callable[[PinChange], None]) -> None:
        super().__init__(context)
        self._announce = announce
        self._lasting = LastingAuthorityLock(context.settings.home.lasting_lock)
        self._good_until = 0.0

    def status(self) -> AuthorityStatus:
        """The report; the token itself is asked, at most every two seconds while all is well."""
        state, sentence = self._state()
        settings = self._context.settings
        return AuthorityStatus(
            state=state,
            sentence=sentence,
            version=metadata.version("vermilion"),
            clock=self._context.time.status(),
            keys=self._keys(),
            origin=settings.log.origin,
            policies=tuple(settings.time.policies),
            hashes=tuple(sorted(settings.time.hashes)),
            checkpoint=self._store.checkpoints.last(),
            activation_origins=tuple(settings.activation.origins),
        )

    def unlock(self, intent: OfficerIntent, activations: Sequence[Activation], pins: Sequence[str]) -> None:
        """Logs in with the joined parts of the PIN, on officers' activation, once; then tells the others.

        A lasting lock ends with that, unless it was set meanwhile.
        """
        if not pins:
            raise BadRequest("The PIN is a list of its parts.")
        self._context.authoriser.authorise(intent, activations)
        seen, change = self._begin_unlock("".join(pins))
        self._context.token.login.set_pin(change, newer=True)
        self._context.token.drop()
        self._context.token.use(self._find_timestamp_key)
        self._announce(change)
        try:
            with self._lasting.exclusive():
                self._lasting.clear_mark(seen)
        except OSError as error:
            raise StoreUnavailable(
                "The authority is unlocked now, but its store could not be written ({why}): it will start locked.",
                why=error.strerror or error,
            ) from error

    def _begin_unlock(self, pin: str) -> tuple[bytes | None, PinChange]:
        """The mark that an unlock with *pin* will end, and the PIN with its moment."""
        try:
            with self._lasting.exclusive():
                return self._lasting.current_mark(), PinChange(pin, time.monotonic_ns())
        except OSError as error:
            raise StoreUnavailable(
                "The authority stays locked: whether somebody locked it cannot be read ({why}). Put that right,"
                " and unlock it again.",
                why=error.strerror or error,
            ) from error

    def lock(self) -> None:
        """Forgets the PIN and logs out, here and in the other workers, for good: no restart unlocks.

        Raises :class:`StoreUnavailable` when it is locked, but only until the next restart, and
        :class:`AuthorityError` when only this worker is locked. After either failure the other step is still done.
        """
        unkept: OSError | None = None
        try:
            with self._lasting.exclusive():
                failed = self._lock_now()
                self._lasting.set_mark()
        except OSError as error:
            unkept, failed = error, self._lock_now()  # nobody's disk keeps an authority open
        if failed is not None:
            raise _workers_not_reached(failed, lasts=unkept is None) from failed
        if unkept is not None:
            raise StoreUnavailable(
                "The authority is locked now, but its store could not be written ({why}): a restart would unlock"
                " it. Put that right, and lock it again.",
                why=unkept.strerror or unkept,
            ) from unkept

    def _lock_now(self) -> OSError | None:
        """Why the other workers could not be told, if so. They are told before anything is written: a slow disk
        keeps none of them open."""
        change = PinChange(None, time.monotonic_ns())
        self.apply_pin_change(change)
        try:
            self._announce(change)
        except OSError as error:
            return error
        return None

    def apply_pin_change(self, change: PinChange) -> None:
        """Sets or forgets the PIN in this worker, unless it knows a later change."""
        if self._context.token.login.set_pin(change):
            self._context.token.drop()

    def _state(self) -> tuple[AuthorityState, Sentence]:
        if self._context.token.is_open and time.monotonic() < self._good_until:
            return AuthorityState.OPERATIONAL, _READY
        state, sentence = self._probe()
        if state is AuthorityState.OPERATIONAL:
            self._good_until = time.monotonic() + _PROBE_SECONDS
        return state, sentence

    def _probe(self) -> tuple[AuthorityState, Sentence]:
        try:
            self._context.certificate("tsa")
        except UnknownKey:
            return AuthorityState.UNPROVISIONED, Sentence("No ceremony has been held yet.")
        try:
            self._context.token.use(self._find_timestamp_key)
        except AuthorityLocked as error:
            refused = self._store.latch.refusal_of(self._context.settings.token.label)
            by_somebody = self._lasting.is_locked and refused is None
            return AuthorityState.LOCKED, _LOCKED if by_somebody else Sentence.from_error(error)
        except AuthorityError as error:
            return AuthorityState.UNAVAILABLE, Sentence.from_error(error)
        return AuthorityState.OPERATIONAL, _READY

    def _find_timestamp_key(self) -> None:
        """Asks the token itself for the timestamp key, past the kept handles."""
        label = self._store.registry.certificate("tsa").label
        wanted = {Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.LABEL: label}
        if not list(self._context.token.session().get_objects(wanted)):
            raise UnknownKey("The token does not hold the key {label}.", label=label)

    def _keys(self) -> tuple[KeyReport, ...]:
        """The keys in use: an issuing CA that has a successor answers for what it issued, and is left to end."""
        registry = self._store.registry
        succeeded = {each.subject for first in (ISSUING, EVENTS) for each in registry.line(first)[1:]}
        return tuple(
            KeyReport(
                record.subject,
                record.label,
                SignatureAlgorithm.from_public_key(record.certificate.public_key()).name,
                record.certificate.not_valid_after_utc,
            )
            for record in registry.service_certificates()
            if record.subject not in succeeded
        )


def _workers_not_reached(error: OSError, *, lasts: bool) -> AuthorityError:
    why = error.strerror or error
    if lasts:
        return AuthorityError(
            "One process of the authority is locked now, but the others could not be told ({why}). Restart the"
            " authority: it starts locked.",
            why=why,
        )
    return AuthorityError(
        "One process of the authority is locked now, but the others could not be told ({why}), and its store could"
        " not be written. Stop the authority: started again it may be unlocked.",
        why=why,
    )
