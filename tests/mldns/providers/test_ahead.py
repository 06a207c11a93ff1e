"""Calls that are made before their answer is needed, against a real localcloud."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mldns.exceptions import CloudUnavailable
from mldns.providers.editor import ZoneEditor
from mldns.providers.quota import begun
from mldns.providers.retry import RetryPolicy
from tests.cloud_fixture import Cloud
from tests.mldns.providers.conftest import MakeClient
from tests.mldns.providers.faulty_proxy import Fault, FaultyProxy
from tests.mldns.providers.job_zone import FIRST, workers, writes


def asked(cloud: Cloud, method: str) -> int:
    return sum(cloud.stats().get(method, {}).values())


def test_what_a_call_raises_is_raised_where_its_answer_is_asked_for() -> None:
    assert begun(lambda: 7).result(5) == 7
    failing = begun(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        failing.result(5)


def test_a_large_jobs_limits_are_asked_for_once_and_a_small_ones_never(editor: ZoneEditor, cloud: Cloud) -> None:
    editor.upsert(workers(20), FIRST, "sync")
    assert asked(cloud, "projects.get") == 0
    editor.upsert(workers(200), FIRST, "sync")
    editor.upsert(workers(300), FIRST, "sync")
    assert asked(cloud, "projects.get") == 1


def test_limits_that_nobody_needs_may_fail(editor: ZoneEditor, make_client: MakeClient, proxy: FaultyProxy) -> None:
    editor.upsert(workers(200), FIRST, "sync")
    proxy.faults.append(Fault("GET .*/demo-project(\\?|$)", "cut-before", count=999))
    again = replace(editor, client=make_client(proxy.url))
    assert again.upsert(workers(200), FIRST, "sync").progress.changes == 0


def test_limits_that_cannot_be_read_end_a_large_job_before_its_first_write(
    editor: ZoneEditor, cloud: Cloud, make_client: MakeClient, proxy: FaultyProxy
) -> None:
    proxy.faults.append(Fault("GET .*/demo-project(\\?|$)", "cut-before", count=999))
    client = make_client(proxy.url, retrying=RetryPolicy(initial=0.01, maximum=0.02, deadline=0.2))
    with pytest.raises(CloudUnavailable, match=r"projects\.get .*failed \d+ time"):
        replace(editor, client=client).upsert(workers(200), FIRST, "sync")
    assert writes(cloud) == 0
