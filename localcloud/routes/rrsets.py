"""`resourceRecordSets` of Cloud DNS: list, and one set at a time."""

from __future__ import annotations

from collections.abc import Iterator

from localcloud import changes, rrsets
from localcloud.calls import ZONE_PATH, Call, JsonObject, Method, Service, zone_of
from localcloud.changes import Edit
from localcloud.errors import ApiError, Problem, immutable_field, invalid, not_found
from localcloud.filters import Selection, parse_filter
from localcloud.model import ResourceRecordSet, RRsetKey
from localcloud.ordering import Entry
from localcloud.paging import decode_token, encode_token, page_limit, take
from localcloud.rdata import TYPES
from localcloud.store import HostedZone

_RRSETS = ZONE_PATH + "/rrsets"
# `:path` because the name of a delegated reverse zone holds a slash (RFC 2317), sent as %2F.
_RRSET = _RRSETS + "/{name:path}/{type}"
_PATH = "entity.rrset"


def list_(service: Service, call: Call) -> JsonObject:
    hosted = zone_of(service, call)
    selection = _selection(call)
    after = decode_token(call.query, 2)
    start = 0 if after is None else hosted.index.position_after(RRsetKey(*after))
    page, more = take(_selected(hosted, selection, start), page_limit(call.query, service.page_size))
    answer: JsonObject = {
        "kind": "dns#resourceRecordSetsListResponse",
        "rrsets": [rrsets.to_api(hosted.zone.rrsets[entry.key]) for entry in page],
    }
    if more:
        answer["nextPageToken"] = encode_token(*page[-1].key)
    return answer


def _selection(call: Call) -> Selection:
    """What `name`, `type` and `filter` ask for. Raises ApiError 400 for combinations that are not allowed."""
    name, type_, text = (call.query.get(key) for key in ("name", "type", "filter"))
    if text is not None:
        for key in ("name", "type"):
            if key in call.query:
                raise ApiError(400, [invalid(f"parameters.{key}", call.query[key])])
        return parse_filter(text)
    if name is None and type_ is None:
        return Selection()
    if name is None or not rrsets.is_domain_name(name.lower()):
        raise ApiError(400, [invalid("parameters.name", name or "")])
    if type_ is not None and type_ not in (*TYPES, "ALIAS"):
        raise ApiError(400, [invalid("parameters.type", type_)])
    return Selection(name=name.lower(), type=type_)


def _selected(hosted: HostedZone, selection: Selection, start: int) -> Iterator[Entry]:
    entries = hosted.index.entries()
    first, stop = 0, len(entries)
    domain = selection.name or selection.suffix
    if domain is not None:
        first, stop = hosted.index.span(domain)
    for position in range(max(first, start), stop):
        entry = entries[position]
        if selection.name is not None and entry.name != selection.name:
            return  # the names below it follow
        if selection.type is None or entry.type == selection.type:
            yield entry


def create(service: Service, call: Call) -> JsonObject:
    hosted = zone_of(service, call)
    rrset = _parse(hosted, call.body)
    return _commit(service, hosted, added=rrset, deleted=None)


def get(service: Service, call: Call) -> JsonObject:
    return rrsets.to_api(_existing(zone_of(service, call), call))


def patch(service: Service, call: Call) -> JsonObject:
    """Replace what the body names of one record set: ttl, rrdatas."""
    hosted = zone_of(service, call)
    current = _existing(hosted, call)
    merged = {**rrsets.to_api(current), **call.body}
    patched = _parse(hosted, merged)
    if patched.key != current.key:
        field = "name" if patched.name != current.name else "type"
        raise ApiError(400, [immutable_field(f"{_PATH}.{field}")])
    return _commit(service, hosted, added=patched, deleted=current)


def delete(service: Service, call: Call) -> JsonObject:
    hosted = zone_of(service, call)
    _commit(service, hosted, added=None, deleted=_existing(hosted, call))
    return {}


def _existing(hosted: HostedZone, call: Call) -> ResourceRecordSet:
    key = RRsetKey(call.path["name"].lower(), call.path["type"])
    rrset = hosted.zone.rrsets.get(key)
    if rrset is None:
        raise ApiError(404, [not_found("parameters.name", f"{key.name} ({key.type})")])
    return rrset


def _parse(hosted: HostedZone, resource: object) -> ResourceRecordSet:
    problems: list[Problem] = []
    rrset = rrsets.parse(resource, path=_PATH, apex=hosted.zone.dns_name, problems=problems)
    if rrset is None:
        raise ApiError(400, problems)
    return rrset


def _commit(
    service: Service, hosted: HostedZone, *, added: ResourceRecordSet | None, deleted: ResourceRecordSet | None
) -> JsonObject:
    """One set is a change like any other: it takes an id and obeys the same rules."""
    additions = [] if added is None else [Edit(_PATH, added)]
    deletions = [] if deleted is None else [Edit(_PATH, deleted)]
    changes.check(hosted.view(), additions, deletions, service.quota)
    service.store.commit(hosted, additions=[e.rrset for e in additions], deletions=[e.rrset for e in deletions])
    return {} if added is None else rrsets.to_api(added)


METHODS = (
    Method("dns.resourceRecordSets.list", "GET", _RRSETS, list_),
    Method("dns.resourceRecordSets.create", "POST", _RRSETS, create),
    Method("dns.resourceRecordSets.get", "GET", _RRSET, get),
    Method("dns.resourceRecordSets.patch", "PATCH", _RRSET, patch),
    Method("dns.resourceRecordSets.delete", "DELETE", _RRSET, delete),
)
