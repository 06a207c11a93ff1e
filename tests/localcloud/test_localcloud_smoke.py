from __future__ import annotations

import dns.message
import dns.query
from google.auth.credentials import AnonymousCredentials
from google.cloud import dns as cloud_dns


def test_a_record_made_through_google_s_client_is_answered_over_dns(cloud):
    client = cloud_dns.Client(
        project=cloud.project, credentials=AnonymousCredentials(), client_options={"api_endpoint": cloud.api}
    )
    zone = client.zone("ml", "ml.example.com.")
    zone.create()
    changes = zone.changes()
    changes.add_record_set(zone.resource_record_set("service.ml.example.com.", "A", 300, ["192.0.2.1"]))
    changes.create()
    assert changes.status == "pending"
    host, port = cloud.dns[0].rsplit(":", 1)
    answer = dns.query.udp(dns.message.make_query("service.ml.example.com.", "A"), host, port=int(port), timeout=3)
    assert answer.answer[0].to_text() == "service.ml.example.com. 300 IN A 192.0.2.1"
