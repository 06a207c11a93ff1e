"""What templates hand over, as values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest

from mldns import arguments
from mldns.exceptions import InvalidInput


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (["10.0.0.7"], ["10.0.0.7"]),
        ('["10.0.0.7"]', ["10.0.0.7"]),
        (' [{"rank": 0}] ', [{"rank": 0}]),
        ('{"rank": 0}', {"rank": 0}),
        ("10.0.0.7 slots=8", "10.0.0.7 slots=8"),
        ("[2001:db8::7] slots=8", "[2001:db8::7] slots=8"),
        ([], []),
        ("[]", []),
        ("", None),
        ("null", None),
        ("None", None),
        (None, None),
    ],
)
def test_value(given: Any, found: Any) -> None:
    assert arguments.value(given, "workers") == found


class MappedOutput(Sequence[Any]):
    """As Airflow's: a sequence that is no list."""

    def __init__(self, *parts: Any) -> None:
        self._parts = parts

    def __getitem__(self, index: Any) -> Any:
        return self._parts[index]

    def __len__(self) -> int:
        return len(self._parts)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (MappedOutput("10.0.0.7", "10.0.0.8"), ["10.0.0.7", "10.0.0.8"]),
        (MappedOutput(["10.0.0.7"], [], ["10.0.0.8", "10.0.0.9"]), ["10.0.0.7", "10.0.0.8", "10.0.0.9"]),
        (MappedOutput({"rank": 1}, [{"rank": 0}]), [{"rank": 1}, {"rank": 0}]),
        (MappedOutput(), []),
    ],
)
def test_what_a_mapped_task_returned_is_one_list(given: MappedOutput, found: list[Any]) -> None:
    assert arguments.value(given, "workers") == found


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (None, []),
        ("", []),
        ("a", ["a"]),
        (["a", "b"], ["a", "b"]),
        ('["a", "b"]', ["a", "b"]),
        (("a",), ["a"]),
        (["a", " "], ["a"]),
    ],
)
def test_texts(given: Any, found: list[str]) -> None:
    assert arguments.texts(given, "members") == found


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (True, True),
        ("True", True),
        ("true", True),
        (1, True),
        (False, False),
        ("False", False),
        ("0", False),
        (None, False),
    ],
)
def test_flag(given: Any, found: bool) -> None:
    assert arguments.flag(given, "dry_run") is found


@pytest.mark.parametrize(("given", "found"), [(None, None), ("None", None), ("", None), ("1.5", 1.5), (24, 24.0)])
def test_hours(given: Any, found: float | None) -> None:
    assert arguments.hours(given, "lease_hours") == found


@pytest.mark.parametrize("given", [7, "7", " 007 "])
def test_whole(given: Any) -> None:
    assert arguments.whole(given, "slots", least=7, most=7) == 7


@pytest.mark.parametrize(
    ("given", "found"), [(None, None), ("null", None), ({"a": "b"}, {"a": "b"}), ('{"a": "b"}', {"a": "b"})]
)
def test_mapping(given: Any, found: dict[str, str] | None) -> None:
    assert arguments.mapping(given, "labels") == found


@pytest.mark.parametrize(("given", "found"), [(None, ""), ("None", ""), (" x ", "x"), (29500, "29500")])
def test_text(given: Any, found: str) -> None:
    assert arguments.text(given) == found


@pytest.mark.parametrize(
    ("read", "given", "said"),
    [
        (arguments.value, "['10.0.0.7']", "it is not JSON"),
        (arguments.value, "[" * 100_000, "it is not JSON (nested too deep)"),
        (arguments.value, f"[{'9' * 5_000}]", "it is not JSON (a number of too many digits)"),
        (arguments.texts, {"a": "b"}, "it must be a list of texts"),
        (arguments.texts, [1], "it must be a list of texts, but holds 1"),
        (arguments.texts, 7, "it must be a list of texts, not 7"),
        (arguments.flag, "maybe", "it 'maybe' is not a boolean"),
        (arguments.hours, "soon", "it 'soon' is not a positive number"),
        (arguments.hours, 0, "it 0 is not a positive number"),
        (arguments.hours, True, "it True is not a positive number"),
        (arguments.hours, 10**400, "it 1000"),
        (arguments.hours, "inf", "it 'inf' is not a positive number"),
        *((arguments.whole, given, "it") for given in (None, "", "x", -1, True, 8.0, "٣", "1_000", "9" * 5_000)),
        (partial(arguments.whole, least=1), "0", "it '0' is not a whole number of at least 1"),
        (partial(arguments.whole, most=9), 10, "it 10 is not a whole number from 0 to 9"),
        (arguments.mapping, ["a"], "it must be a mapping"),
        (arguments.mapping, {"a": 1}, "it must hold texts, but 'a' is 1"),
    ],
)
def test_what_is_none_of_it_is_named(read: Callable[[Any, str], Any], given: Any, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(given, "it")
    assert str(caught.value).startswith(said)
