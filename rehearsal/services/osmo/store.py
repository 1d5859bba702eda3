"""The service's database: one per volume or server, kept in memory and, where a folder is given, on disk across restarts."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from rehearsal.services.osmo.clock import now
from rehearsal.services.osmo.records import Database, RoleAssignment, User

ADMIN = "admin"
_log = logging.getLogger(__name__)


class Store:
    """Hands out the database of a volume, or of a server outside. A new volume begins empty; what an old one held is gone with it.

    Args:
        folder: where databases are kept, one file per volume's uid; None keeps them in memory only.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._uid: str | None = None
        self._database = Database()
        self._lock = threading.RLock()

    @contextmanager
    def reading(self, uid: str) -> Iterator[Database]:
        """The database of this volume, held still."""
        with self._lock:
            yield self._open(uid)

    @contextmanager
    def writing(self, uid: str) -> Iterator[Database]:
        """The same, saved at the end unless the block raises."""
        with self._lock:
            database = self._open(uid)
            yield database
            self._save()

    def exists(self, uid: str) -> bool:
        """Whether something was ever written to this database."""
        with self._lock:
            return (self._folder / f"{uid}.json").exists() if self._folder else uid == self._uid

    def forget(self, uid: str) -> None:
        """A database went, with all that was in it."""
        with self._lock:
            if self._folder:
                (self._folder / f"{uid}.json").unlink(missing_ok=True)
            if uid == self._uid:
                self._uid, self._database = None, Database()

    def _open(self, uid: str) -> Database:
        if uid != self._uid:
            self._uid, self._database = uid, self._load(uid)
        return self._database

    def _load(self, uid: str) -> Database:
        if self._folder and (file := self._folder / f"{uid}.json").exists():
            try:
                return Database.model_validate_json(file.read_text())
            except (ValidationError, OSError) as error:
                _log.warning("the OSMO database %s cannot be read and begins empty: %s", file, error)
        return _fresh()

    def _save(self) -> None:
        if self._folder is None:
            return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self._folder / f"{self._uid}.json"
        part = file.with_suffix(".part")
        part.touch(mode=0o600)
        part.write_text(self._database.model_dump_json())
        os.replace(part, file)  # noqa: PTH105 - atomic, and the same call in both libraries


def _fresh() -> Database:
    """A database as the service makes it at its first start: with its administrator."""
    created = now()
    role = RoleAssignment(role_name="osmo-admin", assigned_by="system", assigned_at=created)
    return Database(created_at=created, users={ADMIN: User(id=ADMIN, created_at=created, created_by="system", roles=[role])})


def ensure_user(database: Database, user_id: str) -> User:
    """Users appear when they first use their profile or credentials."""
    return database.users.setdefault(user_id, User(id=user_id, created_at=now(), created_by=user_id))
