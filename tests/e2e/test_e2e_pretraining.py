"""mldns_pretraining on a real Airflow."""

from __future__ import annotations

import httpx
import pytest

from demo.cloud import PROJECT, LocalCloud
from demo.lookups import ask
from demo.rest import AirflowRefused
from demo.standalone import Standalone
from mldns import exceptions
from tests.e2e.runs import NETWORK_NAME, Run, addresses, snapshot, start, writes

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

PRETRAINING = "mldns_pretraining"

# The job that this project started from: a public zone, one shared record, one binding, the name servers exported.
SEED = {
    "zone": "my-managed-zone",
    "dns_name": "ml.example.com.",
    "visibility": "public",
    "records": [{"name": "service.ml.example.com.", "type": "A", "ttl": 300, "rrdatas": ["192.0.2.1"]}],
    "iam_role": "roles/dns.admin",
    "iam_members": ["serviceAccount:your-ml-system@your-project.iam.gserviceaccount.com"],
    "iam_scope": "project",
}


def test_the_seed_case(airflow: Standalone, live_cloud: LocalCloud) -> None:
    run = start(airflow.api, PRETRAINING, SEED)
    run.succeed()
    (zone,) = [zone for zone in live_cloud.zones() if zone["name"] == "my-managed-zone"]
    assert (zone["dnsName"], zone["visibility"]) == ("ml.example.com.", "public")
    assert run.xcom("ensure_zone")["nameServers"] == zone["nameServers"]
    assert {"role": SEED["iam_role"], "members": SEED["iam_members"]} in live_cloud.project_bindings()
    for server in live_cloud.dns:
        answer = ask(server, "service.ml.example.com.", "A")
        assert (answer.rrdatas, answer.ttl) == (("192.0.2.1",), 300)

    before, calls = snapshot(live_cloud), writes(live_cloud)
    start(airflow.api, PRETRAINING, SEED).succeed()
    assert snapshot(live_cloud) == before
    assert writes(live_cloud) == calls, "a second run has nothing to write"


def test_a_dry_run_shows_the_plan_and_writes_nothing(airflow: Standalone, live_cloud: LocalCloud) -> None:
    before, calls = snapshot(live_cloud), writes(live_cloud)
    run = start(
        airflow.api,
        PRETRAINING,
        SEED
        | {"zone": "never-made", "dns_name": "dry.test.", "dry_run": True}
        | {"records": [{"name": "service.dry.test.", "type": "A", "ttl": 300, "rrdatas": ["192.0.2.1"]}]},
    )
    run.succeed()
    assert run.xcom("validate")["dry_run"] is True
    assert snapshot(live_cloud) == before
    assert writes(live_cloud) == calls


def job(own_zone: str, **params: object) -> dict[str, object]:
    """Params of a job of two workers in a private zone of the test's own; `params` add and replace."""
    return {
        "zone": own_zone,
        "dns_name": f"{own_zone}.test.",
        "networks": [NETWORK_NAME],
        "job": "bert",
        "workers": ["10.0.0.7", "10.0.0.8"],
        "port": 29500,
        "ttl": 2,  # so that no test waits for what the resolver has cached
    } | params


def test_two_runs_at_once_of_one_caller_end_in_one_state(airflow: Standalone, live_cloud: LocalCloud) -> None:
    params = job("twice", claimant="test/caller", lease="run-1")
    runs = [start(airflow.api, PRETRAINING, params) for _ in range(2)]
    for run in runs:
        run.succeed()
    assert addresses(live_cloud, "twice", "bert.twice.test.") == {
        "worker-0.bert.twice.test.": ["10.0.0.7"],
        "worker-1.bert.twice.test.": ["10.0.0.8"],
        "master.bert.twice.test.": ["10.0.0.7"],
        "workers.bert.twice.test.": ["10.0.0.7", "10.0.0.8"],
    }
    digests = {run.xcom("handoff")["digest"] for run in runs}
    assert len(digests) == 1


def _change(cloud: LocalCloud, zone: str, **change: object) -> None:
    """Write behind mldns's back, as another tool would."""
    url = f"{cloud.api}/dns/v1/projects/{PROJECT}/managedZones/{zone}/changes"
    httpx.post(url, json=change, trust_env=False).raise_for_status()


OUR_ERRORS = tuple(name for name in dir(exceptions) if name[0].isupper())
FOREIGN = {"name": "service.refuses.test.", "type": "A", "ttl": 300, "rrdatas": ["198.51.100.1"]}
# What is asked for, and the culprit that the one line must name: by the form's schema, by the arguments alone, by what
# the zone holds. Every other kind is in the tables of the operators.
BAD_INPUT: dict[str, tuple[dict[str, object], str]] = {
    "unknown policy": ({"policy": "overwrite"}, "overwrite"),
    "not an address": ({"workers": ["10.0.0.7", "999.1.1.1"]}, "999.1.1.1"),
    "record of somebody else": ({"records": [FOREIGN | {"rrdatas": ["192.0.2.9"]}]}, "service.refuses.test."),
}


def test_bad_input_fails_with_one_line_that_names_the_culprit_and_writes_nothing(
    airflow: Standalone, live_cloud: LocalCloud
) -> None:
    """All at once: what one of them wrote would show, whichever it was."""
    mine = {"name": "x.refuses.test.", "type": "A", "ttl": 300, "rrdatas": ["192.0.2.1"]}
    start(airflow.api, PRETRAINING, job("refuses", job="", workers=None, records=[mine])).succeed()
    _change(live_cloud, "refuses", additions=[FOREIGN])
    before, calls = snapshot(live_cloud), writes(live_cloud)

    messages: dict[str, str] = {}
    runs: dict[str, Run] = {}
    for case, (changes, _) in BAD_INPUT.items():
        try:
            runs[case] = start(airflow.api, PRETRAINING, job("refuses", **changes))
        except AirflowRefused as refusal:  # the form's own schema said no
            messages[case] = str(refusal)
    for case, run in runs.items():
        assert run.wait() == "failed", case
        assert run.states()["validate"] == "failed", case
        messages[case] = "\n".join(line for line in run.log("validate") if line.startswith(OUR_ERRORS))

    off = {case: messages[case] for case, (_, culprit) in BAD_INPUT.items() if culprit not in messages[case]}
    assert off == {}
    assert [message for message in messages.values() if "\n" in message] == []
    assert snapshot(live_cloud) == before
    assert writes(live_cloud) == calls
