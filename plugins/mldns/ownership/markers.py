"""Whose a record is, read off the TXT records that tools leave beside what they manage.

    mldns          `_mldns.<owner>.<zone>`                   a manifest that covers the name
    external-dns   `a-www.<zone>`, or `www.<zone>` itself     "heritage=external-dns,external-dns/owner=ID,…"
    octoDNS        `_owner.A.www.<zone>`                      "*octodns*"

Formats: external-dns `docs/registry/txt.md`, octoDNS `processor/ownership.py`. A prefix or a suffix that an operator of
external-dns chose cannot be known here: such a record's owner stays unknown.
"""

from __future__ import annotations

from collections.abc import Iterable

from mldns.ownership.manifest import ZoneManifests
from mldns.records.names import MANIFEST_LABEL, Key, relative
from mldns.records.rrset import RRset

_EXTERNAL_DNS = "heritage=external-dns"
_EXTERNAL_DNS_OWNER = "external-dns/owner="
_OCTODNS = "*octodns*"
_OCTODNS_LABEL = "_owner"


class Markers:
    """An index over a zone's TXT rrsets that answers whose a record is."""

    def __init__(self, texts: Iterable[RRset], *, dns_name: str) -> None:
        self._dns_name = dns_name
        txt = [rrset for rrset in texts if rrset.type == "TXT"]
        # A damaged manifest owns nothing that could be told; whoever works on that job is told about it.
        self._manifests = ZoneManifests.of(txt, dns_name=dns_name).readable
        self._external: dict[str, str] = {}
        self._octodns: set[str] = set()
        for rrset in txt:
            self._read(rrset)

    def owner_of(self, key: Key) -> str | None:
        """The owner of the rrset at `key` in words, such as "mldns job 'bert-large'"; None where nothing tells."""
        name, kind = key
        if job := self.job_of(key, written=True):
            return job
        label, dot, rest = name.partition(".")
        registry = f"{kind.lower()}-{label}{dot}{rest}"
        for marker in (registry, name):
            if marker in self._external:
                return f"external-dns {self._external[marker]!r}"
        below = relative(name, self._dns_name).replace("*", "_wildcard")
        marker = f"{_OCTODNS_LABEL}.{kind.lower()}" + ("" if below == "@" else f".{below}")
        return "octoDNS" if f"{marker}.{self._dns_name}" in self._octodns else None

    def job_of(self, key: Key, *, written: bool, besides: str | None = None) -> str | None:
        """The job whose manifest covers `key`: one that has written it, or any that has claimed it.

        :param besides: an owner whose own manifest does not count.
        """
        for manifest in self._manifests:
            if manifest.owner != besides and (manifest.owns(key) or (not written and key in manifest.pending)):
                return f"mldns job {manifest.owner!r}"
        return None

    def _read(self, rrset: RRset) -> None:
        label = rrset.name.lower().partition(".")[0]
        text = "".join(rrset.rrdatas)
        if label == MANIFEST_LABEL:
            return
        if _EXTERNAL_DNS in text:
            _, _, after = text.partition(_EXTERNAL_DNS_OWNER)
            self._external[rrset.name.lower()] = after.strip('"').split(",")[0].strip('"') or "(no owner id)"
        elif label == _OCTODNS_LABEL and _OCTODNS in text:
            self._octodns.add(rrset.name.lower())
