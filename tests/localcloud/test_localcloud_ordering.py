"""The listing order, against dnspython's, and the index that keeps it while records come and go."""

from __future__ import annotations

import dns.name
from hypothesis import given
from hypothesis import strategies as st

from localcloud.model import RRsetKey
from localcloud.ordering import CanonicalIndex

APEX = "ml.example.com."
label = st.text("abz019-_*", min_size=1, max_size=3)
names = st.lists(label, max_size=3).map(lambda labels: ".".join([*labels, APEX]))
keys = st.builds(RRsetKey, names, st.sampled_from(["A", "NS", "SOA", "TXT"]))


def expected_order(held: set[RRsetKey]) -> list[RRsetKey]:
    def place(key: RRsetKey) -> tuple[dns.name.Name, bool, str]:
        return dns.name.from_text(key.name), not (key.name == APEX and key.type in ("NS", "SOA")), key.type

    return sorted(held, key=place)


def listed(index: CanonicalIndex) -> list[RRsetKey]:
    return [entry.key for entry in index.entries()]


@given(st.lists(st.tuples(st.booleans(), keys)))
def test_any_edits_read_at_any_time_leave_the_order_whole(steps):
    index, held = CanonicalIndex(APEX), set()
    for read, key in steps:
        if key in held:
            index.remove(key)
            held.remove(key)
        else:
            index.add(key)
            held.add(key)
        if read:
            assert listed(index) == expected_order(held)
        assert index.types_at(key.name) == {type_ for name, type_ in held if name == key.name}
    assert listed(index) == expected_order(held)


@given(st.sets(keys), names)
def test_a_span_is_a_name_and_all_below_it(held, suffix):
    index = CanonicalIndex(APEX)
    for key in held:
        index.add(key)
    start, stop = index.span(suffix)
    below = [key for key in expected_order(held) if key.name == suffix or key.name.endswith("." + suffix)]
    assert listed(index)[start:stop] == below


@given(st.sets(keys), keys)
def test_the_position_after_a_key_that_may_be_gone(held, key):
    index = CanonicalIndex(APEX)
    for each in held:
        index.add(each)
    order = expected_order(held | {key})
    assert listed(index)[index.position_after(key) :] == [k for k in order[order.index(key) + 1 :] if k in held]
