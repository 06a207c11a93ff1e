"""`changes` of Cloud DNS: create, get, list."""

from __future__ import annotations

from localcloud import changes
from localcloud.calls import ZONE_PATH, Call, JsonObject, Method, Service, zone_of
from localcloud.changes import Change
from localcloud.errors import ApiError, invalid, not_found
from localcloud.paging import decode_token, encode_token, page_limit, take, whole_number

_CHANGES = ZONE_PATH + "/changes"
_ORDERS = ("ascending", "descending")


def create(service: Service, call: Call) -> JsonObject:
    """Apply a change. The records are in the zone at once, while the answer still says `pending`, as with Google."""
    hosted = zone_of(service, call)
    additions, deletions = changes.parse(call.body, apex=hosted.zone.dns_name)
    changes.check(hosted.view(), additions, deletions, service.quota)
    change = service.store.commit(
        hosted, additions=[edit.rrset for edit in additions], deletions=[edit.rrset for edit in deletions]
    )
    return change.to_api(status="pending")


def get(service: Service, call: Call) -> JsonObject:
    known = zone_of(service, call).changes
    name = call.path["changeId"]
    number = whole_number(name)
    if number is None or number >= len(known):
        raise ApiError(404, [not_found("parameters.changeId", name)])
    return _to_api(service, known[number])


def list_(service: Service, call: Call) -> JsonObject:
    """In the order of acceptance; `sortOrder=descending` turns it round."""
    known = zone_of(service, call).changes
    if call.query.get("sortBy", "changeSequence").lower() != "changesequence":
        raise ApiError(400, [invalid("parameters.sortBy", call.query["sortBy"])])
    order = call.query.get("sortOrder", "ascending")
    if order not in _ORDERS:
        raise ApiError(400, [invalid("parameters.sortOrder", order)])
    token = decode_token(call.query, 1)
    after = None if token is None else whole_number(token[0])
    if token is not None and (after is None or after >= len(known)):
        raise ApiError(400, [invalid("parameters.pageToken", call.query["pageToken"])])
    if order == "descending":
        ids = range(len(known) - 1 if after is None else after - 1, -1, -1)
    else:
        ids = range(0 if after is None else after + 1, len(known))
    page, more = take((known[n] for n in ids), page_limit(call.query, service.page_size))
    answer: JsonObject = {
        "kind": "dns#changesListResponse",
        "changes": [_to_api(service, change) for change in page],
    }
    if more:
        answer["nextPageToken"] = encode_token(str(page[-1].id))
    return answer


def _to_api(service: Service, change: Change) -> JsonObject:
    # Change 0 is the zone's own creation, which the caller has been told is over.
    done = change.id == 0 or service.store.clock() - change.started >= service.done_after
    return change.to_api(status="done" if done else "pending")


METHODS = (
    Method("dns.changes.create", "POST", _CHANGES, create),
    Method("dns.changes.list", "GET", _CHANGES, list_),
    Method("dns.changes.get", "GET", _CHANGES + "/{changeId}", get),
)
