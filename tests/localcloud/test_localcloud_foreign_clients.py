"""Google's own client libraries, unchanged but for the address they talk to."""

from __future__ import annotations

import google.api_core.exceptions
import googleapiclient.discovery
import httplib2
import pytest
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import dns as cloud_dns
from google.cloud import resourcemanager_v3
from google.iam.v1 import options_pb2, policy_pb2
from google.type import expr_pb2
from googleapiclient.errors import HttpError

NETWORK = "https://www.googleapis.com/compute/v1/projects/demo-project/global/networks/training"


class TestGoogleCloudDns:
    @pytest.fixture
    def client(self, cloud) -> cloud_dns.Client:
        return cloud_dns.Client(
            project=cloud.project, credentials=AnonymousCredentials(), client_options={"api_endpoint": cloud.api}
        )

    @pytest.fixture
    def zone(self, client) -> cloud_dns.ManagedZone:
        zone = client.zone("ml", "ml.example.com.", description="training")
        zone.create()
        return zone

    def test_the_life_of_a_zone(self, client, zone):
        assert zone.created.year >= 2024
        assert zone.name_servers[0] == "ns-cloud-a1.googledomains.com."
        assert [(found.name, found.zone_id) for found in client.list_zones()] == [("ml", zone.zone_id)]
        assert zone.exists()
        zone.delete()
        assert not zone.exists()

    def test_records_over_several_pages(self, zone):
        changes = zone.changes()
        for n in range(5):
            changes.add_record_set(zone.resource_record_set(f"w{n}.ml.example.com.", "A", 30, [f"10.0.0.{n}"]))
        changes.create()
        assert (changes.status, changes.name) == ("pending", "1")
        records = list(zone.list_resource_record_sets(max_results=None))
        assert [record.name for record in records if record.record_type == "A"] == [
            f"w{n}.ml.example.com." for n in range(5)
        ]
        pages = list(zone.list_resource_record_sets(max_results=3).pages)
        assert len(list(pages[0])) == 3

    def test_replacing_and_refusing(self, zone):
        old = zone.resource_record_set("a.ml.example.com.", "A", 30, ["10.0.0.1"])
        new = zone.resource_record_set("a.ml.example.com.", "A", 30, ["10.0.0.2"])
        first = zone.changes()
        first.add_record_set(old)
        first.create()
        second = zone.changes()
        second.delete_record_set(old)
        second.add_record_set(new)
        second.create()
        with pytest.raises(google.api_core.exceptions.PreconditionFailed, match=r"entity.change.deletions\[0\]"):
            second.create()
        with pytest.raises(google.api_core.exceptions.Conflict, match="already exists"):
            first.create()
        assert [change.name for change in zone.list_changes()] == ["0", "1", "2"]


class TestDiscovery:
    @pytest.fixture
    def service(self, cloud):
        service = googleapiclient.discovery.build(
            "dns",
            "v1",
            http=httplib2.Http(timeout=30),
            client_options=ClientOptions(api_endpoint=cloud.api),
            static_discovery=True,
        )
        yield service
        service.close()

    def test_the_whole_surface(self, service):
        names = {"project": "demo-project", "managedZone": "ml"}
        zones, rrsets, changes = service.managedZones(), service.resourceRecordSets(), service.changes()
        zone = zones.create(
            project="demo-project",
            body={
                "name": "ml",
                "dnsName": "ml.example.com.",
                "visibility": "private",
                "privateVisibilityConfig": {"networks": [{"networkUrl": NETWORK}]},
            },
        ).execute()
        assert zone["nameServers"] == ["ns-gcp-private.googledomains.com."]
        assert zones.patch(**names, body={"labels": {"a": "b"}}).execute()["status"] == "done"
        wildcard = {"name": "*.ml.example.com.", "type": "TXT", "ttl": 30, "rrdatas": ["hello world"]}
        assert rrsets.create(**names, body=wildcard).execute()["rrdatas"] == ['"hello" "world"']
        assert rrsets.get(**names, name="*.ml.example.com.", type="TXT").execute()["ttl"] == 30
        assert rrsets.patch(**names, name="*.ml.example.com.", type="TXT", body={"ttl": 5}).execute()["ttl"] == 5
        found = rrsets.list(**names, filter='name=has_suffix("ml.example.com.") AND type="TXT"').execute()
        assert [rrset["name"] for rrset in found["rrsets"]] == ["*.ml.example.com."]
        assert rrsets.delete(**names, name="*.ml.example.com.", type="TXT").execute() == {}
        request, pages = rrsets.list(**names, maxResults=1), 0
        while request is not None:
            request, pages = rrsets.list_next(request, request.execute()), pages + 1
        assert pages == 2
        assert [change["id"] for change in changes.list(**names).execute()["changes"]] == ["0", "1", "2", "3"]
        zones.delete(**names).execute()

    def test_a_zone_s_policy(self, service):
        service.managedZones().create(
            project="demo-project", body={"name": "ml", "dnsName": "ml.example.com."}
        ).execute()
        resource = "projects/demo-project/managedZones/ml"
        policy = service.managedZones().getIamPolicy(resource=resource, body={}).execute()
        policy["bindings"] = [{"role": "roles/dns.reader", "members": ["user:a@example.com"]}]
        written = service.managedZones().setIamPolicy(resource=resource, body={"policy": policy}).execute()
        assert written["bindings"] == policy["bindings"]
        with pytest.raises(HttpError) as conflict:
            service.managedZones().setIamPolicy(resource=resource, body={"policy": policy}).execute()
        assert conflict.value.status_code == 409
        asked = {"permissions": ["dns.changes.create"]}
        assert service.managedZones().testIamPermissions(resource=resource, body=asked).execute() == asked

    def test_errors_arrive_whole(self, service):
        with pytest.raises(HttpError) as absent:
            service.managedZones().get(project="demo-project", managedZone="nobody").execute()
        assert absent.value.status_code == 404
        assert absent.value.reason == "The 'parameters.managedZone' resource named 'nobody' does not exist."
        assert absent.value.error_details[0]["reason"] == "notFound"

    def test_dnssec_keys_are_refused_in_words(self, service):
        with pytest.raises(HttpError, match="does not implement") as refused:
            service.dnsKeys().list(project="demo-project", managedZone="ml").execute()
        assert refused.value.status_code == 501


class TestResourceManager:
    RESOURCE = "projects/demo-project"

    @pytest.fixture
    def client(self, cloud) -> resourcemanager_v3.ProjectsClient:
        return resourcemanager_v3.ProjectsClient(
            transport="rest",
            credentials=AnonymousCredentials(),
            client_options=ClientOptions(api_endpoint=cloud.api),
        )

    def test_a_conditional_binding_and_a_late_writer(self, client):
        options = options_pb2.GetPolicyOptions(requested_policy_version=3)
        policy = client.get_iam_policy(request={"resource": self.RESOURCE, "options": options})
        stale = policy_pb2.Policy()
        stale.CopyFrom(policy)
        policy.version = 3
        policy.bindings.add(
            role="roles/dns.admin",
            members=["serviceAccount:ml@demo-project.iam.gserviceaccount.com"],
            condition=expr_pb2.Expr(title="soon over", expression="true"),
        )
        client.set_iam_policy(request={"resource": self.RESOURCE, "policy": policy})
        read = client.get_iam_policy(request={"resource": self.RESOURCE, "options": options})
        assert read.bindings == policy.bindings
        assert read.etag != stale.etag
        with pytest.raises(google.api_core.exceptions.Conflict, match="concurrent policy changes"):
            client.set_iam_policy(request={"resource": self.RESOURCE, "policy": stale})
