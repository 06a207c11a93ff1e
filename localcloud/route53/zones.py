"""Hosted zones: made, found, bound to VPCs, tagged, measured and deleted."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from localcloud.calls import Call, JsonObject, Method, Service
from localcloud.changes import Change
from localcloud.model import ManagedZone, ResourceRecordSet
from localcloud.paging import whole_number
from localcloud.route53.batches import listed_name, plain_name
from localcloud.route53.xml import answer, read_xml, refusal, refused
from localcloud.rrsets import is_domain_name
from localcloud.store import HostedZone
from localcloud.timestamps import rfc3339

ACCOUNT = "123456789012"
"""The one account there is."""

PROJECT = f"route53/{ACCOUNT}"
"""Under which its zones stand in the store: no path of Google's API can name it."""

ROOT = "/2013-04-01"
_ZONE = ROOT + "/hostedzone/{Id}"
_PAGE = 100
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_NS_TTL, _SOA_TTL = 172_800, 900
_VPC = re.compile(r"vpc-[0-9a-f]{8,17}")


def code(number: int) -> str:
    """A number as AWS's ids have it: capital letters and digits."""
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text.rjust(13, "0")


def hosted_of(service: Service, call: Call) -> HostedZone:
    """The zone in the path. Raises ApiError 404."""
    return by_id(service, call.path["Id"])


def by_id(service: Service, zone_id: str) -> HostedZone:
    """The zone of that id. Raises ApiError 404."""
    hosted = service.store.find(PROJECT, zone_id.rpartition("/")[2])
    if hosted is None:
        raise refused("NoSuchHostedZone", f"No hosted zone found with ID: {zone_id}", status=404)
    return hosted


def change_info(service: Service, hosted: HostedZone, change: Change, *, pending: bool = True) -> JsonObject:
    """A change as AWS tells of it: `PENDING` in the answer to it, whatever comes after."""
    status = "PENDING" if pending or service.store.clock() - change.started < service.done_after else "INSYNC"
    number = f"/change/C{code(hosted.zone.id)}{code(change.id)}"
    return {"Id": number, "Status": status, "SubmittedAt": rfc3339(change.started)}


def create(service: Service, call: Call) -> JsonObject:
    body, store = call.body.get("xml", Element("none")), service.store
    name, reference = plain_name(body.findtext("Name", "")), body.findtext("CallerReference", "")
    if not is_domain_name(name) or name.startswith("*"):
        raise refused("InvalidDomainName", f"{body.findtext('Name', '')} is not a valid domain name")
    if not reference:
        raise refused("InvalidInput", "Invalid XML ; CallerReference is missing")
    if any(hosted.zone.attributes.get("reference") == reference for hosted in _all(service)):
        raise refused(
            "HostedZoneAlreadyExists",
            "A hosted zone has already been created with the specified caller reference.",
            status=409,
        )
    vpc = body.find("VPC")
    private = vpc is not None
    if (body.findtext("HostedZoneConfig/PrivateZone") == "true") and not private:
        raise refused("InvalidInput", "When you're creating a private hosted zone, you must specify a VPC.")  # assumed
    number = store.new_zone_id()
    networks = [] if vpc is None else [_parse_vpc(vpc)]
    _check_free(service, name, networks)
    shard = number % 512
    domains = ("com", "net", "org", "co.uk")
    servers = [f"ns-{shard + 512 * n}.awsdns-{shard % 64:02d}.{domain}." for n, domain in enumerate(domains)]
    zone = ManagedZone(
        project=PROJECT,
        id=number,
        name=f"Z{code(number)}",
        dns_name=name,
        visibility="private" if private else "public",
        networks=tuple(network.partition("@")[0] for network in networks),
        name_servers=tuple(servers),
        created_at=store.clock(),
        attributes={"reference": reference, "comment": body.findtext("HostedZoneConfig/Comment"), "vpcs": networks},
    )
    soa = f"{servers[0]} awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"
    apex = [
        ResourceRecordSet(name, "NS", _NS_TTL, tuple(servers)),
        ResourceRecordSet(name, "SOA", _SOA_TTL, (soa,)),
    ]
    hosted = store.add_zone(zone, apex)
    content = _content(hosted) | {"ChangeInfo": change_info(service, hosted, hosted.changes[0])}
    if private:
        content["VPC"] = _vpc_content(networks[0])
    content.pop("VPCs", None)
    return {"CreateHostedZoneResponse": content, "status": 201}


def get(service: Service, call: Call) -> JsonObject:
    return {"GetHostedZoneResponse": _content(hosted_of(service, call))}


def delete(service: Service, call: Call) -> JsonObject:
    hosted = hosted_of(service, call)
    if len(hosted.zone.rrsets) > 2:
        why = "The specified hosted zone contains non-required resource record sets and so cannot be deleted."
        raise refused("HostedZoneNotEmpty", why)
    info = change_info(service, hosted, hosted.changes[-1])
    service.store.delete_zone(hosted)
    return {"DeleteHostedZoneResponse": {"ChangeInfo": info}}


def list_(service: Service, call: Call) -> JsonObject:
    """In the order of their ids, which mean nothing."""
    found = sorted(_all(service), key=lambda hosted: hosted.zone.name)
    start, most = call.query.get("marker", ""), _most(call)
    rest = [hosted for hosted in found if hosted.zone.name >= start]
    content: JsonObject = {"HostedZones": _zones(rest[:most]), "Marker": start, "IsTruncated": len(rest) > most}
    content["NextMarker"] = rest[most].zone.name if len(rest) > most else None
    return {"ListHostedZonesResponse": content | {"MaxItems": most}}


def list_by_name(service: Service, call: Call) -> JsonObject:
    """In the order of their names with the labels turned round, from a name on."""
    found = sorted(_all(service), key=lambda hosted: (turned(hosted.zone.dns_name), hosted.zone.name))
    dns_name, zone_id, most = call.query.get("dnsname"), call.query.get("hostedzoneid", ""), _most(call)
    if dns_name:
        start = turned(plain_name(dns_name)), zone_id
        found = [hosted for hosted in found if (turned(hosted.zone.dns_name), hosted.zone.name) >= start]
    content: JsonObject = {"HostedZones": _zones(found[:most]), "DNSName": dns_name, "HostedZoneId": zone_id or None}
    content["IsTruncated"] = len(found) > most
    if len(found) > most:
        content |= {"NextDNSName": found[most].zone.dns_name, "NextHostedZoneId": found[most].zone.name}
    return {"ListHostedZonesByNameResponse": content | {"MaxItems": most}}


def associate(service: Service, call: Call) -> JsonObject:
    hosted = hosted_of(service, call)
    if hosted.zone.visibility == "public":
        raise refused("PublicZoneVPCAssociation", "You're trying to associate a VPC with a public hosted zone.")
    vpc = _parse_vpc(call.body.get("xml", Element("none")).find("VPC"))
    bound = hosted.zone.attributes["vpcs"]
    if vpc not in bound:
        _check_free(service, hosted.zone.dns_name, (vpc,))
    change = _bind(service, hosted, list(dict.fromkeys((*bound, vpc))))
    return {"AssociateVPCWithHostedZoneResponse": {"ChangeInfo": change_info(service, hosted, change)}}


def disassociate(service: Service, call: Call) -> JsonObject:
    hosted = hosted_of(service, call)
    vpc = _parse_vpc(call.body.get("xml", Element("none")).find("VPC"))
    bound = hosted.zone.attributes.get("vpcs", ())
    if vpc not in bound:
        raise refused("VPCAssociationNotFound", f"The VPC: {vpc} is not associated with the hosted zone.", status=404)
    if len(bound) == 1:
        raise refused("LastVPCAssociation", "The VPC that you're trying to disassociate is the last one.")  # assumed
    change = _bind(service, hosted, [other for other in bound if other != vpc])
    return {"DisassociateVPCFromHostedZoneResponse": {"ChangeInfo": change_info(service, hosted, change)}}


def get_limit(service: Service, call: Call) -> JsonObject:
    hosted, kind = hosted_of(service, call), call.path["Type"]
    measured = {
        "MAX_RRSETS_BY_ZONE": (service.quota.rrsetsPerManagedZone, len(hosted.zone.rrsets)),
        "MAX_VPCS_ASSOCIATED_BY_ZONE": (300, len(hosted.zone.networks)),
    }
    if kind not in measured:
        raise refused("InvalidInput", f"Invalid parameter : {kind} is not a valid limit type")
    limit, count = measured[kind]
    return {"GetHostedZoneLimitResponse": {"Limit": {"Type": kind, "Value": limit}, "Count": count}}


def change_tags(service: Service, call: Call) -> JsonObject:
    hosted, body = by_id(service, call.path["ResourceId"]), call.body.get("xml", Element("none"))
    removed = {key.text for key in body.findall("RemoveTagKeys/Key")}
    tags = {key: value for key, value in hosted.zone.attributes.get("tags", {}).items() if key not in removed}
    tags |= {tag.findtext("Key", ""): tag.findtext("Value", "") for tag in body.findall("AddTags/Tag")}
    _update(service, hosted, tags=tags)
    return {"ChangeTagsForResourceResponse": {}}


def tags_of_one(service: Service, call: Call) -> JsonObject:
    return {"ListTagsForResourceResponse": {"ResourceTagSet": _tag_set(by_id(service, call.path["ResourceId"]))}}


def tags_of_several(service: Service, call: Call) -> JsonObject:
    ids = [found.text or "" for found in call.body.get("xml", Element("none")).findall("ResourceIds/ResourceId")]
    if not 1 <= len(ids) <= 10:
        raise refused("InvalidInput", "Invalid XML ; ResourceIds has 1 to 10 members")
    found = [("ResourceTagSet", _tag_set(by_id(service, zone_id))) for zone_id in ids]
    return {"ListTagsForResourcesResponse": {"ResourceTagSets": found}}


def turned(name: str) -> str:
    """A name as lists are sorted by: its labels turned round, the last dot kept."""
    return ".".join(reversed(name.removesuffix(".").split("."))) + "."


def _all(service: Service) -> list[HostedZone]:
    return [hosted for hosted in service.store.hosted() if hosted.zone.project == PROJECT]


def _most(call: Call) -> int:
    return min(whole_number(call.query.get("maxitems", "")) or _PAGE, _PAGE)


def _parse_vpc(vpc: Element | None) -> str:
    name, region = ("", "") if vpc is None else (vpc.findtext("VPCId", ""), vpc.findtext("VPCRegion", ""))
    if not _VPC.fullmatch(name) or not region:
        raise refused("InvalidVPCId", f"The VPC: {name} in region {region} that you provided is not authorized.")
    return f"{name}@{region}"


def _check_free(service: Service, dns_name: str, vpcs: Iterable[str]) -> None:
    for hosted in _all(service):
        for vpc in vpcs:
            if hosted.zone.dns_name == dns_name and vpc in hosted.zone.attributes.get("vpcs", ()):
                why = f"The VPC {vpc} is associated with {hosted.zone.name}, which has the same name."  # assumed
                raise refused("ConflictingDomainExists", why)


def _bind(service: Service, hosted: HostedZone, vpcs: Sequence[str]) -> Change:
    _update(service, hosted, vpcs=list(vpcs))
    return service.store.commit(hosted, additions=(), deletions=())


def _update(service: Service, hosted: HostedZone, **attributes: Any) -> None:
    attributes = hosted.zone.attributes | attributes
    networks = tuple(vpc.partition("@")[0] for vpc in attributes["vpcs"])
    patched = dataclasses.replace(hosted.zone, networks=networks, attributes=attributes)
    service.store.update_zone(hosted, patched, {"id": "route53", "startTime": rfc3339(service.store.clock())})


def _vpc_content(vpc: str) -> JsonObject:
    name, _, region = vpc.partition("@")
    return {"VPCRegion": region, "VPCId": name}


def _zones(found: Iterable[HostedZone]) -> list[tuple[str, JsonObject]]:
    return [("HostedZone", _content(hosted)["HostedZone"]) for hosted in found]


def _content(hosted: HostedZone) -> JsonObject:
    zone = hosted.zone
    config = {"Comment": zone.attributes.get("comment"), "PrivateZone": zone.visibility == "private"}
    content: JsonObject = {
        "HostedZone": {
            "Id": f"/hostedzone/{zone.name}",
            "Name": listed_name(zone.dns_name),
            "CallerReference": zone.attributes["reference"],
            "Config": config,
            "ResourceRecordSetCount": len(zone.rrsets),
        }
    }
    if zone.visibility == "private":
        content["VPCs"] = [("VPC", _vpc_content(vpc)) for vpc in zone.attributes["vpcs"]]
    else:
        servers = [("NameServer", server.removesuffix(".")) for server in zone.name_servers]
        content["DelegationSet"] = {"NameServers": servers}
    return content


def _tag_set(hosted: HostedZone) -> JsonObject:
    tags: Mapping[str, str] = hosted.zone.attributes.get("tags", {})
    listed = [("Tag", {"Key": key, "Value": value}) for key, value in tags.items()]
    return {"ResourceType": "hostedzone", "ResourceId": hosted.zone.name, "Tags": listed}


def method(operation: str, verb: str, path: str, handler: Any) -> Method:
    """A method of Route 53, with its XML."""
    return Method(f"route53.{operation}", verb, path, handler, reads=read_xml, answers=answer, refuses=refusal)


METHODS = (
    method("CreateHostedZone", "POST", ROOT + "/hostedzone", create),
    method("ListHostedZones", "GET", ROOT + "/hostedzone", list_),
    method("ListHostedZonesByName", "GET", ROOT + "/hostedzonesbyname", list_by_name),
    method("GetHostedZone", "GET", _ZONE, get),
    method("DeleteHostedZone", "DELETE", _ZONE, delete),
    method("AssociateVPCWithHostedZone", "POST", _ZONE + "/associatevpc", associate),
    method("DisassociateVPCFromHostedZone", "POST", _ZONE + "/disassociatevpc", disassociate),
    method("GetHostedZoneLimit", "GET", ROOT + "/hostedzonelimit/{Id}/{Type}", get_limit),
    method("ChangeTagsForResource", "POST", ROOT + "/tags/hostedzone/{ResourceId}", change_tags),
    method("ListTagsForResource", "GET", ROOT + "/tags/hostedzone/{ResourceId}", tags_of_one),
    method("ListTagsForResources", "POST", ROOT + "/tags/hostedzone", tags_of_several),
)
