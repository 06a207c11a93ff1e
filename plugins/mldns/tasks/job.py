"""The base of every task that names the workers of a job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mldns.inventory.job_records import DEFAULT_TTL, DesiredRecords
from mldns.tasks.base import CloudDNSOperator
from mldns.tasks.links import JobLink


class WorkersOperator(CloudDNSOperator):
    """A task about the names of a job's workers in one zone.

    :param zone: name of the managed zone.
    :param job: the job's slug, one DNS label: the owner of its names. `shared` owns what outlives every job.
    :param workers: the inventory in any form: a list of addresses or of mappings such as
        `{"rank": 0, "address": "10.0.0.7"}`, JSON text of one, or the text of a hostfile.
    :param ttl: of the workers' names, in seconds.
    :param port: rendezvous port of rank 0, for the SRV record.
    :param allow_addresses: networks to let through although other hosts cannot reach them, such as `127.0.0.0/8`.
    """

    template_fields: Sequence[str] = (
        *CloudDNSOperator.template_fields,
        "zone",
        "job",
        "workers",
        "ttl",
        "port",
        "allow_addresses",
    )
    operator_extra_links = (*CloudDNSOperator.operator_extra_links, JobLink())

    def __init__(
        self,
        *,
        zone: str,
        job: str,
        workers: Any = None,
        ttl: int | str = DEFAULT_TTL,
        port: int | str | None = None,
        allow_addresses: Sequence[str] | str = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.zone = zone
        self.job = job
        self.workers = workers
        self.ttl = ttl
        self.port = port
        self.allow_addresses = allow_addresses

    def desired(self, dns_name: str, *, records: Any = None, reverse_dns_name: str = "") -> DesiredRecords:
        """Return the workers' records, and others of the job.

        :param dns_name: what the zone serves.
        :param records: the others.
        :param reverse_dns_name: what the reverse zone serves, for PTR records; empty: none.
        :raises InvalidInput: an argument cannot be right.
        """
        return DesiredRecords.parse(
            owner=self.job,
            dns_name=dns_name,
            ttl=self.ttl,
            workers=self.workers,
            records=records,
            port=self.port,
            allow_addresses=self.allow_addresses,
            reverse_dns_name=reverse_dns_name,
        )
