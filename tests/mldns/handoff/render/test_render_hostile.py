"""Whatever stands in a hand-off, what is rendered of it holds no quote, line or command that was not there before."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mldns.cli import render
from mldns.exceptions import InvalidInput, MldnsError
from mldns.handoff.reader import HandOff, read
from mldns.handoff.writer import hand_off
from mldns.inventory.job_records import DesiredRecords

WORKERS = "10.0.0.1 slots=8\n10.0.0.2 slots=4"
GOOD = json.loads(
    json.dumps(
        hand_off(
            DesiredRecords.parse(owner="bert", dns_name="ml.example.com.", workers=WORKERS),
            zone="ml",
            name_servers=["ns1.example.com."],
            resolvers=["fd00::53", "10.0.0.53"],
        )
    )
)
PARTS = [
    "fd00::53",
    "fe80::1%",
    "10.0.0.53",
    "ml",
    "bert",
    '"',
    "'",
    "\n",
    "- ",
    ": ",
    " #",
    "$(id)",
    "`id`",
    ";id",
    "\\",
]
HOSTILE = st.lists(st.sampled_from(PARTS) | st.text(max_size=3), min_size=1, max_size=4).map("".join)
PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:%-{}")


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value and every key of a mapping."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from ((*path, key), *places(item, (*path, key)))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from ((*path, index), *places(item, (*path, index)))


def replaced(value: Any, path: tuple[Any, ...], text: str, *, key: bool) -> Any:
    """A copy with the text at that place, or as the key there."""
    if not path:
        return text
    copy = dict(value) if isinstance(value, dict) else list(value)
    if key and len(path) == 1 and isinstance(copy, dict):
        copy[text] = copy.pop(path[0])
    else:
        copy[path[0]] = replaced(value[path[0]], path[1:], text, key=key)
    return copy


def rendered(handoff: HandOff) -> dict[str, str]:
    """Every target in every form; "" where the target refuses, which harms nobody."""
    found = {}
    command = argparse.ArgumentParser()
    render.add_command(command.add_subparsers())
    for arguments in ARGUMENTS:
        options = command.parse_args(["render", *arguments])
        try:
            found[" ".join(arguments)] = options.render(options, handoff)
        except MldnsError:
            found[" ".join(arguments)] = ""
    return found


ARGUMENTS = [
    [target, *more, *(("--format", form) if form else ())]
    for target, more, forms in [
        ("torchrun", ["--rank", "0"], ["args", "sh", "dotenv", "json"]),
        ("torchrun", ["--rank", "1", "--backend", "c10d"], ["args", "sh", "dotenv", "json"]),
        ("jax", ["--rank", "0", "--local-rank", "1"], ["sh", "dotenv", "json"]),
        ("tf-config", ["--rank", "1"], ["sh", "dotenv", "json"]),
        ("env", ["--rank", "1", "--local-rank", "1"], ["sh", "dotenv", "json"]),
        ("hostfile", [], ["openmpi", "deepspeed", "mpich"]),
        ("k8s", ["--short-names", "--own-resolvers"], ["yaml", "json"]),
    ]
    for form in forms
]


def special(text: str) -> Counter[str]:
    """What a shell, YAML, JSON or a hostfile may take for more than a letter, with how often it stands there."""
    return Counter(letter for letter in text if letter not in PLAIN)


def test_the_good_one_is_rendered_everywhere() -> None:
    assert "" not in rendered(read(GOOD)).values()


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([*places(GOOD)]), HOSTILE, st.booleans())
@example(("resolvers", 0), 'fe80::1%"\n    - "6.6.6.6', False)
@example(("zone",), "ml\n10.0.0.1 evil", False)
def test_hostile_text_is_refused_or_harmless(path: tuple[Any, ...], text: str, key: bool) -> None:
    try:
        handoff = read(replaced(GOOD, path, text, key=key))
    except InvalidInput:
        return
    good = rendered(read(GOOD))
    for arguments, found in rendered(handoff).items():
        assert not special(found) - special(good[arguments]), (arguments, found)


@pytest.mark.parametrize("key", ["resolvers", "name_servers"])
@pytest.mark.parametrize("text", ['fe80::1%"\n    - "6.6.6.6', "fe80::1%#", 'a"b', "two words", "http://host"])
def test_servers_that_cannot_be_read_are_named(key: str, text: str) -> None:
    with pytest.raises(InvalidInput, match=f"hand-off: {key}: .* is not a DNS server") as caught:
        read({**GOOD, key: [text]})
    assert "\n" not in str(caught.value)


def test_yaml_says_what_json_says() -> None:
    found = rendered(read({**GOOD, "resolvers": ["fd00::53", "10.0.0.53", "::ffff:10.0.0.1"]}))
    both = [found[f"k8s --short-names --own-resolvers --format {form}"] for form in ("yaml", "json")]
    assert yaml.safe_load(both[0]) == json.loads(both[1])
