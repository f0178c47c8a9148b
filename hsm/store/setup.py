"""Set-up codes: by their hashes alone, each good for one officer, and a lock against guessing."""

from __future__ import annotations

from hsm.store.database import AuthorityDatabase


class SetupCodeStore:
    """The codes that a ceremony left. Changes belong into one transaction with the officer that they make."""

    def __init__(self, database: AuthorityDatabase) -> None:
        self._database = database

    def add_code(self, digest: bytes, *, expires: int) -> None:
        """A code by its SHA-256, good until *expires* (Unix seconds)."""
        self._database.run("INSERT INTO setup_codes (digest, expires) VALUES (?, ?)", (digest, expires))

    def unused(self, now: int) -> list[tuple[bytes, int]]:
        """The digests that still count, with the end of each."""
        return [
            (bytes(digest), int(expires))
            for digest, expires in self._database.all(
                "SELECT digest, expires FROM setup_codes WHERE used IS NULL AND expires > ? ORDER BY expires",
                (now,),
            )
        ]

    def use_code(self, digest: bytes, *, officer: str, at: int) -> bool:
        """Uses the code up for *officer*; False when somebody was faster."""
        changed = self._database.run(
            "UPDATE setup_codes SET officer = ?, used = ? WHERE digest = ? AND used IS NULL", (officer, at, digest)
        )
        self._database.run("UPDATE setup_lock SET failures = 0, locked_until = 0 WHERE one = 1")
        return changed == 1

    def add_recovery(self, digest: bytes, *, officer: str, expires: int, at: int) -> None:
        """A code for *officer* and nobody else, in place of an earlier one."""
        self.end_recoveries(officer, at=at)
        self._database.run(
            "INSERT INTO recovery_codes (digest, officer, expires) VALUES (?, ?, ?)", (digest, officer, expires)
        )

    def end_recoveries(self, officer: str, *, at: int) -> None:
        """No code that was left for *officer* counts any more."""
        self._database.run(
            "UPDATE recovery_codes SET ended = ? WHERE officer = ? AND ended IS NULL", (at, officer)
        )

    def recoveries(self, now: int) -> list[tuple[bytes, str, int]]:
        """Digest, officer and end of each recovery code that still counts."""
        return [
            (bytes(digest), str(officer), int(expires))
            for digest, officer, expires in self._database.all(
                "SELECT digest, officer, expires FROM recovery_codes WHERE ended IS NULL AND expires > ?"
                " ORDER BY officer",
                (now,),
            )
        ]

    def use_recovery(self, digest: bytes, *, at: int) -> bool:
        """Uses the code up; False when somebody was faster."""
        changed = self._database.run(
            "UPDATE recovery_codes SET ended = ? WHERE digest = ? AND ended IS NULL", (at, digest)
        )
        self._database.run("UPDATE setup_lock SET failures = 0, locked_until = 0 WHERE one = 1")
        return changed == 1

    def begin_attempt(self, *, allowed: int, now: int, lock_until: int) -> bool:
        """Counts a try before it is looked at; False while locked. The one number *allowed* locks."""
        with self._database.transaction():
            changed = self._database.run(
                "UPDATE setup_lock SET failures = (failures + 1) % ?,"
                " locked_until = CASE WHEN failures + 1 >= ? THEN ? ELSE locked_until END"
                " WHERE one = 1 AND locked_until <= ?",
                (allowed, allowed, lock_until, now),
            )
        return changed == 1
