"""The Cloud DNS client: google-cloud-dns's transport, and the calls that it lacks.

`google.cloud.dns.Client` knows neither private zones nor labels, filters, zone policies, retries or timeouts, sends a
TTL as text and fails on an rrset without rrdatas. Its authorised JSON connection is sound, though: it is used here and
nowhere else, so that no other module touches a private attribute of it. Resources are as the API spells them.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from google.api_core.exceptions import GoogleAPICallError
from google.auth.exceptions import GoogleAuthError
from google.cloud.dns import Client
from requests.adapters import HTTPAdapter

from mldns import metrics
from mldns.exceptions import ZoneNotFound
from mldns.plan.batches import Change
from mldns.providers.errors import AnswerLost, ApiRefused, Call
from mldns.providers.gcp import failures
from mldns.providers.gcp.errors import translate
from mldns.providers.retry import RetryPolicy
from mldns.records.names import in_zone

if TYPE_CHECKING:
    from google.api_core.client_options import ClientOptions
    from google.auth.credentials import Credentials

log = logging.getLogger(__name__)

Resource = dict[str, Any]
"""A JSON object of the API."""

PAGE_SIZE = 1_000
_CONNECTIONS = 16

# An answer would repeat the thousands of rrsets that were sent.
_CHANGE_FIELDS = "id,kind,startTime,status"

POLICY_VERSION = 3
"""The newest policy format: only in it does Google show conditions."""

# Whether a server takes `filter` is not certain; one that does not says so in one of these.
_FILTER_REFUSED = (400, 501)
# Deletes do no harm twice, and a zone's name is taken the second time. A change or a policy is refused the
# second time, and then it could not be told from somebody else's: its sender has to look.
_NOT_REPEATABLE = frozenset({"changes.create", "managedZones.setIamPolicy"})


class DNSClient(Client):  # type: ignore[misc]  # google-cloud-dns has no types
    """One project's zones, records and zone policies. Threads may share it.

    :param project: project id.
    :param credentials: of google-auth; `AnonymousCredentials` for the stand-in.
    :param client_options: `api_endpoint` points the client at another server, http:// included.
    :param timeout: seconds to connect, and of silence before an answer is given up; they hold for every call.
    :param retrying: how often and how long calls that are safe to repeat are repeated.

    Every method raises `mldns.exceptions`: `PermissionMissing`, `ZoneNotFound`, `QuotaShort`, `CloudUnavailable`, or
    `mldns.providers.errors.ApiRefused` and its kinds.
    """

    def __init__(
        self,
        project: str,
        credentials: Credentials,
        *,
        client_options: ClientOptions | None = None,
        timeout: tuple[float, float] = (10.0, 60.0),
        retrying: RetryPolicy | None = None,
    ) -> None:
        super().__init__(project, credentials, client_options=client_options)
        self._timeout = timeout
        self.retrying = retrying or RetryPolicy()
        self._connection.user_agent = "mldns"
        self._connection.API_BASE_URL = self._connection.API_BASE_URL.rstrip("/")
        # No retries below ours: urllib3 cannot know which calls are safe to repeat.
        adapter = HTTPAdapter(pool_connections=2, pool_maxsize=_CONNECTIONS, max_retries=0)
        for scheme in ("https://", "http://"):
            self._connection.http.mount(scheme, adapter)

    # Zones

    def get_zone(self, zone: str) -> Resource:
        """The managed zone by name or numeric id; raises `ZoneNotFound`."""
        return self._request("managedZones.get", "GET", ("managedZones", zone), zone=zone)

    def find_zone(self, zone: str) -> Resource | None:
        """The managed zone, or None where there is none of that name."""
        try:
            return self.get_zone(zone)
        except ZoneNotFound:
            return None

    def list_zones(self, *, dns_name: str | None = None) -> list[Resource]:
        """The zones of the project: all, or those that serve exactly `dns_name`."""
        query = {"dnsName": dns_name} if dns_name else {}
        return list(self._pages("managedZones.list", ("managedZones",), "managedZones", query))

    def create_zone(self, resource: Mapping[str, Any]) -> Resource:
        """Create a managed zone; raises `AlreadyExists`, also when a try of this very call made it."""
        return self._request("managedZones.create", "POST", ("managedZones",), body=resource)

    def delete_zone(self, zone: str) -> bool:
        """Delete a zone that holds nothing but its apex; False where it is gone already."""
        try:
            self._request("managedZones.delete", "DELETE", ("managedZones", zone), zone=zone)
        except ZoneNotFound:
            return False
        return True

    # Records

    def list_rrsets(
        self, zone: str, *, name: str | None = None, kind: str | None = None, fields: str | None = None
    ) -> Iterator[Resource]:
        """The rrsets of a zone, of one name, or the one of a name and a type (`kind`), in the server's order.

        :param fields: all that is wanted of an rrset, such as `name,type`; None for everything.
        """
        query = _partial("rrsets", fields) | {key: value for key, value in (("name", name), ("type", kind)) if value}
        path = ("managedZones", zone, "rrsets")
        return self._pages("resourceRecordSets.list", path, "rrsets", query, zone=zone)

    def list_rrsets_below(
        self, zone: str, suffix: str, *, kind: str | None = None, fields: str | None = None
    ) -> Iterator[Resource]:
        """The rrsets at `suffix` and below it by one filtered list; of all, where the server refuses the filter.

        :param suffix: a name with its trailing dot.
        :param kind: a type, such as `TXT`; None for all.
        :param fields: as of `list_rrsets`.
        """
        path = ("managedZones", zone, "rrsets")
        query = _partial("rrsets", fields)
        query["filter"] = f'name=has_suffix("{suffix}")' + (f' AND type="{kind}"' if kind else "")
        pages = self._pages("resourceRecordSets.list", path, "rrsets", query, zone=zone)
        try:
            pages = chain(list(islice(pages, 1)), pages)
        except ApiRefused as refusal:
            if refusal.status not in _FILTER_REFUSED:
                raise
            log.info("%s: listing the whole zone instead", refusal)
            pages = (found for found in self.list_rrsets(zone, fields=fields) if kind in (None, found["type"]))
        # A suffix of letters need not be one of labels: `otherjob.z.` ends in `job.z.`, too.
        return (resource for resource in pages if in_zone(resource["name"].lower(), suffix))

    # Changes

    def create_change(self, zone: str, change: Change) -> Resource:
        """Send one atomic change; it is sent again only where it cannot have been applied.

        :param zone: name or id.
        :return: its `id`, `startTime` and `status`, and not the rrsets of it.
        :raises AnswerLost: it may have been applied, or not: look it up (`mldns.providers.changes`).
        :raises ZoneMoved: the zone is not what the change was made for; nothing of it was applied.
        """
        path = ("managedZones", zone, "changes")
        query = {"fields": _CHANGE_FIELDS}
        body = {
            "additions": [rrset.to_api() for rrset in change.additions],
            "deletions": [rrset.to_api() for rrset in change.deletions],
        }
        return self._request("changes.create", "POST", path, zone=zone, query=query, body=body, change=change)

    def get_change(self, zone: str, change_id: str) -> Resource:
        """Return one change as `create_change` does.

        :param change_id: the `id` that it returned.
        """
        path = ("managedZones", zone, "changes", change_id)
        return self._request("changes.get", "GET", path, zone=zone, query={"fields": _CHANGE_FIELDS})

    def newest_changes(self, zone: str, *, page_size: int, whole: bool = True) -> Iterator[Resource]:
        """The zone's changes, the newest first.

        :param page_size: how many a call reads.
        :param whole: with the rrsets of each.
        """
        path = ("managedZones", zone, "changes")
        query = {"sortBy": "changeSequence", "sortOrder": "descending"}
        query |= _partial("changes", None if whole else _CHANGE_FIELDS)
        return self._pages("changes.list", path, "changes", query, zone=zone, page_size=page_size)

    # Policies and quota

    def get_zone_policy(self, zone: str) -> Resource:
        """The zone's IAM policy with its conditions and its etag."""
        body = {"options": {"requestedPolicyVersion": POLICY_VERSION}}
        path = ("managedZones", f"{zone}:getIamPolicy")
        return self._request("managedZones.getIamPolicy", "POST", path, zone=zone, body=body)

    def set_zone_policy(self, zone: str, policy: Mapping[str, Any]) -> Resource:
        """Write the zone's IAM policy.

        :param policy: with the etag that it was read with.
        :raises PolicyMoved: somebody else wrote it meanwhile; nothing was applied.
        :raises AnswerLost: it may have been applied, or not.
        """
        path = ("managedZones", f"{zone}:setIamPolicy")
        return self._request("managedZones.setIamPolicy", "POST", path, zone=zone, body={"policy": dict(policy)})

    def test_zone_permissions(self, zone: str, permissions: Sequence[str]) -> list[str]:
        """Return those of the permissions that the caller has on the zone.

        :param permissions: such as `dns.changes.create`.
        """
        path = ("managedZones", f"{zone}:testIamPermissions")
        body = {"permissions": list(permissions)}
        answer = self._request("managedZones.testIamPermissions", "POST", path, zone=zone, body=body)
        return list(answer.get("permissions", ()))

    def quota(self) -> Resource:
        """The project's limits, spelled as in `projects.get`."""
        return dict(self._request("projects.get", "GET", ()).get("quota", {}))

    # Transport

    def _pages(
        self,
        method: str,
        path: tuple[str, ...],
        items: str,
        query: Mapping[str, str],
        *,
        zone: str | None = None,
        page_size: int = PAGE_SIZE,
    ) -> Iterator[Resource]:
        """All items of a list. The size of a page is the server's choice, so only the token tells whether it ended."""
        token = ""
        while True:
            asked = {**query, "maxResults": str(page_size), **({"pageToken": token} if token else {})}
            page = self._request(method, "GET", path, zone=zone, query=asked)
            yield from page.get(items, ())
            token = page.get("nextPageToken", "")
            if not token:
                return

    def _request(
        self,
        method: str,
        verb: str,
        path: tuple[str, ...],
        *,
        zone: str | None = None,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        change: Change | None = None,
    ) -> Resource:
        """One call, repeated as far as that is safe, with its failures as mldns exceptions."""
        call = Call(method, self.project, zone)
        # quote() leaves nothing as it is that means something in a path: `*.z.` becomes %2A.z.
        url_path = "/".join(("/projects", *(quote(part, safe=":") for part in (self.project, *path))))
        idempotent = method not in _NOT_REPEATABLE
        try:
            answer = self.retrying.run(
                lambda: self._send(method, verb, url_path, query, body),
                what=str(call),
                repeatable=failures.transient if idempotent else failures.never_applied,
                described=failures.describe,
            )
        except (GoogleAPICallError, GoogleAuthError, OSError) as error:
            if not idempotent and failures.transient(error):
                raise AnswerLost(call, error, brief=failures.describe(error)) from error
            raise translate(error, call, change) from error
        # A delete may answer with an empty body.
        return answer if isinstance(answer, dict) else {}

    def _send(
        self, method: str, verb: str, url_path: str, query: Mapping[str, str] | None, body: Mapping[str, Any] | None
    ) -> Any:
        """One HTTP request, counted; what the client library raises."""
        with metrics.api_call(method):
            return self._connection.api_request(
                method=verb,
                path=url_path,
                query_params=dict(query or {}),
                data=None if body is None else json.dumps(body, separators=(",", ":")),
                content_type=None if body is None else "application/json",
                timeout=self._timeout,
            )


def _partial(items: str, fields: str | None) -> dict[str, str]:
    """The query of a partial answer: of each item of a list, these fields only."""
    return {"fields": f"nextPageToken,{items}({fields})"} if fields else {}
