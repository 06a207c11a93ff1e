"""Workers in every form that people hand over, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mldns.exceptions import InvalidInput
from mldns.inventory.workers import Worker, parse_workers, world_size

TWO = (Worker(0, "10.0.0.7"), Worker(1, "10.0.0.8"))


@pytest.mark.parametrize(
    ("value", "workers"),
    [
        pytest.param(["10.0.0.7", "10.0.0.8"], TWO, id="a list of addresses"),
        pytest.param("10.0.0.7\n10.0.0.8\n", TWO, id="a hostfile of addresses"),
        pytest.param("\ufeff10.0.0.7\r\n10.0.0.8", TWO, id="a hostfile from Windows"),
        pytest.param('\ufeff["10.0.0.7", "10.0.0.8"]', TWO, id="JSON from Windows"),
        pytest.param('["10.0.0.7", "10.0.0.8"]', TWO, id="JSON text, as a template renders it"),
        pytest.param("10.0.0.7", TWO[:1], id="one address"),
        pytest.param({"rank": 0, "address": "10.0.0.7"}, TWO[:1], id="one mapping"),
        pytest.param([{"rank": 1, "address": "10.0.0.8"}, {"rank": 0, "address": "10.0.0.7"}], TWO, id="any order"),
        pytest.param([{"rank": "0", "address": " 10.0.0.7 ", "port": None}], TWO[:1], id="numbers as text"),
        pytest.param(TWO, TWO, id="workers"),
        pytest.param(
            "10.0.0.8 max-slots=16 slots=4 rank=1\n10.0.0.7 max_slots=8 rank=0",
            (Worker(0, "10.0.0.7", slots=8), Worker(1, "10.0.0.8", slots=4)),
            id="Open MPI's upper bound, and ranks",
        ),
        pytest.param(
            "[2001:db8::7] slots=8\n[2001:db8::8]:8\n[2001:db8::9]-[2001:db8::a] slots=8",
            tuple(Worker(n, f"2001:db8::{n + 7:x}", slots=8) for n in range(4)),
            id="IPv6 in brackets",
        ),
        pytest.param(["[2001:db8::7]"], (Worker(0, "2001:db8::7"),), id="IPv6 in brackets, in a list"),
        pytest.param(
            "# mpirun\n10.0.0.7 slots=8 max_slots=8\n10.0.0.8 slots = 4 # spare\n\n",
            (Worker(0, "10.0.0.7", slots=8), Worker(1, "10.0.0.8", slots=4)),
            id="an Open MPI hostfile",
        ),
        pytest.param("10.0.0.7:8", (Worker(0, "10.0.0.7", slots=8),), id="an MPICH hostfile"),
        pytest.param("10.0.0.7-10.0.0.8", TWO, id="a range of addresses"),
        pytest.param(
            "10.0.0.254-10.0.1.0 slots=8 role=ps",
            tuple(Worker(n, a, role="ps", slots=8) for n, a in enumerate(("10.0.0.254", "10.0.0.255", "10.0.1.0"))),
            id="a range with its role",
        ),
        pytest.param("10.0.0.7,10.0.0.8", TWO, id="addresses on one line"),
        pytest.param(["2001:DB8:0::7"], (Worker(0, "2001:db8::7"),), id="IPv6 in its short spelling"),
        pytest.param(
            [{"address": "10.0.0.7", "role": "PS"}, {"address": "10.0.0.8"}],
            (Worker(0, "10.0.0.7", role="ps"), Worker(0, "10.0.0.8")),
            id="ranks count a role at a time",
        ),
        pytest.param(
            [{"rank": 0, "address": "10.0.0.7", "hostname": "n7", "role": "worker", "slots": 8, "port": 29500}],
            (Worker(0, "10.0.0.7", "n7", "worker", 8, 29500),),
            id="every key",
        ),
    ],
)
def test_forms(value: Any, workers: tuple[Worker, ...]) -> None:
    assert parse_workers(value) == workers


@pytest.mark.parametrize(
    ("value", "culprit"),
    [
        ([], "empty"),
        (None, "empty"),
        ("", "empty"),
        ("# nobody\n", "empty"),
        ("10.0.0.8-10.0.0.7", "'10.0.0.8-10.0.0.7' is not a range"),
        ("10.0.0.7-fd00::1", "is not a range"),
        ("10.0.0.0-10.255.255.255", "more than 100,000 workers"),
        ("10.0.0.0-10.0.255.255\n10.1.0.0-10.1.255.255", "'10.1.0.0-10.1.255.255' would make"),
        ("10.0.0.0-10.0.255.255,10.1.0.0-10.1.255.255", "'10.1.0.0-10.1.255.255' would make"),
        ("worker-3", "address 'worker-3' of worker rank 0 is not an IPv4 or IPv6 address"),
        ("10.0.0.7 slots", "'slots' is not understood"),
        ("10.0.0.7 10.0.0.8 slots=8", "'10.0.0.8' is not understood"),
        ("10.0.0.7 slots=2 10.0.0.8 slots=2", "'10.0.0.8' is not understood"),
        ("10.0.0.7 ,10.0.0.8 slots=8", "',10.0.0.8' is not understood"),
        ("10.0.0.7, 10.0.0.8", "'10.0.0.8' is not understood"),
        ("10.0.0.7,,10.0.0.8", "lacks something"),
        ("10.0.0.7 slots=8 lots=4", "'lots=4' is not understood"),
        ("10.0.0.7 slots=8 slots=4", "gives slots twice"),
        ("10.0.0.7:8 slots=8", "says twice how many slots"),
        ("10.0.0.7 slots=8 max_slots=4", "slots is above max_slots"),
        ("10.0.0.7 role=", "lacks something"),
        ("10.0.0.7:", "lacks something"),
        ("10.0.0.7-10.0.0.8 rank=0", "gives one rank to 2 hosts"),
        ("10.0.0.7 slots=" + "9" * 5_000, "slots '9999"),
        ("10.0.0.7 " + "x" * 5_000, "is not understood"),
        ("[" * 100_000, "nested too deep"),
        ("[" + "9" * 5_000 + "]", "too many digits"),
        (["10.0.0.\ud800"], "'10.0.0.\\ud800'"),
        ([{"address": "10.0.0.7", "hostname": "n\ud800"}], "hostname 'n\\ud800'"),
        (["999.1.1.1"], "'999.1.1.1' of worker rank 0 is not an IPv4 or IPv6 address"),
        ("node[001-004]", "address 'node[001-004]' of worker rank 0"),
        ("linux[1,2]", "address 'linux[1' of worker rank 0"),
        ("root@10.0.0.7 slots=8", "address 'root@10.0.0.7' of worker rank 0"),
        (["10.0.0.7", "10.0.0.7"], "10.0.0.7 is given to worker rank 0 and to worker rank 1"),
        ([{"address": "10.0.0.7", "role": "ps"}, {"address": "10.0.0.7"}], "10.0.0.7 is given to"),
        ([{"rank": 0, "address": "10.0.0.7"}, {"rank": 2, "address": "10.0.0.8"}], "lacks rank 1"),
        ([{"rank": 1, "address": "10.0.0.7"}], "lacks rank 0"),
        ([{"rank": 0, "address": "10.0.0.7"}, {"rank": 0, "address": "10.0.0.8"}], "rank 0 more than once"),
        ([{"rank": 0, "address": "10.0.0.7"}, "10.0.0.8"], "all of them or none"),
        ([{"rank": -1, "address": "10.0.0.7"}], "rank -1"),
        ([{"rank": True, "address": "10.0.0.7"}], "rank True"),
        ([{"rank": 0}], "no address"),
        ([{"address": "10.0.0.7", "slots": 0}], "slots 0"),
        ([{"address": "10.0.0.7", "port": 70000}], "port 70000"),
        ([{"address": "10.0.0.7", "ip": "x"}], "unknown keys ['ip']"),
        ([7], "7 must be an address or a mapping"),
        (7, "not int"),
        ("[10.0.0.7", "not JSON"),
        ("10.0.0.7 gpus=8", "'gpus=8'"),
        ("10.0.0.7 slots=x", "slots 'x'"),
        (["127.0.1.1"], "loopback"),
        (["::1"], "loopback"),
        (["169.254.1.1"], "link-local"),
        (["fe80::1"], "link-local"),
        (["172.17.0.2"], "Docker"),
        (["0.0.0.0"], "unspecified"),
        (["224.0.0.1"], "multicast"),
        (["::ffff:10.0.0.7"], "cannot stand in a record"),
        ([{"address": "10.0.0.7", "role": "a-1"}], "ends like a rank"),
        ([{"rank": "9" * 5_000, "address": "10.0.0.7"}], "rank '9999"),
        ([{"rank": 0, "address": "x" * 5_000}], "address 'xxxx"),
        ([{"address": "10.0.0.7", "note": "x" * 5_000}], "unknown keys ['note']"),
    ],
)
def test_refusals_name_the_culprit_in_one_line(value: Any, culprit: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse_workers(value)
    assert culprit in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value).encode()) < 700


def test_a_flag_lets_loopback_through() -> None:
    workers = parse_workers(["127.0.0.2", "127.0.0.3"], allow_addresses=["127.0.0.0/8"])
    assert [worker.address for worker in workers] == ["127.0.0.2", "127.0.0.3"]


def test_naming_one_address_lets_several_ranks_share_it() -> None:
    assert len(parse_workers(["10.0.0.7", "10.0.0.7"], allow_addresses=["10.0.0.7"])) == 2
    with pytest.raises(InvalidInput, match="one address is one host"):
        parse_workers(["10.0.0.7", "10.0.0.7"], allow_addresses=["10.0.0.0/8"])


def test_a_flag_that_is_no_network_is_an_error() -> None:
    with pytest.raises(InvalidInput, match="'loopback' is not a network"):
        parse_workers(["127.0.0.2"], allow_addresses=["loopback"])
    with pytest.raises(InvalidInput, match=r"allow_addresses must be a list .* not '127\.0\.0\.0/8'"):
        parse_workers(["127.0.0.2"], allow_addresses="127.0.0.0/8")


def test_world_size_is_the_sum_of_slots() -> None:
    assert world_size(parse_workers("10.0.0.7 slots=8\n10.0.0.8 slots=4")) == 12


def test_ten_thousand_workers_from_json() -> None:
    rows = [{"rank": n, "address": f"10.{n // 62500}.{n // 250 % 250}.{n % 250}"} for n in range(10_000)]
    workers = parse_workers(json.dumps(rows[::-1]))
    assert [worker.rank for worker in workers] == list(range(10_000))
