"""What a connection says to the hook, in every form in which Airflow stores and delivers it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from mldns.exceptions import InvalidInput
from mldns.hooks.cloud_dns import CloudDNSHook
from tests.cloud_fixture import Cloud
from tests.mldns.hooks.conftest import MakeHook


@pytest.mark.parametrize(
    ("value", "addresses"),
    [
        (None, ()),
        ("", ()),
        (["127.0.0.1:5354", "[::1]:53"], ("127.0.0.1:5354", "[::1]:53")),
        ('["127.0.0.1:5354"]', ("127.0.0.1:5354",)),
        ("127.0.0.1:5354, ns.example.com:53", ("127.0.0.1:5354", "ns.example.com:53")),
        ("127.0.0.1:5354\r\nns.example.com:53\r\n", ("127.0.0.1:5354", "ns.example.com:53")),
        (' ["127.0.0.1:5354"]\n', ("127.0.0.1:5354",)),
    ],
)
def test_addresses_of_a_connection_in_every_form_that_it_stores(
    make_hook: MakeHook, value: Any, addresses: tuple[str, ...]
) -> None:
    hook = make_hook(name_server_addresses=value, resolver_addresses=value)
    assert hook.name_server_addresses == addresses
    assert hook.resolver_addresses == addresses


@pytest.mark.parametrize("value", ['["a', {"a": 1}, [5]])
def test_addresses_that_are_none_name_the_extra(make_hook: MakeHook, value: Any) -> None:
    with pytest.raises(InvalidInput, match="extra name_server_addresses"):
        _ = make_hook(name_server_addresses=value).name_server_addresses


@pytest.mark.parametrize("prefix", ["", "extra__google_cloud_platform__"])
def test_a_connection_given_as_a_uri_has_text_for_extras(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    extras = {
        "is_anonymous": "true",
        "project": cloud.project,
        "dns_api_endpoint": f"{cloud.api}/ ",
        "name_server_addresses": json.dumps(cloud.dns),
        "num_retries": "2",
    }
    query = urlencode({f"{prefix}{key}": value for key, value in extras.items()})
    monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT", f"google-cloud-platform://?{query}")
    hook = CloudDNSHook()
    assert hook.get_zone(zone="nowhere") is None
    assert hook.name_server_addresses == tuple(cloud.dns)
    assert hook.num_retries == 2


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_text_false_is_not_true(make_hook: MakeHook, tmp_path: Path) -> None:
    """Else a connection that says `is_anonymous=false` would go without the credentials that it has."""
    key = tmp_path / "absent.json"
    with pytest.raises(Exception, match=r"absent\.json"):
        make_hook(is_anonymous="false", key_path=str(key)).get_zone(zone="z")
    with pytest.raises(InvalidInput, match="extra is_anonymous 'perhaps' is not a boolean"):
        make_hook(is_anonymous="perhaps").get_zone(zone="z")
    assert make_hook(is_anonymous="True").get_zone(zone="z") is None


def test_an_endpoint_that_is_no_url_is_refused(make_hook: MakeHook) -> None:
    with pytest.raises(InvalidInput, match="extra dns_api_endpoint 'localhost:8053' is not a URL"):
        make_hook(dns_api_endpoint="localhost:8053").get_zone(zone="z")


def test_an_endpoint_is_kept_outside_googles_default_universe(
    make_hook: MakeHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_CLOUD_UNIVERSE_DOMAIN", "example.cloud")
    assert make_hook().get_zone(zone="nowhere") is None


def test_retries_follow_the_connection_where_it_says_so(make_hook: MakeHook) -> None:
    usual, few = make_hook().patience, make_hook(num_retries=2).patience
    assert (usual.silence, usual.failures.deadline, usual.failures.attempts) == (60, 180, None)
    assert (few.failures.deadline, few.failures.attempts) == (180, 3)
    said = make_hook(call_timeout="5", retry_deadline=20.5).patience
    assert (said.silence, said.failures.deadline, said.contention.deadline) == (5, 20.5, 20.5)
    assert CloudDNSHook(patience=few).patience is few


@pytest.mark.parametrize("extra", ["call_timeout", "retry_deadline"])
@pytest.mark.parametrize("value", [0, -1, "soon", "inf", True])
def test_a_time_that_is_none_names_the_extra(make_hook: MakeHook, extra: str, value: Any) -> None:
    with pytest.raises(InvalidInput, match=f"extra {extra} {value!r} is not a positive number of seconds"):
        _ = make_hook(**{extra: value}).patience


def test_the_project_is_the_connections_unless_given(make_hook: MakeHook, cloud: Cloud) -> None:
    hook = make_hook(project=None)
    with pytest.raises(InvalidInput, match="project_id"):
        hook.get_zone(zone="z")
    assert hook.get_zone(zone="z", project_id=cloud.project) is None
