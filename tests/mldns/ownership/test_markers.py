"""Whose a record is, by the TXT records that tools leave beside it."""

from __future__ import annotations

import pytest

from mldns.ownership.manifest import Manifest
from mldns.ownership.markers import Markers
from mldns.records.rrset import RRset

DNS_NAME = "z.test."


def text(name: str, value: str) -> RRset:
    return RRset(name, "TXT", 300, (f'"{value}"',))


MARKERS = Markers(
    [
        text("a-www.z.test.", "heritage=external-dns,external-dns/owner=k8s-1,external-dns/resource=service/x/y"),
        text("cname-alias.z.test.", "heritage=external-dns,external-dns/owner=k8s-2"),
        text("old.z.test.", "heritage=external-dns,external-dns/owner=old-style"),
        text("a-anonymous.z.test.", "heritage=external-dns"),
        text("_owner.a.api.z.test.", "*octodns*"),
        text("_owner.a._wildcard.apps.z.test.", "*octodns*"),
        text("_owner.mx.z.test.", "*octodns*"),
        text("_owner.a.fake.z.test.", "something else"),
        text("note.z.test.", "nothing about owners"),
        Manifest("bert", "airflow/train", "run", 3, names=frozenset({("worker-0.bert.z.test.", "A")})).to_rrset(
            DNS_NAME
        ),
        Manifest("t5", "c", "l", 1, pending=frozenset({("svc.z.test.", "A")})).to_rrset(DNS_NAME),
        text("_mldns.broken.z.test.", "v=mldns1"),
        RRset("a-rr.z.test.", "A", 5, ("10.0.0.1",)),
    ],
    dns_name=DNS_NAME,
)


@pytest.mark.parametrize(
    ("name", "kind", "owner"),
    [
        ("www.z.test.", "A", "external-dns 'k8s-1'"),
        ("www.z.test.", "AAAA", None),
        ("alias.z.test.", "CNAME", "external-dns 'k8s-2'"),
        ("old.z.test.", "A", "external-dns 'old-style'"),
        ("anonymous.z.test.", "A", "external-dns '(no owner id)'"),
        ("api.z.test.", "A", "octoDNS"),
        ("x.apps.z.test.", "A", None),
        ("*.apps.z.test.", "A", "octoDNS"),
        ("z.test.", "MX", "octoDNS"),
        ("fake.z.test.", "A", None),
        ("note.z.test.", "A", None),
        ("worker-0.bert.z.test.", "A", "mldns job 'bert'"),
        ("worker-1.bert.z.test.", "A", None),
        ("svc.z.test.", "A", None),
        ("rr.z.test.", "A", None),
    ],
)
def test_owners(name: str, kind: str, owner: str | None) -> None:
    assert MARKERS.owner_of((name, kind)) == owner


@pytest.mark.parametrize(
    ("name", "written", "besides", "job"),
    [
        ("worker-0.bert.z.test.", True, None, "mldns job 'bert'"),
        ("worker-0.bert.z.test.", False, "t5", "mldns job 'bert'"),
        ("worker-0.bert.z.test.", True, "bert", None),
        ("svc.z.test.", False, "bert", "mldns job 't5'"),
        ("svc.z.test.", True, "bert", None),
        ("svc.z.test.", False, "t5", None),
        ("www.z.test.", False, None, None),
    ],
)
def test_jobs_that_have_written_a_name_or_claimed_it(
    name: str, written: bool, besides: str | None, job: str | None
) -> None:
    assert MARKERS.job_of((name, "A"), written=written, besides=besides) == job
