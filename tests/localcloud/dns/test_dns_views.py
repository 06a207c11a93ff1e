"""What a listener knows, and when: the journal replayed late, zones coming and going, which zone answers."""

from __future__ import annotations

import dns.rdatatype
import pytest

from localcloud.dns.nametree import labels_of
from localcloud.dns.views import ZoneViews, bound_to, is_public

COMPUTE = "https://www.googleapis.com/compute/v1/"
TRAINING = "projects/demo/global/networks/training"


def holds(views: ZoneViews, name: str, moment: float, admits=is_public) -> bool | None:
    """Whether the zone for the name has an A record there; None when no zone answers."""
    views.refresh()
    tree = views.find(labels_of(name), moment, admits)
    if tree is None:
        return None
    node = tree.nodes.get(labels_of(name))
    return node is not None and dns.rdatatype.A in node.rrsets


def test_edits_appear_when_their_moment_has_come_and_in_their_order(book):
    views = ZoneViews(book)
    zone = book.create("ml.test.")
    book.now = 1_010.0
    book.edit(zone, add="w 60 A 192.0.2.1")
    book.now = 1_020.0
    book.edit(zone, delete="w 60 A 192.0.2.1", add="v 60 A 192.0.2.1")
    name = "w.ml.test."
    assert [holds(views, name, moment) for moment in (999.9, 1_000.0, 1_009.9, 1_010.0, 1_019.9, 1_020.0)] == [
        None,  # the zone itself is an edit
        False,
        False,
        True,
        True,
        False,
    ]
    assert holds(views, "v.ml.test.", 1_020.0)


def test_a_replacement_in_one_change_leaves_the_new_records(book):
    views = ZoneViews(book)
    zone = book.create("ml.test.", "w 60 A 192.0.2.1")
    book.edit(zone, delete="w 60 A 192.0.2.1", add="w 30 A 192.0.2.2")
    views.refresh()
    tree = views.find(labels_of("ml.test."), book.now, is_public)
    assert tree is not None
    (rrset,) = tree.nodes[labels_of("w.ml.test.")].rrsets.values()
    assert (rrset.ttl, rrset.rrdatas) == (30, ("192.0.2.2",))


def test_a_view_never_goes_back_when_the_lag_grows(book):
    views = ZoneViews(book)
    book.create("ml.test.", "w 60 A 192.0.2.1")
    assert holds(views, "w.ml.test.", 1_000.0)
    assert holds(views, "w.ml.test.", 990.0)


def test_a_deleted_zone_is_served_until_its_deletion_is_known(book):
    views = ZoneViews(book)
    zone = book.create("ml.test.", "w 60 A 192.0.2.1")
    book.now = 1_010.0
    book.delete(zone)
    assert holds(views, "w.ml.test.", 1_009.9)
    assert holds(views, "w.ml.test.", 1_010.0) is None


def test_a_zone_created_anew_under_the_same_name_takes_over_from_the_deleted_one(book):
    views = ZoneViews(book)
    old = book.create("ml.test.", "w 60 A 192.0.2.1")
    book.now = 1_010.0
    book.delete(old)
    book.create("ml.test.")
    assert holds(views, "w.ml.test.", 1_009.0)
    assert holds(views, "w.ml.test.", 1_010.0) is False


def test_zones_that_were_replaced_are_read_again_though_they_look_the_same(book):
    views = ZoneViews(book)
    before = book.create("ml.test.", "w 60 A 192.0.2.1")
    assert holds(views, "w.ml.test.", book.now)
    book.book.clear()  # a reset of the store
    after = book.create("ml.test.")
    assert (after.id, after.name, after.created_at) == (before.id, before.name, before.created_at)
    assert holds(views, "w.ml.test.", book.now) is False


def test_what_was_replayed_is_kept_when_other_zones_come_and_go(book):
    views = ZoneViews(book)
    book.create("ml.test.")
    trees = []
    for _ in range(2):
        views.refresh()
        trees.append(views.find(labels_of("ml.test."), book.now, is_public))
        book.create("other.test.")
    assert trees[0] is trees[1] is not None


def test_the_longest_suffix_answers_and_of_equals_the_oldest(book):
    views = ZoneViews(book)
    book.create("test.", "w.ml 60 A 192.0.2.1\n x.ml 60 A 192.0.2.1")
    inner = book.create("ml.test.", "w 60 A 192.0.2.2")
    book.create("ml.test.", "x 60 A 192.0.2.3")
    assert holds(views, "w.ml.test.", book.now)
    assert holds(views, "x.ml.test.", book.now) is False  # neither the parent nor the younger twin is asked
    book.delete(inner)
    assert holds(views, "x.ml.test.", book.now)
    assert holds(views, "ml.test.x.", book.now) is None


def test_a_zone_whose_first_entry_is_still_to_come_leaves_its_names_to_the_zone_above(book):
    views = ZoneViews(book)
    book.create("test.", "w.ml 60 A 192.0.2.1")
    book.now = 1_010.0
    book.create("ml.test.")
    assert holds(views, "w.ml.test.", 1_005.0)
    assert holds(views, "w.ml.test.", 1_010.0) is False


@pytest.mark.parametrize(
    ("bound", "asked", "seen"),
    [
        (COMPUTE + TRAINING, TRAINING, True),
        (COMPUTE + TRAINING, f"https://compute.googleapis.com/compute/beta/{TRAINING}", True),
        (TRAINING, f"{TRAINING}-2", False),
        (COMPUTE + TRAINING, "projects/other/global/networks/training", False),
    ],
)
def test_private_zones_are_seen_from_their_networks_however_the_url_is_written(book, bound, asked, seen):
    views = ZoneViews(book)
    book.create("ml.test.", "w 60 A 192.0.2.1", visibility="private", networks=("elsewhere", bound))
    assert (holds(views, "w.ml.test.", book.now, bound_to(asked)) is True) is seen
    assert holds(views, "w.ml.test.", book.now, is_public) is None


def test_networks_may_change_while_the_zone_is_served(book):
    views = ZoneViews(book)
    zone = book.create("ml.test.", visibility="private")
    assert holds(views, "ml.test.", book.now, bound_to(TRAINING)) is None
    zone.networks = (TRAINING,)
    assert holds(views, "ml.test.", book.now, bound_to(TRAINING)) is False


@pytest.mark.parametrize("bad", ["w 60 ALIAS other.test.", "wörker 60 A 192.0.2.1", "out.of.zone. 60 A 192.0.2.1"])
def test_a_record_that_dns_cannot_say_does_not_take_its_zone_down(book, caplog, bad):
    views = ZoneViews(book)
    zone = book.create("ml.test.", f"{bad}\n v 60 A 192.0.2.1")
    book.edit(zone, delete=bad)
    assert holds(views, "v.ml.test.", book.now)
    assert "is not served" in caplog.text
