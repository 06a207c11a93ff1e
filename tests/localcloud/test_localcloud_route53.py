"""localcloud's Route 53: boto3 is the client, botocore's own model of the service says what an answer may hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree

import boto3
import dns.message
import dns.query
import pytest
import requests
from botocore.exceptions import ClientError
from botocore.model import Shape
from octodns.record import Record
from octodns.zone import Zone
from octodns_route53 import Route53Provider

from localcloud.route53 import records, zones
from localcloud.route53.xml import NAMESPACE
from tests.cloud_fixture import Cloud
from tests.route53_fixture import REGION, VPC, boto_client

DNS_NAME = "ml.example.com."


@pytest.fixture
def client(cloud: Cloud) -> Any:
    return boto_client(cloud.api)


@pytest.fixture
def zone(client: Any) -> str:
    """A private zone, by its id."""
    config = {"PrivateZone": True, "Comment": "training"}
    vpc = {"VPCRegion": REGION, "VPCId": VPC}
    made = client.create_hosted_zone(Name=DNS_NAME, CallerReference="first", HostedZoneConfig=config, VPC=vpc)
    return str(made["HostedZone"]["Id"]).rpartition("/")[2]


def rrset(name: str, kind: str = "A", *values: str, ttl: int = 30) -> dict[str, Any]:
    return {"Name": name, "Type": kind, "TTL": ttl, "ResourceRecords": [{"Value": v} for v in values or ("10.0.0.1",)]}


def batch(client: Any, zone: str, *changes: tuple[str, Mapping[str, Any]]) -> Any:
    sent = [{"Action": action, "ResourceRecordSet": rrset} for action, rrset in changes]
    return client.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": sent})["ChangeInfo"]


def listed(client: Any, zone: str, **start: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.list_resource_record_sets(HostedZoneId=zone, **start)["ResourceRecordSets"]
    return found


OLD, OTHER = rrset("a.ml.example.com", "A", "10.0.0.1"), rrset("a.ml.example.com", "A", "10.0.0.2")
TEXT = "b.ml.example.com"
MANY = [rrset(f"n{n}.ml.example.com") for n in range(1_001)]
REFUSED = {
    "create of what is there": ([("CREATE", OTHER)], "[name='a.ml.example.com.', type='A'] but it already exists"),
    "delete of what is not there": ([("DELETE", rrset(TEXT))], "but it was not found"),
    "delete of other values": ([("DELETE", OTHER)], "but the values provided do not match the current values"),
    "delete of another TTL": ([("DELETE", OLD | {"TTL": 31})], "but the values provided do not match"),
    "delete twice": ([("DELETE", OLD), ("DELETE", OLD)], "but it was not found"),
    "two complaints": ([("CREATE", OLD), ("DELETE", rrset(TEXT))], "exists, Tried to delete"),
    "1,001 elements": ([("CREATE", item) for item in MANY], "Number of records limit of 1000 exceeded."),
    "501 upserts": ([("UPSERT", item) for item in MANY[:501]], "Number of records limit of 1000 exceeded."),
    "32,001 characters": (
        [("CREATE", rrset(f"t{n}.ml.example.com", "TXT", f'"{"x" * 250}" "{"y" * 250}"')) for n in range(64)],
        "RDATA character limit of 32000 exceeded.",
    ),
    "no quotes": ([("CREATE", rrset(TEXT, "TXT", "bare"))], "Value should be enclosed in quotation marks"),
    "no address": ([("CREATE", rrset(TEXT, "A", "10.0.0"))], "Value is not a valid IPv4 address"),
    "twice the same": ([("CREATE", rrset(TEXT, "A", "10.0.0.1", "10.0.0.1"))], "Duplicate Resource Record"),
    "outside": ([("CREATE", rrset("a.example.com"))], "is not permitted in zone ml.example.com."),
    "alias beside": ([("CREATE", rrset("a.ml.example.com", "CNAME", "x.example.com"))], "as it conflicts with other"),
    "no name servers": ([("DELETE", {})], "at least one NS record"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_batch_changes_nothing(client: Any, zone: str, name: str) -> None:
    """The endings are those that users quote; what else is in the batch is not applied either."""
    batch(client, zone, ("CREATE", OLD))
    before = listed(client, zone)
    changes, ending = REFUSED[name]
    ns = next(found for found in before if found["Type"] == "NS")
    changes = [(action, sent or ns) for action, sent in changes]
    with pytest.raises(ClientError) as refused:
        batch(client, zone, ("CREATE", rrset("first.ml.example.com")), *changes)
    assert refused.value.response["Error"]["Code"] == "InvalidChangeBatch"
    assert ending in refused.value.response["Error"]["Message"]
    assert listed(client, zone) == before


def test_a_swap_is_a_delete_and_a_create(client: Any, zone: str) -> None:
    batch(client, zone, ("CREATE", OLD))
    batch(client, zone, ("DELETE", OLD), ("CREATE", OTHER))
    batch(client, zone, ("UPSERT", OLD))
    (found,) = listed(client, zone, StartRecordName="a.ml.example.com", MaxItems="1")
    assert found["ResourceRecords"] == OLD["ResourceRecords"]


def test_record_sets_stand_in_the_order_of_turned_names_over_pages(client: Any, zone: str) -> None:
    names = ["job", "job-2", "b.job", "a.job", "*.job", "job2"]
    batch(client, zone, *(("CREATE", rrset(f"{name}.ml.example.com")) for name in names))
    batch(client, zone, ("CREATE", rrset("job.ml.example.com", "TXT", '"a\\303\\244\\"\\\\" "b c"')))
    pages = client.get_paginator("list_resource_record_sets").paginate(
        HostedZoneId=zone, StartRecordName="job-2.ml.example.com", PaginationConfig={"PageSize": 2}
    )
    found = [item for page in pages for item in page["ResourceRecordSets"]]
    order = [("job-2", "A"), ("job", "A"), ("job", "TXT"), ("\\052.job", "A"), ("a.job", "A"), ("b.job", "A")]
    assert [(f["Name"].removesuffix(".ml.example.com."), f["Type"]) for f in found] == [*order, ("job2", "A")]
    (text,) = listed(client, zone, StartRecordName="job.ml.example.com", StartRecordType="TXT", MaxItems="1")
    assert text["ResourceRecords"][0]["Value"] == '"a\\303\\244\\"\\\\" "b c"'


def test_a_change_turns_from_pending_to_insync(client: Any, zone: str) -> None:
    made = batch(client, zone, ("CREATE", OLD))
    assert made["Status"] == "PENDING"
    while client.get_change(Id=made["Id"])["ChangeInfo"]["Status"] == "PENDING":
        pass
    with pytest.raises(client.exceptions.NoSuchChange):
        client.get_change(Id="C0")


def test_zones_are_told_apart_by_id_and_a_reference_is_taken_once(client: Any, zone: str) -> None:
    public = client.create_hosted_zone(Name="ml.example.com", CallerReference="second")["HostedZone"]
    with pytest.raises(client.exceptions.HostedZoneAlreadyExists):
        client.create_hosted_zone(Name="ml.example.com", CallerReference="second")
    vpc = {"VPCRegion": REGION, "VPCId": VPC}
    with pytest.raises(client.exceptions.ConflictingDomainExists):
        client.create_hosted_zone(Name="ml.example.com", CallerReference="third", VPC=vpc)
    named = client.list_hosted_zones_by_name(DNSName="ml.example.com")["HostedZones"]
    assert sorted(found["Config"]["PrivateZone"] for found in named) == [False, True]
    batch(client, zone, ("CREATE", OLD))
    with pytest.raises(client.exceptions.HostedZoneNotEmpty):
        client.delete_hosted_zone(Id=zone)
    client.delete_hosted_zone(Id=public["Id"])
    with pytest.raises(client.exceptions.NoSuchHostedZone):
        client.get_hosted_zone(Id=public["Id"])


def test_the_last_vpc_stays(client: Any, zone: str) -> None:
    first, second = ({"VPCRegion": REGION, "VPCId": vpc} for vpc in (VPC, "vpc-0abc99999999"))
    client.associate_vpc_with_hosted_zone(HostedZoneId=zone, VPC=second)
    client.disassociate_vpc_from_hosted_zone(HostedZoneId=zone, VPC=first)
    assert client.get_hosted_zone(Id=zone)["VPCs"] == [second]
    with pytest.raises(client.exceptions.LastVPCAssociation):
        client.disassociate_vpc_from_hosted_zone(HostedZoneId=zone, VPC=second)


def test_names_are_served_to_the_vpc_and_denied_for_900_seconds(start_cloud: Any) -> None:
    cloud = start_cloud("--done-ms", "0", "--serve-ms", "0", "--resolver", f"127.0.0.1:0={VPC}")
    client = boto_client(cloud.api)
    vpc = {"VPCRegion": REGION, "VPCId": VPC}
    made = client.create_hosted_zone(Name=DNS_NAME, CallerReference="first", VPC=vpc)
    batch(client, made["HostedZone"]["Id"], ("CREATE", OLD))
    host, _, port = cloud.resolver.partition(":")
    found, denied = (
        dns.query.udp(dns.message.make_query(name, "A"), host, port=int(port), timeout=5)
        for name in ("a.ml.example.com.", "nobody.ml.example.com.")
    )
    assert [rdata.to_text() for rdata in found.answer[0]] == ["10.0.0.1"]
    assert denied.authority[0].ttl == 900


def test_more_requests_a_second_than_the_account_has_are_throttled(cloud: Cloud, client: Any) -> None:
    requests.post(f"{cloud.api}/_localcloud/quota", json={"requestsPerSecond": 2}, timeout=10).raise_for_status()
    try:
        with pytest.raises(ClientError) as throttled:
            [client.list_hosted_zones() for _ in range(50)]
    finally:
        requests.delete(f"{cloud.api}/_localcloud/quota", timeout=10).raise_for_status()
    assert throttled.value.response["Error"] == {"Code": "Throttling", "Message": "Rate exceeded", "Type": "Sender"}


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"kind": "status", "status": 429}, "Throttling"),
        ({"kind": "status", "status": 408}, "PriorRequestNotComplete"),
        ({"kind": "status", "status": 403, "reason": "forbidden"}, "AccessDenied"),
        ({"kind": "status", "status": 503}, "ServiceUnavailable"),
        ({"kind": "status", "status": 502}, "502"),
    ],
)
def test_faults_are_in_the_words_of_aws(cloud: Cloud, client: Any, fault: dict[str, Any], code: str) -> None:
    rule = {"method": "route53.ListHostedZones", "count": 1, **fault}
    requests.post(f"{cloud.api}/_localcloud/faults", json=[rule], timeout=10).raise_for_status()
    with pytest.raises(ClientError) as refused:
        client.list_hosted_zones()
    assert refused.value.response["Error"]["Code"] == code
    client.list_hosted_zones()


def test_what_it_does_not_do_it_refuses(client: Any, zone: str) -> None:
    weighted = rrset("w.ml.example.com") | {"SetIdentifier": "one", "Weight": 1}
    with pytest.raises(ClientError) as refused:
        batch(client, zone, ("CREATE", weighted))
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


# The model


MODEL = boto3.session.Session()._session.get_service_model("route53")
OPERATIONS = {m.id.partition(".")[2]: m for m in (*zones.METHODS, *records.METHODS)}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_routes_are_those_of_the_model(operation: str) -> None:
    http = MODEL.operation_model(operation).http
    path = http["requestUri"].replace("{ResourceType}", "hostedzone")
    assert (OPERATIONS[operation].verb, OPERATIONS[operation].path) == (http["method"], path)


def test_answers_have_the_shapes_of_the_model(client: Any, zone: str) -> None:
    """Every element is one that the model knows, and everything that it requires is there."""
    seen = set()

    def check(operation_model: Any, response_dict: Mapping[str, Any], **_: Any) -> None:
        seen.add(operation_model.name)
        root = ElementTree.fromstring(response_dict["body"])
        assert root.tag == f"{{{NAMESPACE}}}{operation_model.output_shape.name}"
        assert list(odd(root, operation_model.output_shape)) == []

    client.meta.events.register("before-parse.route53.*", check)
    client.change_tags_for_resource(ResourceType="hostedzone", ResourceId=zone, AddTags=[{"Key": "a", "Value": "b"}])
    client.list_tags_for_resource(ResourceType="hostedzone", ResourceId=zone)
    client.list_tags_for_resources(ResourceType="hostedzone", ResourceIds=[zone])
    public = client.create_hosted_zone(Name="other.example.com", CallerReference="x")["HostedZone"]["Id"]
    client.get_hosted_zone(Id=public)
    client.get_hosted_zone(Id=zone)
    client.list_hosted_zones(MaxItems="1")
    client.list_hosted_zones_by_name(DNSName=DNS_NAME, MaxItems="1")
    client.get_hosted_zone_limit(HostedZoneId=zone, Type="MAX_RRSETS_BY_ZONE")
    second = {"VPCRegion": REGION, "VPCId": "vpc-0abc99999999"}
    client.associate_vpc_with_hosted_zone(HostedZoneId=zone, VPC=second)
    client.disassociate_vpc_from_hosted_zone(HostedZoneId=zone, VPC=second)
    change = batch(client, zone, ("CREATE", OLD))
    client.list_resource_record_sets(HostedZoneId=zone, MaxItems="1")
    client.get_change(Id=change["Id"])
    client.list_health_checks()
    client.delete_hosted_zone(Id=public)
    assert seen == set(OPERATIONS)


def odd(element: ElementTree.Element, shape: Shape) -> Iterator[str]:
    """What an answer has that the model does not know, and what it lacks."""
    if shape.type_name == "list":
        name = shape.member.serialization.get("name", "member")
        for child in element:
            yield from odd(child, shape.member) if local(child) == name else [f"{local(element)}/{local(child)}"]
    elif shape.type_name == "structure":
        body = {n: m for n, m in shape.members.items() if not m.serialization.get("location")}
        members = {m.serialization.get("name", n): m for n, m in body.items()}
        needed = body.keys() & set(shape.required_members)
        yield from (f"{shape.name} lacks {name}" for name in needed - {local(child) for child in element})
        for child in element:
            known = members.get(local(child))
            yield from odd(child, known) if known else [f"{shape.name}/{local(child)}"]


def local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def test_octodns_makes_its_plan_and_finds_nothing_to_do_again(
    cloud: Cloud, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A foreign client, unchanged but for where it is pointed."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.api)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    client.create_hosted_zone(Name="octo.example.com", CallerReference="octo")
    keys = {"access_key_id": "anybody", "secret_access_key": "anything"}
    wanted: dict[str, Any] = {"": ("TXT", ["v=x y", "a b"]), "www": ("A", ["10.0.0.1", "10.0.0.2"])}
    wanted["*"] = "CNAME", "www.octo.example.com."

    def planned() -> Any:
        desired = Zone("octo.example.com.", [])
        for name, (kind, values) in wanted.items():
            field = "value" if kind == "CNAME" else "values"
            desired.add_record(Record.new(desired, name, {"type": kind, "ttl": 60, field: values}), lenient=True)
        provider = Route53Provider("aws", **keys)
        return provider, provider.plan(desired)

    provider, plan = planned()
    assert len(plan.changes) == len(wanted)
    provider.apply(plan)
    _, again = planned()
    assert again is None or [type(c).__name__ for c in again.changes] == []
