"""The store on disk: one SQLite file in the directory of `--data`, one transaction for each accepted call."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud import rrsets
from localcloud.access.keys import ServiceAccountKey
from localcloud.changes import Change
from localcloud.errors import ApiError, Problem
from localcloud.iam import Policy, policy_from_api
from localcloud.model import ManagedZone, ResourceRecordSet, RRsetKey

_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE zones (
    id TEXT PRIMARY KEY, project TEXT NOT NULL, name TEXT NOT NULL, dns_name TEXT NOT NULL, visibility TEXT NOT NULL,
    networks TEXT NOT NULL, name_servers TEXT NOT NULL, created_at REAL NOT NULL, attributes TEXT NOT NULL);
CREATE TABLE rrsets (
    zone TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, ttl INTEGER NOT NULL, rrdatas TEXT NOT NULL,
    PRIMARY KEY (zone, name, type)) WITHOUT ROWID;
CREATE TABLE changes (
    zone TEXT NOT NULL, id INTEGER NOT NULL, started REAL NOT NULL, additions TEXT NOT NULL, deletions TEXT NOT NULL,
    PRIMARY KEY (zone, id)) WITHOUT ROWID;
CREATE TABLE operations (zone TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE policies (resource TEXT PRIMARY KEY, body TEXT NOT NULL);
"""
# Came later: a file without it is brought up to date.
_KEYS_TABLE = """
CREATE TABLE IF NOT EXISTS service_account_keys (id TEXT PRIMARY KEY, email TEXT NOT NULL, public_key TEXT NOT NULL)
"""

# What reading a file raises that somebody else has edited, or that a disk has spoiled.
_BENT = (sqlite3.Error, ApiError, ValueError, TypeError, LookupError, AttributeError, RecursionError)
_LONGEST_REASON = 200


class ArchiveError(Exception):
    """The data directory cannot be used; the message is one line for the person who named it."""


@dataclass(frozen=True, slots=True)
class ArchivedZone:
    """A zone as read back: its record sets, every change in order, and its operations (API JSON)."""

    zone: ManagedZone
    changes: list[Change]
    operations: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Archived:
    """All that was kept; zones in the order of creation, policies by resource."""

    zones: list[ArchivedZone]
    policies: dict[str, Policy]
    keys: list[ServiceAccountKey]


class Archive:
    """Writes each edit before the store takes it over, and gives everything back after a restart.

    The file is locked as long as the archive is open: two servers on one directory would overwrite each other.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / "localcloud.sqlite3"
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self._path, timeout=0.2, isolation_level=None)
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("BEGIN EXCLUSIVE")
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                for statement in _SCHEMA.split(";"):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
            if version in (0, _SCHEMA_VERSION):
                self._db.execute(_KEYS_TABLE)
            self._db.execute("COMMIT")
        except (OSError, sqlite3.Error) as error:
            if "locked" in str(error):
                raise ArchiveError(
                    f"cannot use {self._path}: another process does; stop it, or name another directory with --data"
                ) from error
            raise self._unusable(str(error)) from error
        if version not in (0, _SCHEMA_VERSION):
            raise self._unusable(f"written by another version of localcloud (schema {version}, not {_SCHEMA_VERSION})")

    def _unusable(self, reason: str) -> ArchiveError:
        line = " ".join(reason.split())[:_LONGEST_REASON]
        return ArchiveError(
            f"cannot use {self._path}: {line}; restore it from a copy, move it away to start empty, or name another"
            " directory with --data"
        )

    def close(self) -> None:
        self._db.close()

    def load(self) -> Archived:
        """Read back everything.

        :raises ArchiveError: what is in the file is not what `save_…` wrote.
        """
        try:
            keys = [ServiceAccountKey(*row) for row in self._db.execute("SELECT * FROM service_account_keys")]
            policies = self._db.execute("SELECT resource, body FROM policies")
            return Archived(
                list(self._zones()), {resource: policy_from_api(json.loads(body)) for resource, body in policies}, keys
            )
        except _BENT as error:
            raise self._unusable(f"{type(error).__name__}: {error}") from error

    def _zones(self) -> Iterator[ArchivedZone]:
        rows = self._db.execute(
            "SELECT id, project, name, dns_name, visibility, networks, name_servers, created_at, attributes"
            " FROM zones ORDER BY rowid"
        ).fetchall()
        for zone_id, project, name, dns_name, visibility, networks, name_servers, created_at, attributes in rows:
            zone = ManagedZone(
                project=project,
                id=int(zone_id),
                name=name,
                dns_name=dns_name,
                visibility=visibility,
                networks=_strings(networks),
                name_servers=_strings(name_servers),
                created_at=float(created_at),
                attributes=dict(json.loads(attributes)),
            )
            zone.rrsets.update((rrset.key, rrset) for rrset in self._rrsets(zone_id, dns_name))
            if not {RRsetKey(dns_name, "NS"), RRsetKey(dns_name, "SOA")} <= zone.rrsets.keys():
                raise ValueError(f"zone {name} has no NS or no SOA")
            changes = list(self._changes(zone_id))
            if [change.id for change in changes] != list(range(len(changes))):
                raise ValueError(f"changes of zone {name} are missing")
            yield ArchivedZone(zone, changes, list(self._operations(zone_id)))

    def save_zone(
        self, zone: ManagedZone, *, change: Change | None = None, operation: dict[str, Any] | None = None
    ) -> None:
        """A new zone with its first change, or a patched one with the operation that did it."""
        with self._transaction():
            self._db.execute(
                "INSERT INTO zones VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
                " networks = excluded.networks, attributes = excluded.attributes",
                (
                    str(zone.id),
                    zone.project,
                    zone.name,
                    zone.dns_name,
                    zone.visibility,
                    json.dumps(zone.networks),
                    json.dumps(zone.name_servers),
                    zone.created_at,
                    json.dumps(zone.attributes),
                ),
            )
            if operation is not None:
                self._db.execute("INSERT INTO operations VALUES (?, ?)", (str(zone.id), json.dumps(operation)))
            if change is not None:
                self._write_change(str(zone.id), change)

    def delete_zone(self, zone: ManagedZone, policy_resource: str) -> None:
        with self._transaction():
            for statement in (
                "DELETE FROM zones WHERE id = ?",
                "DELETE FROM rrsets WHERE zone = ?",
                "DELETE FROM changes WHERE zone = ?",
                "DELETE FROM operations WHERE zone = ?",
            ):
                self._db.execute(statement, (str(zone.id),))
            self._db.execute("DELETE FROM policies WHERE resource = ?", (policy_resource,))

    def save_change(self, zone: ManagedZone, change: Change) -> None:
        with self._transaction():
            self._write_change(str(zone.id), change)

    def save_policy(self, resource: str, policy: Policy) -> None:
        with self._transaction():
            body = json.dumps(policy.to_api())
            self._db.execute("INSERT OR REPLACE INTO policies VALUES (?, ?)", (resource, body))

    def save_service_account_key(self, key: ServiceAccountKey) -> None:
        with self._transaction():
            row = (key.id, key.email, key.public_key)
            self._db.execute("INSERT INTO service_account_keys VALUES (?, ?, ?)", row)

    def clear(self) -> None:
        with self._transaction():
            for table in ("zones", "rrsets", "changes", "operations", "policies", "service_account_keys"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - the names are the six above

    def _write_change(self, zone_id: str, change: Change) -> None:
        self._db.executemany(
            "DELETE FROM rrsets WHERE zone = ? AND name = ? AND type = ?",
            [(zone_id, rrset.name, rrset.type) for rrset in change.deletions],
        )
        self._db.executemany(
            "INSERT INTO rrsets VALUES (?, ?, ?, ?, ?)",
            [(zone_id, r.name, r.type, r.ttl, json.dumps(r.rrdatas)) for r in change.additions],
        )
        self._db.execute(
            "INSERT INTO changes VALUES (?, ?, ?, ?, ?)",
            (zone_id, change.id, change.started, _dump(change.additions), _dump(change.deletions)),
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """BEGIN … COMMIT, or ROLLBACK when the block raises."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # SQLite has rolled back by itself when the disk is full
                self._db.execute("ROLLBACK")
            raise

    def _rrsets(self, zone_id: str, apex: str) -> Iterator[ResourceRecordSet]:
        """The zone's record sets, held to the rules for those that callers send."""
        problems: list[Problem] = []
        rows = self._db.execute("SELECT name, type, ttl, rrdatas FROM rrsets WHERE zone = ?", (zone_id,))
        for name, type_, ttl, rrdatas in rows:
            sent = {"name": name, "type": type_, "ttl": ttl, "rrdatas": json.loads(rrdatas)}
            rrset = rrsets.parse(sent, path=f"rrsets[{name}]", apex=apex, problems=problems)
            if rrset is None:
                raise ValueError(problems[0].message)
            yield rrset

    def _changes(self, zone_id: str) -> Iterator[Change]:
        rows = self._db.execute(
            "SELECT id, started, additions, deletions FROM changes WHERE zone = ? ORDER BY id", (zone_id,)
        )
        for change_id, started, additions, deletions in rows:
            yield Change(change_id, float(started), tuple(_load(additions)), tuple(_load(deletions)))

    def _operations(self, zone_id: str) -> Iterator[dict[str, Any]]:
        for (body,) in self._db.execute("SELECT body FROM operations WHERE zone = ? ORDER BY rowid", (zone_id,)):
            yield dict(json.loads(body))


def _strings(text: str) -> tuple[str, ...]:
    value = json.loads(text)
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise ValueError(f"{text} is no list of strings")
    return tuple(value)


def _dump(rrsets: Iterable[ResourceRecordSet]) -> str:
    return json.dumps([(rrset.name, rrset.type, rrset.ttl, rrset.rrdatas) for rrset in rrsets])


def _load(text: str) -> Iterator[ResourceRecordSet]:
    for name, type_, ttl, rrdatas in json.loads(text):
        yield ResourceRecordSet(name, type_, ttl, tuple(rrdatas))
