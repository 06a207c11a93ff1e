"""Names: what is one, what it becomes, and what the refusal says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mldns.exceptions import InvalidInput
from mldns.records.names import (
    absolute,
    in_zone,
    job_label,
    manifest_name,
    master_name,
    relative,
    rendezvous_name,
    require_in_zone,
    role_label,
    slug,
    worker_name,
    workers_name,
)

LABEL_63, LABEL_64 = "a" * 63, "a" * 64


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("ml.example.com.", "ml.example.com."),
        ("ml.example.com", "ml.example.com."),
        ("ML.Example.COM", "ml.example.com."),
        ("_mldns.job.ml.example.com", "_mldns.job.ml.example.com."),
        ("*.ml.example.com.", "*.ml.example.com."),
        ("a_b.example.", "a_b.example."),
        (f"{LABEL_63}.example.", f"{LABEL_63}.example."),
        ("7.0.0.10.in-addr.arpa.", "7.0.0.10.in-addr.arpa."),
    ],
)
def test_absolute_spells_a_name_one_way(written: str, name: str) -> None:
    assert absolute(written) == name


@pytest.mark.parametrize(
    ("written", "culprit"),
    [
        ("", "''"),
        (".", "'.'"),
        ("a..example.com", "empty label"),
        (".example.com", "empty label"),
        (f"{LABEL_64}.example.com", "64 characters"),
        (".".join([LABEL_63] * 4), "255 characters"),
        ("-a.example.com", "'-a'"),
        ("a-.example.com", "'a-'"),
        ("a b.example.com", "'a b'"),
        ("wörker.example.com", "'wörker'"),
        ("a.*.example.com", "'*'"),
        ("<img src=x>.example.com", "'<img src=x>'"),
        ("a\nb.example.com", "host label"),
    ],
)
def test_absolute_names_the_culprit_in_one_line(written: str, culprit: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        absolute(written)
    assert culprit in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("value", [None, 7, ["a"]])
def test_absolute_refuses_what_is_no_text(value: object) -> None:
    with pytest.raises(InvalidInput, match="not a domain name"):
        absolute(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "inside"),
    [("ml.example.com.", True), ("a.ml.example.com.", True), ("xml.example.com.", False), ("example.com.", False)],
)
def test_in_zone_compares_labels_not_letters(name: str, inside: bool) -> None:
    assert in_zone(name, "ml.example.com.") is inside


def test_require_in_zone_names_both() -> None:
    with pytest.raises(InvalidInput, match=r"'a\.other\.com\.' is outside the zone 'ml\.example\.com\.'"):
        require_in_zone("a.other.com", "ml.example.com.")


@pytest.mark.parametrize("job", ["a.b", "-a", "a_b", "a b", LABEL_64, "Ünï"])
def test_a_job_is_one_host_label(job: str) -> None:
    with pytest.raises(InvalidInput, match="job_label"):
        slug(job)


@pytest.mark.parametrize("job", [None, "", "None", "NULL", True, 1.5])
@pytest.mark.parametrize("label", [slug, job_label])
def test_no_job_is_no_label(job: Any, label: Callable[[Any], str]) -> None:
    with pytest.raises(InvalidInput, match="is not a job name"):
        label(job)


RUN_ID = "manual__2026-01-02T03:04:05.678901+00:00"


@pytest.mark.parametrize("text", ["Bert", "a.b", "a+b", "a:b", "-a", "é", "\ud800", LABEL_64, RUN_ID])
def test_any_text_has_a_label_of_its_own(text: str) -> None:
    label = job_label(text)
    assert slug(label) == label == job_label(label)
    assert label.startswith("manual-2026-01-02t03-04-05-678901-00-00-" if text == RUN_ID else "")
    assert job_label(text + "\0") != label


def test_what_is_a_label_stays_one() -> None:
    assert job_label("bert-large") == "bert-large"
    assert slug(7) == job_label(7) == "7"


@pytest.mark.parametrize("role", ["", "a-1", "ps_0", "a.b"])
def test_a_role_cannot_be_mistaken_for_a_rank(role: str) -> None:
    with pytest.raises(InvalidInput):
        role_label(role)


def test_the_names_of_a_job() -> None:
    zone = "ml.example.com."
    assert worker_name("worker", 0, "bert", zone) == "worker-0.bert.ml.example.com."
    assert master_name("bert", zone) == "master.bert.ml.example.com."
    assert workers_name("bert", zone) == "workers.bert.ml.example.com."
    assert rendezvous_name("bert", zone) == "_rdzv._tcp.bert.ml.example.com."
    assert manifest_name("bert", zone) == "_mldns.bert.ml.example.com."


@given(st.lists(st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9-]{0,10}[A-Za-z0-9])?", fullmatch=True), min_size=1, max_size=8))
def test_absolute_is_idempotent(labels: list[str]) -> None:
    once = absolute(".".join(labels))
    assert absolute(once) == once


def test_relative_is_what_stands_before_the_zone() -> None:
    assert relative("ml.example.com.", "ml.example.com.") == "@"
    assert relative("a.b.ml.example.com.", "ml.example.com.") == "a.b"
