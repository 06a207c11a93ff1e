"""The hook of Route 53 and the choice between the clouds, against localcloud."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from mldns.exceptions import InvalidInput, MldnsError
from mldns.hooks.cloud_dns import CloudDNSHook
from mldns.hooks.route53 import Route53Hook
from mldns.tasks.base import dns_hook
from tests.cloud_fixture import Cloud
from tests.route53_fixture import ACCOUNT, REGION, VPC

MakeHook = Callable[..., Route53Hook]
JOB = {"owner": "job", "claimant": "airflow/train", "lease": "run-1"}


def aws_connection(url: str, **extra: Any) -> str:
    """A connection to localcloud; boto3's own retries are on as long as nobody turns them off."""
    more = {"region_name": REGION, "endpoint_url": url, "requests_per_second": 1e6, **extra}
    return json.dumps({"conn_type": "aws", "login": "anybody", "password": "anything", "extra": more})


@pytest.fixture
def make_hook(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> MakeHook:
    def make(**extra: Any) -> Route53Hook:
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", aws_connection(cloud.api, **extra))
        return Route53Hook()

    return make


def test_a_job_s_life(cloud: Cloud, make_hook: MakeHook) -> None:
    hook = make_hook()
    made = hook.ensure_zone(zone="ml.example.com", dns_name="ml.example.com.", networks=[VPC])
    assert (made["created"], made["drift"], made["networks"]) == (True, [], [f"{VPC}@{REGION}"])
    zone = {"zone": "ml.example.com"}
    records = [{"name": f"worker-{n}.job.ml.example.com.", "type": "A", "rrdatas": [f"10.0.0.{n}"]} for n in (1, 2)]
    plan = hook.plan(**zone, records=records, **JOB)
    wrote = hook.apply(**zone, records=records, digest=plan["digest"], lease_hours=1, **JOB)
    assert (wrote["created"], wrote["status"]) == (2, "done")
    assert hook.wait_for_change(**zone, change_id=wrote["change_id"])["status"] == "done"
    assert hook.renew_lease(**zone, lease_hours=2, **JOB)["generation"] == 2
    below = hook.list_records(**zone, suffix="job.ml.example.com.")
    assert [record["name"].partition(".")[0] for record in below] == ["_mldns", "worker-1", "worker-2"]
    assert hook.delete_records(**zone, **JOB)["deleted"] == 2
    assert [found["name"] for found in hook.list_zones()] == ["ml.example.com"]
    assert hook.delete_zone(**zone) == {"deleted": True}
    assert hook.rrset_limit is not None
    assert cloud.stats()["sts.GetCallerIdentity"] == {"200": 1}


def test_boto3_repeats_nothing(cloud: Cloud, make_hook: MakeHook) -> None:
    """A change that boto3 sent twice would be refused the second time as somebody else's."""
    hook = make_hook(config_kwargs={"retries": {"total_max_attempts": 5}})
    assert hook.dns_provider(hook.project_id).client._boto.meta.config.retries["total_max_attempts"] == 1


def test_patience_and_addresses_are_the_connection_s(make_hook: MakeHook) -> None:
    hook = make_hook(call_timeout=3, retry_deadline=9, num_retries=2, resolver_addresses="10.0.0.2:53, 10.0.0.3")
    assert (hook.patience.silence, hook.patience.failures.deadline, hook.patience.failures.attempts) == (3, 9, 3)
    assert hook.resolver_addresses == ("10.0.0.2:53", "10.0.0.3")
    assert hook.vpc_resolver == "169.254.169.253"


def test_another_account_is_refused(make_hook: MakeHook) -> None:
    with pytest.raises(InvalidInput) as refused:
        make_hook().get_zone(zone="ml.example.com", project_id="another")
    assert ACCOUNT in str(refused.value)


@pytest.mark.parametrize("wrong", [{"allow_unbound": True}, {"networks": []}, {"networks": ["training"]}])
def test_what_aws_makes_no_zone_of_is_refused(cloud: Cloud, make_hook: MakeHook, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        make_hook().ensure_zone(zone="ml.example.com", dns_name="ml.example.com.", **({"networks": [VPC]} | wrong))
    assert not any(name.startswith("route53.") for name in cloud.stats())


class TestTheConnectionPicksTheCloud:
    def test_by_its_type(self, make_hook: MakeHook, monkeypatch: pytest.MonkeyPatch) -> None:
        make_hook()
        monkeypatch.setenv("AIRFLOW_CONN_GOOGLE", '{"conn_type": "google_cloud_platform"}')
        assert type(dns_hook("aws_default")) is Route53Hook
        assert type(dns_hook("google")) is CloudDNSHook
        with pytest.raises(InvalidInput):
            dns_hook("aws_default", ["account@demo-project.iam.gserviceaccount.com"])

    @pytest.mark.parametrize(
        ("conn_type", "module", "extra"),
        [
            ("aws", "airflow.providers.amazon", "amazon"),
            ("google_cloud_platform", "airflow.providers.google", "google"),
        ],
    )
    def test_without_its_provider_the_extra_is_named(
        self, monkeypatch: pytest.MonkeyPatch, conn_type: str, module: str, extra: str
    ) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_ANY", json.dumps({"conn_type": conn_type}))
        for name in [name for name in sys.modules if name.startswith((module, "mldns.hooks"))]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(MldnsError) as missing:
            dns_hook("any")
        assert f"mldns[{extra}]" in str(missing.value)
