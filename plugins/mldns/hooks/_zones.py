"""The zones half of the hook: make sure of one, delete one that mldns made, list them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mldns.hooks import _validation
from mldns.hooks._access import PROJECT, ZoneAccess, project_default
from mldns.providers import zones
from mldns.providers.base import ZoneSpec


class ZonesHook(ZoneAccess):
    """A zone is named by the caller, never made twice, and deleted only where it says that mldns made it."""

    @project_default
    def get_zone(self, *, zone: str, project_id: str = PROJECT) -> dict[str, Any] | None:
        """Return the zone as the API gives it, or None.

        :param zone: name or id.
        """
        found = self.dns_provider(project_id).find_zone(self.zone_name(zone))
        return None if found is None else dict(self.remember(project_id, found).source)

    @project_default
    def ensure_zone(
        self,
        *,
        zone: str,
        dns_name: str,
        visibility: str = "private",
        networks: Iterable[str] = (),
        labels: Mapping[str, str] | None = None,
        description: str = "",
        allow_unbound: bool = False,
        project_id: str = PROJECT,
    ) -> dict[str, Any]:
        """Make the zone, or compare it with what is asked for; differences are reported in `drift`, not repaired.

        :param visibility: "private" or "public".
        :param networks: of a private zone: at Google URLs, `projects/P/global/networks/N`, or names in the project; at
            AWS `vpc-…`, or `vpc-…@REGION`.
        :param labels: beside `managed-by=mldns`, which every zone that mldns makes has.
        :param allow_unbound: let a private zone have no network.
        :return: the zone as the API gives it, plus `created` and `drift` (`{"field", "wanted", "found"}` each).
        :raises ZoneMismatch: it exists with another dnsName or visibility.
        """
        wanted = self.zone_spec(
            zone=zone,
            dns_name=dns_name,
            visibility=visibility,
            networks=networks,
            labels=labels,
            description=description,
            allow_unbound=allow_unbound,
            project_id=project_id,
        )
        ensured = zones.ensure_zone(self.dns_provider(project_id), wanted)
        found = self.remember(project_id, ensured.zone)
        return {**found.source, "created": ensured.created, "drift": list(ensured.drift)}

    @project_default
    def zone_spec(self, *, allow_unbound: bool = False, project_id: str = PROJECT, **wanted: Any) -> ZoneSpec:
        """Return what `ensure_zone` would be asked for. Nothing is read.

        :param wanted: as all arguments, as of `ensure_zone`.
        :raises InvalidInput: no zone can be so.
        """
        allow_unbound = _validation.flag(allow_unbound, "allow_unbound")
        given = {"labels": None, "description": "", **wanted}
        return self.parsed_zone(**given, allow_unbound=allow_unbound, project_id=project_id)

    @project_default
    def zone_exists(self, *, spec: ZoneSpec, project_id: str = PROJECT) -> bool:
        """Return whether the zone is there.

        :param spec: as of `zone_spec`.
        :raises ZoneMismatch: it exists with another dnsName or visibility.
        """
        found = self.dns_provider(project_id).find_zone(spec.name)
        if found is not None:
            zones.compare_zone(spec, self.remember(project_id, found))
        return found is not None

    @project_default
    def delete_zone(self, *, zone: str, project_id: str = PROJECT) -> dict[str, Any]:
        """Delete an empty zone that mldns made.

        :param zone: its name.
        :return: `{"deleted": bool}`, False where there is none.
        :raises ZoneNotOurs: it has no label managed-by=mldns.
        :raises ZoneNotEmpty: it still holds records.
        """
        self.forget(project_id, self.zone_name(zone))
        return {"deleted": zones.delete_zone(self.dns_provider(project_id), zone)}

    @project_default
    def rrset_limit(self, *, zone: str, project_id: str = PROJECT) -> int:
        """Return how many record sets a zone may hold.

        :param zone: name or id.
        """
        return self.dns_provider(project_id).limits(self.known_zone(project_id, zone)).rrsets_per_zone

    @project_default
    def list_zones(self, *, managed_only: bool = True, project_id: str = PROJECT) -> list[dict[str, Any]]:
        """List the project's zones as the API gives them.

        :param managed_only: only those that mldns made.
        """
        ours_only = _validation.flag(managed_only, "managed_only")
        found = self.dns_provider(project_id).list_zones()
        return [dict(zone.source) for zone in found if zone.managed or not ours_only]
