"""Record sets of a hosted zone: listed, changed in batches, and what became of a change."""

from __future__ import annotations

from bisect import bisect_left
from xml.etree.ElementTree import Element

from localcloud.calls import Call, JsonObject, Service
from localcloud.model import ResourceRecordSet, RRsetKey
from localcloud.paging import whole_number
from localcloud.route53.batches import Batch, listed_name, listed_value, plain_name
from localcloud.route53.xml import refused
from localcloud.route53.zones import ROOT, change_info, code, hosted_of, method, turned
from localcloud.store import HostedZone

_PAGE = 300
_RRSET = ROOT + "/hostedzone/{Id}/rrset"


def change(service: Service, call: Call) -> JsonObject:
    """Apply a batch. The records are listed at once, while the answer still says `PENDING`, as with AWS."""
    hosted = hosted_of(service, call)
    batch = Batch(hosted.zone, hosted.zone.name, service.quota.rrsetsPerManagedZone)
    added, deleted = batch.take(call.body.get("xml", Element("none")).find("ChangeBatch"))
    made = service.store.commit(hosted, additions=added, deletions=deleted)
    return {"ChangeResourceRecordSetsResponse": {"ChangeInfo": change_info(service, hosted, made)}}


def list_(service: Service, call: Call) -> JsonObject:
    hosted = hosted_of(service, call)
    name, kind = call.query.get("name"), call.query.get("type", "")
    if kind and not name:
        raise refused("InvalidInput", "The type needs a name, too")  # assumed
    most = min(whole_number(call.query.get("maxitems", "")) or _PAGE, _PAGE, service.page_size)
    order = _order(hosted)
    start = bisect_left(order, (turned(plain_name(name)), kind)) if name else 0
    page, more = order[start : start + most], len(order) > start + most
    found = [hosted.zone.rrsets[RRsetKey(turned(labels), kind)] for labels, kind in page]
    content: JsonObject = {"ResourceRecordSets": [("ResourceRecordSet", _content(rrset)) for rrset in found]}
    content |= {"IsTruncated": more, "MaxItems": most}
    if more:
        labels, kind = order[start + most]
        content |= {"NextRecordName": listed_name(turned(labels)), "NextRecordType": kind}
    return {"ListResourceRecordSetsResponse": content}


def get_change(service: Service, call: Call) -> JsonObject:
    wanted = call.path["Id"].rpartition("/")[2]
    for hosted in service.store.hosted():
        known = wanted.removeprefix(f"C{code(hosted.zone.id)}")
        if known != wanted and len(known) == 13 and int(known, 36) < len(hosted.changes):
            found = hosted.changes[int(known, 36)]
            return {"GetChangeResponse": {"ChangeInfo": change_info(service, hosted, found, pending=False)}}
    raise refused("NoSuchChange", f"A change with the specified change ID {wanted} does not exist.", status=404)


def list_health_checks(_service: Service, _call: Call) -> JsonObject:
    """There are none: other programs look before they write."""
    content = {"HealthChecks": [], "Marker": "", "IsTruncated": False, "MaxItems": 100}
    return {"ListHealthChecksResponse": content}


def _order(hosted: HostedZone) -> list[tuple[str, str]]:
    """Names with their labels turned round, and types, as AWS sorts them: as text, so `a-b` comes before `a.`."""
    if hosted.order is None or hosted.order[0] != len(hosted.changes):
        keys = sorted((turned(name), kind) for name, kind in hosted.zone.rrsets)
        hosted.order = len(hosted.changes), keys
    return hosted.order[1]


def _content(rrset: ResourceRecordSet) -> JsonObject:
    values = [("ResourceRecord", {"Value": listed_value(rrset.type, value)}) for value in rrset.rrdatas]
    return {"Name": listed_name(rrset.name), "Type": rrset.type, "TTL": rrset.ttl, "ResourceRecords": values}


METHODS = (
    method("ChangeResourceRecordSets", "POST", _RRSET + "/", change),
    method("ListResourceRecordSets", "GET", _RRSET, list_),
    method("GetChange", "GET", ROOT + "/change/{Id}", get_change),
    method("ListHealthChecks", "GET", ROOT + "/healthcheck", list_health_checks),
)
