"""Two jobs and a policy, over a provider in memory."""

from __future__ import annotations

import pytest

from mldns.providers.base import Zone
from mldns.providers.editor import ZoneEditor
from mldns.providers.iam.ledger import JobLedger
from mldns.providers.iam.policy_store import IamPolicyStore
from tests.simulator.memory_provider import MemoryProvider

ZONES = (Zone("ml-zone", "ml.example.com."), Zone("other", "other.test."))


@pytest.fixture
def memory() -> MemoryProvider:
    return MemoryProvider(*ZONES)


@pytest.fixture
def policy(memory: MemoryProvider) -> IamPolicyStore:
    return memory.policy("ml-zone")


@pytest.fixture
def a(memory: MemoryProvider) -> JobLedger:
    return JobLedger(ZoneEditor(memory, ZONES[0]), "job-a")


@pytest.fixture
def b(memory: MemoryProvider) -> JobLedger:
    return JobLedger(ZoneEditor(memory, ZONES[0]), "job-b")
