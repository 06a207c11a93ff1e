"""The hook: Cloud DNS zones, a job's records in them, and who may edit them.

What can be checked without the zone is checked before the first call, the rest before the first write. Results are
small plain JSON; errors are `mldns.exceptions`, one line each.
"""

from __future__ import annotations

from typing import Any

from mldns.exceptions import InvalidInput
from mldns.hooks import _validation
from mldns.hooks._access import PROJECT, project_default
from mldns.hooks._iam import IamHook
from mldns.hooks._names import DONE_TIMEOUT
from mldns.hooks._records import RecordsHook
from mldns.hooks._zones import ZonesHook
from mldns.providers.changes import wait_until_done
from mldns.records.names import absolute


class CloudDNSHook(ZonesHook, RecordsHook, IamHook):
    """Cloud DNS through an Airflow connection of type `google_cloud_platform` (extras: `mldns.hooks._connection`).

    :param gcp_conn_id: the connection.
    :param impersonation_chain: service account to impersonate, or a chain of them.

    All methods take keywords only, and `project_id` defaults to the connection's. They raise `InvalidInput` (nothing
    was sent), `PermissionMissing`, `ZoneNotFound`, `QuotaShort`, `CloudUnavailable`, and what they say themselves.
    """

    @project_default
    def list_records(
        self,
        *,
        zone: str,
        name: str | None = None,
        type: str | None = None,
        suffix: str | None = None,
        project_id: str = PROJECT,
    ) -> list[dict[str, Any]]:
        """List the records of a zone as the API gives them.

        :param name: of this name only.
        :param type: and of this type only.
        :param suffix: instead, those at and below this name.
        """
        _validation.zone_name(zone)
        if (suffix and (name or type)) or (type and not name):
            raise InvalidInput("list_records takes a name, a name and a type, or a suffix, as the API does")
        client = self.dns_client(project_id)
        if not suffix:
            return list(client.list_rrsets(zone, name=absolute(name) if name else None, kind=type and type.upper()))
        return list(client.list_rrsets_below(zone, absolute(suffix)))

    @project_default
    def wait_for_change(
        self, *, zone: str, change_id: str | int, timeout: float = DONE_TIMEOUT, project_id: str = PROJECT
    ) -> dict[str, Any]:
        """Return a change once it is `done`, without its records: sent to the name servers, not proven served.

        :param change_id: as `apply` returned it.
        :param timeout: seconds.
        :raises StillPending: it is not done by then.
        """
        name, number = _validation.zone_name(zone), _validation.change_id(change_id)
        wait_until_done(self.dns_provider(project_id), self.known_zone(project_id, name), number, timeout=timeout)
        return self.dns_client(project_id).get_change(name, number)

    @project_default
    def zone_quota(self, *, zone: str, project_id: str = PROJECT) -> dict[str, Any]:
        """Return the project's limits and how full the zone is.

        :param zone: name or id.
        :return: `{"limits", "rrsets"}`: the limits as the API spells them, and how many rrsets there are.
        """
        client = self.dns_client(project_id)
        return {"rrsets": sum(1 for _ in client.list_rrsets(_validation.zone_name(zone))), "limits": client.quota()}
