"""The trigger form's Params, and the templates that hand them on."""

from __future__ import annotations

import json
from typing import Any

import jinja2
import pytest

from mldns import arguments
from mldns.params import form, values


def test_params_are_handed_on_under_their_own_name_or_another() -> None:
    assert values("zone", role="iam_role") == {"zone": "{{ params.zone }}", "role": "{{ params.iam_role }}"}


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("workers", ["10.0.0.7", {"rank": 1, "address": "10.0.0.8"}]),
        ("workers", "10.0.0.7 slots=8"),
        ("workers", None),
        ("records", [{"name": "a.ml.example.com.", "type": "TXT", "ttl": 1, "rrdatas": ['"it\'s"']}]),
        ("networks", []),
        ("ttl", 30),
        ("port", None),
        ("reverse_zone", "reverse"),
        ("project_id", None),
    ],
)
def test_what_a_form_holds_arrives_as_it_was_given(name: str, given: Any) -> None:
    text = jinja2.Environment(autoescape=False).from_string(values(name)[name]).render(params={name: given})
    found = arguments.value(text, name)
    if isinstance(given, str) and name == "workers":
        found = json.loads(found)  # a hostfile in quotes, which parse_workers takes as it is
    assert found == (str(given) if isinstance(given, int) else given)


def test_a_form_keeps_the_order_and_takes_other_defaults() -> None:
    params = form("job", "zone", zone="training")
    assert list(params) == ["job", "zone"]
    assert params["zone"].value == "training"
