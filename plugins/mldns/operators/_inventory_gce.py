"""Operators that find workers among Compute Engine's instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mldns import arguments
from mldns.exceptions import InvalidInput
from mldns.inventory.discovery import gce
from mldns.inventory.discovery.census import Census
from mldns.inventory.discovery.gce import AddressChoice
from mldns.operators._inventory import InventoryOperator
from mldns.tasks.base import GoogleOperator

if TYPE_CHECKING:
    from mldns.hooks.compute import ComputeHook


class _ComputeInventoryOperator(GoogleOperator, InventoryOperator):
    """What both ways to find instances share.

    :param network: the network whose interface a worker is reached on: its name, or any longer end of its URL.
    :param nic: number of the interface, instead; 0 when neither is said.
    :param family: `ipv4` or `ipv6`.
    :param external: the address that the Internet sees, instead of the one inside the network.
    """

    template_fields: Sequence[str] = (
        *InventoryOperator.template_fields,
        "network",
        "nic",
        "family",
        "external",
        *GoogleOperator.template_fields,
    )

    def __init__(
        self,
        *,
        network: str = "",
        nic: int | str | None = None,
        family: str = "ipv4",
        external: bool | str = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.network = network
        self.nic = nic
        self.family = family
        self.external = external

    @cached_property
    def hook(self) -> ComputeHook:
        """The hook behind this operator; only for `execute`, when templates are rendered."""
        from mldns.hooks.compute import ComputeHook

        return ComputeHook(**self.identity)

    @property
    def project(self) -> str:
        """The project of the instances; only for `execute`."""
        return arguments.text(self.project_id) or self.hook.project_id

    def _choice(self) -> AddressChoice:
        nic = arguments.text(self.nic)
        return AddressChoice(
            network=arguments.text(self.network),
            nic=arguments.whole(nic, "nic", least=0) if nic else None,
            family=self.family,
            external=arguments.flag(self.external, "external"),
        )


class GceInstancesInventoryOperator(_ComputeInventoryOperator):
    """Find the workers among the instances of a project, by labels, names, or a filter of Google's.

    Only instances that run count. Needs `compute.instances.list` on the project.

    :param labels: each must be on the instance with this value; an empty value asks for the key alone.
    :param names: a pattern of `*` and `?` that the name must match, such as `bert-worker-*`.
    :param filter: an expression in the API's language, instead of labels.
    :param zone: where to look; all zones when not given.
    :param not_running: `wait` for instances that match and do not run, until `timeout` names them; or `leave-out`.

    The other arguments: `mldns.operators._inventory.InventoryOperator`.
    """

    template_fields: Sequence[str] = (
        *_ComputeInventoryOperator.template_fields,
        "labels",
        "names",
        "filter",
        "zone",
        "not_running",
    )

    def __init__(
        self,
        *,
        labels: Mapping[str, str] | str | None = None,
        names: str = "",
        filter: str = "",
        zone: str | None = None,
        not_running: str = "wait",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.labels = labels
        self.names = names
        self.filter = filter
        self.zone = zone
        self.not_running = not_running

    def look(self) -> Census:
        if self.not_running not in ("wait", "leave-out"):
            raise InvalidInput(f"not_running {self.not_running!r} is not known: it is wait or leave-out")
        names, zone = arguments.text(self.names), arguments.text(self.zone)
        labels = arguments.mapping(self.labels, "labels")
        text = gce.list_filter(labels=labels, names=names, text=arguments.text(self.filter))
        choice, expected = self._choice(), self.wanted
        instances = self.hook.list_instances(zone=zone or None, filter=text, project_id=self.project)
        called = f" called {names!r}" if names else ""
        return gce.census(
            instances,
            source=f"instances{called} of project {self.project!r} in {zone or 'all zones'} with filter {text!r}",
            choice=choice,
            names=names,
            leave_out=self.not_running == "leave-out",
            expected=expected,
        )


class ManagedInstanceGroupInventoryOperator(_ComputeInventoryOperator):
    """Find the workers in a managed instance group, of a zone or of a region.

    A member counts when it runs and the group does nothing to it. `expected` is the group's target size unless said.
    Needs `compute.instanceGroupManagers.get` and `compute.instances.list` on the project.

    :param group: name of the managed instance group.
    :param zone: of a zonal group.
    :param region: of a regional group.

    The other arguments: `mldns.operators._inventory.InventoryOperator`.
    """

    template_fields: Sequence[str] = (*_ComputeInventoryOperator.template_fields, "group", "zone", "region")

    def __init__(self, *, group: str, zone: str | None = None, region: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.group = group
        self.zone = zone
        self.region = region

    def look(self) -> Census:
        choice, expected = self._choice(), self.wanted
        zone, region = arguments.text(self.zone) or None, arguments.text(self.region) or None
        where: dict[str, Any] = {"name": self.group, "zone": zone, "region": region, "project_id": self.project}
        group = self.hook.get_instance_group(**where)
        members = self.hook.list_managed_instances(**where)
        instances = [
            instance
            for place in gce.zones_of(members)
            for instance in self.hook.list_instances(zone=place, project_id=self.project)
        ]
        return gce.group_census(
            members,
            instances,
            source=f"instance group {self.group!r} of project {self.project!r} in {zone or region}",
            choice=choice,
            expected=int(group.get("targetSize", 0)) if expected is None else expected,
        )
