"""The public address of the operators' links; they live in `mldns.tasks.links`."""

from mldns.tasks.links import JobLink, ZoneLink

__all__ = ["JobLink", "ZoneLink"]
