"""The provider against localcloud's Route 53: zones, records in pages, and a change whose answer is lost."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from botocore.awsrequest import AWSResponse

from mldns.exceptions import InvalidInput, ZoneMismatch, ZoneNotEmpty, ZoneNotOurs
from mldns.inventory.job_records import DesiredRecords
from mldns.ownership.claims import Holder
from mldns.plan.batches import Change
from mldns.providers.aws.client import Route53Client
from mldns.providers.aws.provider import DOCUMENTED, Route53Provider
from mldns.providers.aws.zones import parse_zone
from mldns.providers.base import ChangeStatus, Zone, ZoneSpec
from mldns.providers.editor import ZoneEditor
from mldns.providers.errors import AlreadyExists, ZoneMoved
from mldns.providers.zones import delete_zone, ensure_zone
from mldns.records.rrset import RRset
from tests.cloud_fixture import Cloud
from tests.route53_fixture import ACCOUNT, QUICK, REGION, VPC, boto_client, route53_provider

HOLDER = Holder("job", claimant="airflow/train", lease="run-1")


@pytest.fixture
def provider(cloud: Cloud) -> Route53Provider:
    return route53_provider(cloud.api)


def spec(zone: str = "ml.example.com", **other: Any) -> ZoneSpec:
    asked = {"dns_name": "ml.example.com.", "visibility": "private", "networks": [VPC], "labels": {}, "description": ""}
    return parse_zone(zone=zone, region=REGION, **(asked | other))


@pytest.fixture
def zone(provider: Route53Provider) -> Zone:
    return ensure_zone(provider, spec()).zone


def desired(count: int) -> list[RRset]:
    addresses = [f"10.1.{rank // 250}.{rank % 250 + 1}" for rank in range(count)]
    return list(DesiredRecords.parse(workers=addresses, owner="job", dns_name="ml.example.com.", ttl=30).rrsets)


def break_down(cloud: Cloud, **rule: Any) -> None:
    rules = [{"method": "route53.ChangeResourceRecordSets", "count": 1, **rule}]
    requests.post(f"{cloud.api}/_localcloud/faults", json=rules, timeout=10).raise_for_status()


@pytest.mark.parametrize(
    "wrong",
    [
        {"zone": "ml-zone"},
        {"visibility": "hidden"},
        {"networks": []},
        {"networks": ["training"]},
        {"networks": VPC},
        {"visibility": "public"},
        {"labels": {"aws:x": "y"}},
        {"description": "x" * 257},
    ],
)
def test_a_zone_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        spec(**wrong)


class TestZones:
    def test_it_is_made_once_with_its_vpcs_and_tags(self, provider: Route53Provider) -> None:
        wanted = spec(networks=[VPC, "vpc-0abc99999999@us-east-1"], labels={"Team": "ml"}, description="d")
        made, again = ensure_zone(provider, wanted), ensure_zone(provider, wanted)
        assert (made.created, again.created) == (True, False)
        assert made.drift == again.drift == ()
        assert made.zone.networks == (f"{VPC}@{REGION}", "vpc-0abc99999999@us-east-1")
        assert dict(made.zone.labels) == {"Team": "ml", "managed-by": "mldns"}
        assert [found.name for found in provider.list_zones()] == ["ml.example.com"]

    def test_by_id_it_is_the_same(self, provider: Route53Provider, zone: Zone) -> None:
        again = ensure_zone(provider, spec(zone.id))
        assert (again.created, again.drift, again.zone.id) == (False, (), zone.id)
        with pytest.raises(ZoneMismatch):
            ensure_zone(provider, spec(zone.id, dns_name="other.example.com."))

    def test_of_two_of_one_name_none_is_guessed(self, cloud: Cloud, provider: Route53Provider, zone: Zone) -> None:
        boto_client(cloud.api).create_hosted_zone(Name="ml.example.com", CallerReference="somebody")
        with pytest.raises(InvalidInput) as refused:
            provider.find_zone("ml.example.com")
        assert zone.id in str(refused.value)
        assert provider.find_zone(zone.id) is not None
        assert zone.id in {found.name for found in provider.list_zones()}

    def test_two_who_make_it_at_once_make_one(self, provider: Route53Provider) -> None:
        assert provider.create_zone(spec()) == provider.create_zone(spec(labels={"Team": "ml"}))
        (only,) = provider.list_zones()
        assert dict(only.labels) == {"managed-by": "mldns", "Team": "ml"}

    def test_one_of_somebody_else_s_on_the_vpc_is_not_taken(self, cloud: Cloud, provider: Route53Provider) -> None:
        vpc = {"VPCRegion": REGION, "VPCId": VPC}
        boto_client(cloud.api).create_hosted_zone(Name="ml.example.com", CallerReference="somebody", VPC=vpc)
        with pytest.raises(AlreadyExists):
            provider.create_zone(spec())

    def test_it_can_be_made_again_after_its_deletion(self, provider: Route53Provider, zone: Zone) -> None:
        assert delete_zone(provider, zone.name)
        assert not delete_zone(provider, zone.name)
        assert ensure_zone(provider, spec()).created

    def test_what_holds_records_or_is_not_ours_is_not_deleted(
        self, cloud: Cloud, provider: Route53Provider, zone: Zone
    ) -> None:
        provider.submit(zone, Change((RRset("a.ml.example.com.", "A", 30, ("10.0.0.1",)),)))
        with pytest.raises(ZoneNotEmpty):
            delete_zone(provider, zone.name)
        boto_client(cloud.api).create_hosted_zone(Name="theirs.example.com", CallerReference="somebody")
        with pytest.raises(ZoneNotOurs):
            delete_zone(provider, "theirs.example.com")

    def test_a_maker_that_died_before_the_tags_has_left_its_mark(
        self, cloud: Cloud, provider: Route53Provider, zone: Zone
    ) -> None:
        boto = boto_client(cloud.api)
        boto.change_tags_for_resource(ResourceType="hostedzone", ResourceId=zone.id, RemoveTagKeys=["managed-by"])
        assert all(found.managed for found in (*provider.list_zones(), provider.find_zone(zone.id)) if found)
        boto.change_tags_for_resource(
            ResourceType="hostedzone", ResourceId=zone.id, AddTags=[{"Key": "managed-by", "Value": "terraform"}]
        )
        assert not any(found.managed for found in (*provider.list_zones(), provider.find_zone(zone.id)) if found)


class TestRecords:
    def test_a_job_s_life_over_pages_and_batches(self, cloud: Cloud, provider: Route53Provider, zone: Zone) -> None:
        """1,000 names are two batches of one budget of elements; the job's list is four pages of 300."""
        editor = ZoneEditor(provider, zone, contention=QUICK)
        before = cloud.stats()
        wrote = editor.upsert(desired(1_000), HOLDER, "sync")
        calls = cloud.stats()
        assert (wrote.progress.changes, wrote.progress.created) == (2, 1_001)
        made = {name: sum(codes.values()) - sum(before.get(name, {}).values()) for name, codes in calls.items()}
        assert {name.partition(".")[2]: n for name, n in made.items() if n} == {
            "ListResourceRecordSets": 1,
            "GetHostedZoneLimit": 1,
            "ChangeResourceRecordSets": 2,
        }
        assert wrote.progress.last_id is not None
        while provider.status(zone, wrote.progress.last_id) is not ChangeStatus.DONE:
            pass
        assert editor.upsert(desired(1_000), HOLDER, "sync").progress.changes == 0
        assert editor.release(HOLDER).progress.deleted == 1_001
        assert {rrset.type for rrset in provider.rrsets(zone)} == {"NS", "SOA"}

    def test_a_replacement_costs_two(self, provider: Route53Provider, zone: Zone) -> None:
        editor = ZoneEditor(provider, zone, contention=QUICK)
        editor.upsert(desired(900), HOLDER, "sync")
        moved = [RRset(r.name, r.type, 60, r.rrdatas) for r in desired(900)]
        assert editor.upsert(moved, HOLDER, "sync").progress.changes == 2

    def test_one_name_and_one_subtree(self, provider: Route53Provider, zone: Zone) -> None:
        names = ["job", "a.job", "job-2", "b.job", "*.job"]
        provider.submit(zone, Change(tuple(RRset(f"{n}.ml.example.com.", "A", 30, ("10.0.0.1",)) for n in names)))
        provider.submit(zone, Change((RRset("job.ml.example.com.", "TXT", 30, ('"x"',)),)))

        def found(**asked: Any) -> list[tuple[str, str]]:
            return [(r.name.removesuffix(".ml.example.com."), r.type) for r in provider.rrsets(zone, **asked)]

        below = [("job", "A"), ("job", "TXT"), ("*.job", "A"), ("a.job", "A"), ("b.job", "A")]
        assert found(below="job.ml.example.com.") == below
        assert found(below="job.ml.example.com.", type="TXT") == [("job", "TXT")]
        assert found(name="job.ml.example.com.") == below[:2]
        assert found(name="job.ml.example.com.", type="TXT") == [("job", "TXT")]
        assert found(name="*.job.ml.example.com.", type="A") == [("*.job", "A")]
        assert found(name="nobody.ml.example.com.", type="A") == []

    def test_a_stale_swap_is_refused_and_says_where(self, provider: Route53Provider, zone: Zone) -> None:
        old, new = (RRset("a.ml.example.com.", "A", 30, (address,)) for address in ("10.0.0.1", "10.0.0.2"))
        provider.submit(zone, Change((old,)))
        provider.submit(zone, Change((new,), (old,)))
        for stale in (Change((new,), (old,)), Change((old,))):
            with pytest.raises(ZoneMoved) as moved:
                provider.submit(zone, stale)
            assert moved.value.keys == (("a.ml.example.com.", "A"),)

    @pytest.mark.parametrize("kind", ["reset-before", "reset-after"])
    def test_a_lost_answer_is_looked_up_and_nothing_is_sent_twice(
        self, cloud: Cloud, provider: Route53Provider, zone: Zone, kind: str
    ) -> None:
        break_down(cloud, kind=kind)
        wrote = ZoneEditor(provider, zone, contention=QUICK).upsert(desired(3), HOLDER, "sync")
        assert (wrote.progress.created, wrote.progress.changes) == (5, 1)
        sent = cloud.stats()["route53.ChangeResourceRecordSets"]
        assert sent.get("200", 0) == (1 if kind == "reset-before" else 0)
        assert (wrote.progress.last_id is None) == (kind == "reset-after"), "no list of changes tells the id"

    def test_the_limit_of_the_zone_is_the_account_s(self, provider: Route53Provider, zone: Zone) -> None:
        assert provider.limits(zone) == DOCUMENTED

    def test_the_second_form_of_a_refused_batch_keeps_its_text(self, zone: Zone) -> None:
        """boto3 alone makes an error without code and text of it."""
        told = "Tried to create resource record set [name='a.', type='A'] but it already exists"
        space = "https://route53.amazonaws.com/doc/2013-04-01/"
        messages = f"<Messages><Message>{told}</Message></Messages>"
        body = f"<InvalidChangeBatch xmlns='{space}'>{messages}</InvalidChangeBatch>".encode()
        boto = boto_client("http://127.0.0.1:1")
        answer = AWSResponse("http://127.0.0.1:1", 400, {}, None)
        answer._content = body
        boto.meta.events.register("before-send.route53.*", lambda **_: answer)
        with pytest.raises(ZoneMoved):
            Route53Provider(Route53Client(boto, account=ACCOUNT, retrying=QUICK)).submit(
                zone, Change((RRset("a.ml.example.com.", "A", 30, ("10.0.0.1",)),))
            )
