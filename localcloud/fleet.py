"""What runs in the cloud besides DNS: instances, managed instance groups, clusters and their pods.

All of it is put here by whoever tests with it, in the API's own words; localcloud starts nothing, and only fills in
what an answer of Google's always has.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.errors import ApiError, Problem

JsonObject = dict[str, Any]

_COMPUTE = "https://www.googleapis.com/compute/v1"
_CREATED = "2024-01-01T00:00:00.000-08:00"
_NAME = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?")


@dataclass(slots=True)
class Fleet:
    """Everything that runs, by its place and name; the values are resources as the APIs give them."""

    instances: dict[tuple[str, str, str], JsonObject] = field(default_factory=dict)  # project, zone, name
    groups: dict[tuple[str, str, str], JsonObject] = field(default_factory=dict)  # project, zone or region, name
    members: dict[tuple[str, str, str], list[JsonObject]] = field(default_factory=dict)
    clusters: dict[tuple[str, str, str], JsonObject] = field(default_factory=dict)  # project, location, name
    pods: dict[tuple[str, str], JsonObject] = field(default_factory=dict)  # namespace, name
    unreachable: set[str] = field(default_factory=set)  # zones that lists of all zones cannot see into

    def clear(self) -> None:
        for kept in (self.instances, self.groups, self.members, self.clusters, self.pods, self.unreachable):
            kept.clear()

    def add_instance(self, project: str, sent: Mapping[str, Any]) -> None:
        """An instance of `{"name", "zone", "networkInterfaces", "status", "labels", "metadata"}` and so on."""
        name, zone = _named(sent, "name"), _named(sent, "zone")
        link = f"{_COMPUTE}/projects/{project}/zones/{zone}/instances/{name}"
        interfaces = [
            {"kind": "compute#networkInterface", "name": f"nic{number}", **interface}
            for number, interface in enumerate(_objects(sent, "networkInterfaces"))
        ]
        metadata = {"kind": "compute#metadata", **sent.get("metadata", {})}
        defaults = {"kind": "compute#instance", "id": _id(link), "creationTimestamp": _CREATED, "status": "RUNNING"}
        self.instances[project, zone, name] = {
            **defaults,
            **sent,
            "zone": f"{_COMPUTE}/projects/{project}/zones/{zone}",
            "selfLink": link,
            "networkInterfaces": interfaces,
            "metadata": metadata,
        }

    def add_group(self, project: str, sent: Mapping[str, Any]) -> None:
        """A group of `{"name", "zone" or "region", "targetSize", "instances": […]}`.

        A member is `{"name", "zone", "currentAction", "targetStatus", "lastAttempt"}`, all but its name optional.
        """
        name, kind = _named(sent, "name"), "zone" if "zone" in sent else "region"
        place = _named(sent, kind)
        listed = _objects(sent, "instances")
        members = [self._member(project, member, member.get("zone") or place) for member in listed]
        link = f"{_COMPUTE}/projects/{project}/{kind}s/{place}/instanceGroupManagers/{name}"
        self.groups[project, place, name] = {
            "kind": "compute#instanceGroupManager",
            "id": _id(link),
            "name": name,
            "baseInstanceName": name,
            kind: f"{_COMPUTE}/projects/{project}/{kind}s/{place}",
            "selfLink": link,
            "targetSize": int(sent.get("targetSize", len(members))),
        }
        self.members[project, place, name] = members

    def _member(self, project: str, member: Mapping[str, Any], zone: str) -> JsonObject:
        name = _named(member, "name")
        link = f"{_COMPUTE}/projects/{project}/zones/{zone}/instances/{name}"
        given = {key: member[key] for key in ("currentAction", "targetStatus", "lastAttempt") if key in member}
        defaults = {"currentAction": "NONE", "targetStatus": "RUNNING"}
        return {"instance": link, "name": name, "id": _id(link), **defaults, **given}

    def members_of(self, project: str, place: str, name: str) -> list[JsonObject]:
        """A group's members with the status that their instances have by now."""
        listed = self.members[project, place, name]
        statuses = {item["selfLink"]: item["status"] for item in self.instances.values()}
        return [
            {**member, **({"instanceStatus": statuses[member["instance"]]} if member["instance"] in statuses else {})}
            for member in listed
        ]

    def add_cluster(self, project: str, sent: Mapping[str, Any]) -> None:
        """A GKE cluster of `{"name", "location", "endpoint", "masterAuth": {"clusterCaCertificate"}}`."""
        name, location = _named(sent, "name"), _named(sent, "location")
        link = f"https://container.googleapis.com/v1/projects/{project}/locations/{location}/clusters/{name}"
        self.clusters[project, location, name] = {"status": "RUNNING", **sent, "selfLink": link}

    def add_pod(self, sent: Mapping[str, Any]) -> None:
        """A pod as `kubectl get pod -o json` shows it; its namespace is `default` unless said."""
        metadata = sent.get("metadata")
        if not isinstance(metadata, Mapping) or not metadata.get("name"):
            raise _invalid("metadata.name", metadata)
        namespace = str(metadata.get("namespace", "default"))
        key = namespace, str(metadata["name"])
        kept = {"creationTimestamp": "2024-01-01T08:00:00Z", **metadata, "namespace": namespace}
        self.pods[key] = {"spec": {}, "status": {}, **sent, "metadata": kept}


def each(body: Mapping[str, Any], add: Callable[[Mapping[str, Any]], None]) -> int:
    """Add every one of `items`; all are looked at before the answer, so that a mistake names its item."""
    items = _objects(body, "items")
    for item in items:
        add(item)
    return len(items)


def in_order(resources: Iterable[tuple[tuple[str, ...], JsonObject]]) -> Iterator[tuple[tuple[str, ...], JsonObject]]:
    """By place and name, as lists are given out."""
    yield from sorted(resources, key=lambda entry: entry[0])


def _objects(sent: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = sent.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise _invalid(key, value)
    return value


def _named(sent: Mapping[str, Any], key: str) -> str:
    value = sent.get(key)
    if not isinstance(value, str) or _NAME.fullmatch(value) is None:
        raise _invalid(key, value)
    return value


def _invalid(key: str, value: object) -> ApiError:
    return ApiError(400, [Problem("invalid", f"Invalid value for '{key}': '{value}'")])


def _id(link: str) -> str:
    return str(int.from_bytes(hashlib.sha256(link.encode()).digest()[:8], "big") >> 1)
