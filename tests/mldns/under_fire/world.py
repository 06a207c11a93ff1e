"""A project that many share, and what a job does in it: the same world for every fault, kill and race.

The zone holds records of a person, of external-dns, of another job, and one that somebody put below our job's own name;
both policies hold other members and a condition. Everything is read and seeded by plain HTTP: what mldns did is not
judged by mldns.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mldns.hooks.cloud_dns import CloudDNSHook
from mldns.inventory.job_records import DesiredRecords
from mldns.providers.retry import Patience, RetryPolicy
from tests.cloud_fixture import PROJECT, Cloud
from tests.route53_fixture import VPC

Json = dict[str, Any]

ZONE, DNS_NAME = "ml-zone", "ml.example.com."
JOB: Mapping[str, str] = {"owner": "job", "claimant": "airflow/train", "lease": "run-1"}
ROLE = "roles/dns.reader"
MEMBERS = [f"serviceAccount:trainer-{number}@{PROJECT}.iam.gserviceaccount.com" for number in (1, 2)]

WAITS = RetryPolicy(initial=0.02, maximum=0.1, deadline=20.0)
QUICK = Patience(silence=20.0, failures=WAITS, contention=WAITS)
"""As patient as ever, but a test does not wait half a second for the next try."""

_OFFICE = {"title": "office", "expression": "request.time.getHours('UTC') < 18"}
_THEIR_POLICY = {
    "version": 3,
    "bindings": [
        {"role": "roles/dns.admin", "members": ["group:owners@example.com", "user:alice@example.com"]},
        {"role": ROLE, "members": ["user:bob@example.com"], "condition": _OFFICE},
        {"role": ROLE, "members": ["user:carol@example.com"]},
    ],
}


def _record(name: str, kind: str, ttl: int, *rrdatas: str) -> Json:
    return {"name": f"{name}.{DNS_NAME}", "type": kind, "ttl": ttl, "rrdatas": list(rrdatas)}


FOREIGN = [
    _record("www", "A", 300, "192.0.2.80", "192.0.2.81"),
    _record("a-www", "TXT", 300, '"heritage=external-dns,external-dns/owner=k8s"'),
    _record("mail", "MX", 3600, "10 mx.example.net."),
    _record("alias", "CNAME", 60, "www.ml.example.com."),
    _record("note", "TXT", 7, '"a \\"quoted\\" text" "and another"'),
    _record("gpu-7.job", "A", 30, "203.0.113.7"),
    _record("_mldns.other", "TXT", 60, '"v=mldns1" "claimant=airflow/other" "generation=3" "name=master.other/A"'),
    _record("master.other", "A", 30, "192.0.2.99"),
]


def workers(count: int, network: str) -> list[Json]:
    """The records of a job of `count` workers, as they are handed to the hook."""
    addresses = [f"{network}.{rank // 250}.{rank % 250 + 1}" for rank in range(count)]
    return [r.to_api() for r in DesiredRecords.parse(workers=addresses, owner="job", dns_name=DNS_NAME, ttl=30).rrsets]


@dataclass(frozen=True)
class World:
    """A running localcloud as a tester sees it: seeds it, breaks it, counts, and takes pictures of it."""

    cloud: Cloud

    def hook(self, patience: Patience | None = QUICK) -> CloudDNSHook:
        """A hook as a task makes it, on the connection of this world; None: as patient as that says."""
        return CloudDNSHook(patience=patience)

    def seed(self) -> None:
        """An empty project, then everything that is not ours."""
        self.cloud.reset()
        self.cloud.make_zone(ZONE, DNS_NAME)
        self.cloud.write(*FOREIGN, zone=ZONE)
        for path in (ZONE_POLICY, PROJECT_POLICY):
            self.set_policy(path, _THEIR_POLICY)

    def policy(self, path: str) -> Json:
        return self.call("POST", f"{path}:getIamPolicy", {"options": {"requestedPolicyVersion": 3}})

    def set_policy(self, path: str, policy: Json) -> None:
        self.call("POST", f"{path}:setIamPolicy", {"policy": {**self.policy(path), **policy}})

    def call(self, verb: str, path: str, body: Json | None = None) -> Json:
        """One call by somebody else, which has to succeed."""
        return dict(self.cloud.call(verb, path, body))

    def records(self) -> list[Json]:
        """Every record of the zone, manifests and apex too, as the API gives them."""
        found: list[Json] = []
        token = ""
        while True:
            page = self.call("GET", f"{ZONE_PATH}/rrsets?pageToken={token}" if token else f"{ZONE_PATH}/rrsets")
            found += page["rrsets"]
            token = page.get("nextPageToken", "")
            if not token:
                return found

    def picture(self) -> Json:
        """All that anybody can see of the project, but for what must differ: the etags and ids."""
        zones = self.call("GET", "/dns/v1/projects/demo-project/managedZones")["managedZones"]
        return {
            "zones": [{key: zone[key] for key in zone.keys() - {"id", "creationTime"}} for zone in zones],
            "records": self.records(),
            "zone policy": _without_etag(self.policy(ZONE_POLICY)),
            "project policy": _without_etag(self.policy(PROJECT_POLICY)),
        }

    def break_down(self, *rules: Json) -> None:
        """Fault rules of localcloud, in force from now on."""
        self.cloud.fault(*rules)

    def mend(self) -> list[int]:
        """Clear the rules; how many calls each had hit."""
        struck = [rule["fired"] for rule in self.call("GET", "/_localcloud/faults")["rules"]]
        self.call("DELETE", "/_localcloud/faults")
        return struck

    def calls(self) -> Counter[str]:
        """How often each method was called since the last reset."""
        return Counter({method: sum(answers.values()) for method, answers in self.cloud.stats().items()})


ZONE_PATH = f"/dns/v1/projects/{PROJECT}/managedZones/{ZONE}"
ZONE_POLICY = ZONE_PATH
PROJECT_POLICY = f"/v3/projects/{PROJECT}"


def _without_etag(policy: Json) -> Json:
    return {key: value for key, value in policy.items() if key != "etag"}


def at_google(hook: CloudDNSHook) -> bool:
    """Whether the hook is Google's: AWS has no policies of zones, and calls a zone as it serves."""
    return isinstance(hook, CloudDNSHook)


def zone_for(hook: CloudDNSHook) -> str:
    """The world's zone, as the hook's cloud calls it."""
    return ZONE if at_google(hook) else DNS_NAME.removesuffix(".")


@dataclass(frozen=True)
class Operation:
    """Something that a job does: `before` brings the world to where `act` starts."""

    act: Callable[[CloudDNSHook], Json]
    before: Callable[[CloudDNSHook], object] = lambda _hook: None


def _create(hook: CloudDNSHook, *, wait: bool = False) -> Json:
    return _told(hook.upsert_records(zone=zone_for(hook), records=workers(150, "10.1"), wait=wait, **JOB), waited=wait)


def _change(hook: CloudDNSHook, *, wait: bool = False) -> Json:
    report = hook.upsert_records(zone=zone_for(hook), records=workers(140, "10.2"), policy="sync", wait=wait, **JOB)
    return _told(report, waited=wait)


def _delete(hook: CloudDNSHook, *, wait: bool = False) -> Json:
    job = {key: JOB[key] for key in ("owner", "lease")}
    return _told(hook.delete_records(zone=zone_for(hook), wait=wait, **job), waited=wait)


def _told(report: Json, *, waited: bool) -> Json:
    """The report without what is a matter of time: where nobody waits, the last change may be done or not.

    At AWS a change whose answer was lost is known by its work alone: its id, and so its status, are not to be found.
    """
    chance = {"change_id", "status"} if "." in report["zone"] else set() if waited else {"status"}
    return {key: report[key] for key in report.keys() - chance}


def _bind(scope: str) -> Callable[[CloudDNSHook], Json]:
    return lambda hook: hook.bind_iam(role=ROLE, members=MEMBERS, scope=scope, zone=ZONE, owner="job")


def _bind_several(hook: CloudDNSHook) -> Json:
    """Three grants on the zone one after the other: as many writes of its policy."""
    roles = (ROLE, "roles/dns.admin", "roles/viewer")
    grant = functools.partial(hook.bind_iam, members=MEMBERS, scope="zone", zone=ZONE, owner="job")
    return {role: grant(role=role) for role in roles}


def _unbind(hook: CloudDNSHook) -> Json:
    return hook.unbind_iam(role=ROLE, members=MEMBERS, scope="zone", zone=ZONE, owner="job")


def _ensure(hook: CloudDNSHook) -> Json:
    name, network = ("fresh", "training") if at_google(hook) else ("fresh.example.com", VPC)
    made = hook.ensure_zone(zone=name, dns_name="fresh.example.com.", networks=[network])
    # Whether a try whose answer was lost made the zone, or somebody else a moment before, nobody can tell.
    return {key: made[key] for key in made.keys() - {"id", "creationTime", "created"}}


def _life(hook: CloudDNSHook) -> Json:
    """A job from its zone to its release, each step waited for."""
    binds = at_google(hook)
    steps = {"ensure": _ensure(hook), "create": _create(hook, wait=True), "bind": _bind("zone")(hook) if binds else {}}
    steps |= {"change": _change(hook, wait=True), "unbind": _unbind(hook) if binds else {}}
    steps["delete"] = _delete(hook, wait=True)
    return {step: {key: result[key] for key in result.keys() - {"change_id"}} for step, result in steps.items()}


OPERATIONS: Mapping[str, Operation] = {
    "ensure": Operation(_ensure),
    "create": Operation(_create),
    "create and wait": Operation(functools.partial(_create, wait=True)),
    "change": Operation(_change, before=_create),
    "delete": Operation(_delete, before=_create),
    "bind-zone": Operation(_bind("zone")),
    "bind-project": Operation(_bind("project")),
    "bind-several": Operation(_bind_several),
    "unbind": Operation(_unbind, before=_bind("zone")),
    "life": Operation(_life),
}
