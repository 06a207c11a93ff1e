"""Route 53 as a `DnsProvider`: boto3's answers become mldns's values here, and mldns's values its calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import takewhile
from typing import Any

from mldns.exceptions import InvalidInput, QuotaShort, ZoneNotFound
from mldns.messages import shorten
from mldns.plan.batches import Change, Limits
from mldns.providers.aws import wire
from mldns.providers.aws.client import Route53Client
from mldns.providers.aws.zones import ZONE_ID, bare_id, parse_zone_name, vpc_parameter, zone_of
from mldns.providers.base import OUR_LABEL, ChangeRef, ChangeStatus, Zone, ZoneSpec
from mldns.providers.errors import AlreadyExists
from mldns.providers.retry import RetryPolicy
from mldns.records.names import in_zone
from mldns.records.rrset import RRset

DOCUMENTED = Limits(
    additions=1_000,
    deletions=1_000,
    rrdata_bytes=32_000,
    rrsets_per_zone=10_000,
    rrdatas_per_rrset=400,
    elements=1_000,
    manifest_bytes=4_000,
)
_REFERENCE = "mldns"
_MADE_A_DAY = 20  # zones of one name that were made and deleted again on one day
_TAGS_A_CALL = 10
_FEW = "100"  # more types than a name can have, and fewer record sets than a page


@dataclass(frozen=True, slots=True)
class Route53Provider:
    """The hosted zones of one account through its client; a zone is named by its id, or by its name if it is unique."""

    client: Route53Client
    documented: Limits = field(default=DOCUMENTED)

    @property
    def project(self) -> str:
        """The account's number."""
        return self.client.account

    @property
    def retry(self) -> RetryPolicy:
        """The client's."""
        return self.client.retrying

    def find_zone(self, name: str) -> Zone | None:
        """See `DnsProvider.find_zone`.

        :raises InvalidInput: several zones have that name: nothing is guessed.
        """
        name = parse_zone_name(name)
        if ZONE_ID.fullmatch(name):
            return self._get(name, name)
        ids = [bare_id(found) for found in self._named(f"{name}.")]
        if len(ids) > 1:
            raise InvalidInput(f"{len(ids)} hosted zones are called {name!r}: name one by its id: {shorten(ids)}")
        return self._get(ids[0], name) if ids else None

    def list_zones(self, *, dns_name: str | None = None) -> list[Zone]:
        """See `DnsProvider.list_zones`; of zones that are not ours networks and name servers are left out."""
        if dns_name is not None:
            ids = [bare_id(found) for found in self._named(dns_name)]
            named = [(id_, id_ if len(ids) > 1 else dns_name.removesuffix(".")) for id_ in ids]
            return [zone for id_, name in named if (zone := self._get(id_, name)) is not None]
        found = list(self.client.pages("ListHostedZones", "HostedZones"))
        times = Counter(item["Name"] for item in found)
        tags = self._tags([bare_id(item) for item in found])
        zones: list[Zone] = []
        for item in found:
            name = bare_id(item) if times[item["Name"]] > 1 else wire.written_name(item["Name"]).removesuffix(".")
            labels = _labels(tags.get(bare_id(item), {}), item)
            listed = zone_of({"HostedZone": item}, name, labels)
            zones.append((self._get(listed.id, name) if listed.managed else None) or listed)
        return zones

    def create_zone(self, spec: ZoneSpec) -> Zone:
        """See `DnsProvider.create_zone`.

        Names are not unique at AWS, so that two who make sure of a zone would make two. They use one reference, which
        AWS takes once: the second one goes on with the first one's zone. Where that was deleted, the next one is used.
        """
        if ZONE_ID.fullmatch(spec.name):
            raise ZoneNotFound(spec.name, self.project)
        parameters: dict[str, Any] = {"Name": spec.dns_name, "HostedZoneConfig": {"Comment": spec.description}}
        parameters["HostedZoneConfig"]["PrivateZone"] = spec.visibility == "private"
        if spec.networks:
            parameters["VPC"] = vpc_parameter(spec.networks[0])
        zone_id = self._create(spec, parameters)
        found = self._found(zone_id, spec.name)
        missing = [network for network in spec.networks if network not in found.networks]
        for network in missing:
            vpc = vpc_parameter(network)
            self.client.call("AssociateVPCWithHostedZone", zone=spec.name, HostedZoneId=zone_id, VPC=vpc)
        tags = [{"Key": key, "Value": value} for key, value in (*spec.labels.items(), OUR_LABEL)]
        target = {"ResourceType": "hostedzone", "ResourceId": zone_id}
        self.client.call("ChangeTagsForResource", zone=spec.name, **target, AddTags=tags)
        return self._found(zone_id, spec.name) if missing else found

    def _create(self, spec: ZoneSpec, parameters: Mapping[str, Any]) -> str:
        """The id of the zone that was made, be it by an earlier try whose answer was lost."""
        day = datetime.now(UTC).date()
        for number in range(1, _MADE_A_DAY + 1):
            reference = f"{_REFERENCE} {spec.dns_name} {spec.visibility} {day} {number}"[-128:]
            try:
                made = self.client.call("CreateHostedZone", zone=spec.name, CallerReference=reference, **parameters)
                return bare_id(made["HostedZone"])
            except AlreadyExists:
                named = self._named(spec.dns_name)
                if ours := [bare_id(found) for found in named if found["CallerReference"] == reference]:
                    return ours[0]
                if named:
                    raise
        raise QuotaShort(f"zone {spec.name!r} was made and deleted {_MADE_A_DAY} times today: go on tomorrow")

    def delete_zone(self, zone: Zone) -> bool:
        """See `DnsProvider.delete_zone`."""
        try:
            self.client.call("DeleteHostedZone", zone=zone.name, Id=zone.id)
        except ZoneNotFound:
            return False
        return True

    def limits(self, zone: Zone) -> Limits:
        """The account's limit of record sets in the zone; the others are fixed."""
        which = {"Type": "MAX_RRSETS_BY_ZONE", "HostedZoneId": zone.id}
        answer = self.client.call("GetHostedZoneLimit", zone=zone.name, **which)
        return replace(self.documented, rrsets_per_zone=int(answer["Limit"]["Value"]))

    def rrsets(
        self, zone: Zone, *, below: str | None = None, name: str | None = None, type: str | None = None
    ) -> Iterator[RRset]:
        """See `DnsProvider.rrsets`: they are sorted by their labels turned round, so a subtree is one range."""
        start: dict[str, str] = {}
        if below or name:
            start["StartRecordName"] = wire.sent_name(below or name or "")
        if name:
            start |= {"MaxItems": "1", "StartRecordType": type} if type else {"MaxItems": _FEW}
        listed = self.client.pages(
            "ListResourceRecordSets", "ResourceRecordSets", zone=zone.name, HostedZoneId=zone.id, **start
        )
        wanted = takewhile(lambda found: _within(wire.written_name(found["Name"]), below, name), listed)
        if name and type:
            wanted = takewhile(lambda found: found["Type"] == type, wanted)
        yield from (rrset for rrset in wire.read_all(wanted) if type in (None, rrset.type))

    def submit(self, zone: Zone, change: Change) -> ChangeRef:
        """See `DnsProvider.submit`."""
        batch = {"Changes": wire.sent_change(change)}
        sent = self.client.call("ChangeResourceRecordSets", zone=zone.name, HostedZoneId=zone.id, ChangeBatch=batch)
        return ChangeRef(bare_id(sent["ChangeInfo"]), _status(sent))

    def status(self, zone: Zone, change_id: str) -> ChangeStatus:
        """See `DnsProvider.status`: `PENDING` or `INSYNC`."""
        return _status(self.client.call("GetChange", zone=zone.name, Id=change_id))

    def find_change(self, zone: Zone, change: Change | None = None) -> ChangeRef | None:  # noqa: ARG002
        """Return None: Route 53 lists no changes."""
        return None

    def _named(self, dns_name: str) -> list[Mapping[str, Any]]:
        listed = self.client.pages("ListHostedZonesByName", "HostedZones", DNSName=dns_name)
        return list(takewhile(lambda found: wire.written_name(found["Name"]) == dns_name, listed))

    def _get(self, zone_id: str, name: str) -> Zone | None:
        try:
            answer = self.client.call("GetHostedZone", zone=name, Id=zone_id)
        except ZoneNotFound:
            return None
        return zone_of(answer, name, _Tags(self, zone_id, answer["HostedZone"]))

    def _found(self, zone_id: str, name: str) -> Zone:
        if (found := self._get(zone_id, name)) is None:
            raise ZoneNotFound(name, self.project)
        return found

    def _tags(self, ids: Sequence[str]) -> dict[str, dict[str, str]]:
        """The tags of zones by id."""
        found: dict[str, dict[str, str]] = {}
        for first in range(0, len(ids), _TAGS_A_CALL):
            some = list(ids[first : first + _TAGS_A_CALL])
            answer = self.client.call("ListTagsForResources", ResourceType="hostedzone", ResourceIds=some)
            for tagged in answer["ResourceTagSets"]:
                found[tagged["ResourceId"]] = {tag["Key"]: tag.get("Value", "") for tag in tagged["Tags"]}
        return found


class _Tags(Mapping[str, str]):
    """A zone's tags, asked for when somebody looks: few do, and every call is a fifth of a second."""

    def __init__(self, provider: Route53Provider, zone_id: str, found: Mapping[str, Any]) -> None:
        self._provider, self._zone_id, self._found = provider, zone_id, found

    @cached_property
    def _read(self) -> Mapping[str, str]:
        return _labels(self._provider._tags([self._zone_id]).get(self._zone_id, {}), self._found)

    def __getitem__(self, key: str) -> str:
        return self._read[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read)

    def __len__(self) -> int:
        return len(self._read)


def _labels(tags: Mapping[str, str], found: Mapping[str, Any]) -> Mapping[str, str]:
    """The tags of a zone; whoever made it here and died before the tags were on it has left the reference."""
    return tags or (dict([OUR_LABEL]) if str(found.get("CallerReference", "")).startswith(f"{_REFERENCE} ") else {})


def _within(name: str, below: str | None, exactly: str | None) -> bool:
    return in_zone(name, below) if below else exactly in (None, name)


def _status(answer: Mapping[str, Any]) -> ChangeStatus:
    return ChangeStatus.DONE if answer["ChangeInfo"]["Status"] == "INSYNC" else ChangeStatus.PENDING
