"""Many processes at one policy at once: nobody is lost, nobody else is touched, and what nobody holds any more goes."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mldns.iam.grants import Grant, Note
from mldns.iam.policy import Edit, Policy
from mldns.providers.editor import ZoneEditor
from mldns.providers.gcp.iam.ledger import GrantBook
from mldns.providers.gcp.iam.policy_store import PolicyStore, edit_policy
from tests.cloud_fixture import Cloud
from tests.mldns.providers.crowd import Act

ROOT = Path(__file__).resolve().parents[3]
ROLE = "roles/dns.admin"
ALICE = "user:alice@example.com"
OTHERS: list[dict[str, Any]] = [
    {"role": ROLE, "members": ["serviceAccount:nightly@demo-project.iam.gserviceaccount.com"]}
    | {"condition": {"title": "nightly", "expression": "request.time.getHours('UTC') < 6"}},
    {"role": "roles/dns.reader", "members": [ALICE, "deleted:user:former@example.com?uid=12"]},
]
"""Bindings that nobody here is to touch."""

few_or_many = pytest.mark.parametrize("count", [6, pytest.param(50, marks=pytest.mark.slow)])
in_one_policy_or_the_other = pytest.mark.parametrize("store", ["project", "zone"], indirect=True)


@pytest.fixture
def shared_policy(store: PolicyStore) -> PolicyStore:
    """A policy that others use: one more member of the role, the role under a condition, another role."""
    bindings = [*OTHERS, {"role": ROLE, "members": [ALICE]}]
    edit_policy(store, lambda policy: _once({**policy, "version": 3, "bindings": bindings}, policy))
    return store


def _once(after: Policy, before: Policy) -> Edit:
    return Edit(after, () if before.get("bindings") else ("others",), ())


def run_at_once(cloud: Cloud, scope: str, crowd: list[list[Act]]) -> float:
    """Run each list of acts in a process of its own; returns the seconds that they took together."""
    environment = {"PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}", "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-m", "tests.mldns.providers.crowd", cloud.api, cloud.project, scope, ROLE],
        input=json.dumps(crowd),
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["failures"] == []
    return float(answer["seconds"])


def held_by_whom(store: PolicyStore) -> tuple[set[str], list[dict[str, Any]]]:
    """The unconditional members of the role, and all other bindings."""
    bindings = store.read()["bindings"]
    ours = [binding for binding in bindings if binding["role"] == ROLE and "condition" not in binding]
    return {member for binding in ours for member in binding["members"]}, [b for b in bindings if b not in ours]


@few_or_many
@in_one_policy_or_the_other
@pytest.mark.parametrize("noted", [False, True], ids=["nothing noted", "noted by 50 jobs"])
def test_processes_that_bind_at_once_lose_nobody(
    cloud: Cloud, shared_policy: PolicyStore, editor: ZoneEditor, count: int, noted: bool
) -> None:
    scope = "project" if shared_policy.resource == "projects/demo-project" else "zone"
    who = [f"user:u{number}@example.com" for number in range(count)]
    crowd: list[list[Act]] = [
        [("bind", f"job-{number}" if noted else None, [member])] for number, member in enumerate(who)
    ]
    seconds = run_at_once(cloud, scope, crowd)
    assert held_by_whom(shared_policy) == ({ALICE, *who}, OTHERS)
    for number, member in enumerate(who):
        notes = GrantBook(editor, f"job-{number}").notes(Grant(scope, ROLE, (member,)))
        assert notes == ({member: Note.HELD} if noted else {})
    assert seconds < 60
    print(f"{count} processes bound {count} members in {seconds} s")
    answers = {method: codes for method, codes in cloud.stats().items() if method.endswith("setIamPolicy")}
    assert count < 50 or any("409" in codes for codes in answers.values()), "nobody was in anybody's way"


@pytest.mark.parametrize(
    ("jobs", "seed"), [(4, 1), *(pytest.param(12, seed, marks=pytest.mark.slow) for seed in (2, 3, 4))]
)
@pytest.mark.parametrize("store", ["zone"], indirect=True)
def test_jobs_that_bind_and_unbind_the_same_members_agree_in_the_end(
    cloud: Cloud, shared_policy: PolicyStore, editor: ZoneEditor, jobs: int, seed: int
) -> None:
    """Each process comes and goes several times; who ends with an `unbind` holds nothing, the others all they want."""
    chance = random.Random(seed)
    rounds = jobs // 3 + 1
    who = [f"user:u{number}@example.com" for number in range(3)]
    wanted: dict[str, list[str]] = {}
    crowd: list[list[Act]] = []
    for job in (f"job-{number}" for number in range(jobs)):
        acts: list[Act] = []
        for _ in range(rounds):
            mine = chance.sample(who, chance.randint(1, 3))
            acts += [("bind", job, mine), ("unbind", job, chance.sample(mine, chance.randint(1, len(mine))))]
        acts.append(("unbind", job, who))
        wanted[job] = [who[0]] if chance.random() < 0.3 else []
        if wanted[job]:
            acts.append(("bind", job, wanted[job]))
        crowd.append(acts)
    run_at_once(cloud, "zone", crowd)
    expected = {member for members in wanted.values() for member in members}
    assert held_by_whom(shared_policy) == ({ALICE, *expected}, OTHERS)
    for job, members in wanted.items():
        assert GrantBook(editor, job).notes(Grant("zone", ROLE, tuple(who))) == dict.fromkeys(members, Note.HELD)
    run_at_once(cloud, "zone", [[("unbind", job, who)] for job in wanted])
    assert held_by_whom(shared_policy) == ({ALICE}, OTHERS)
