"""Domain names: their letters and lengths (RFC 1035 §2.3.4, RFC 1123 §2.1), and the names that a job gets.

A name inside mldns is always absolute and lower case: `worker-0.job.ml.example.com.`.
"""

from __future__ import annotations

import hashlib
import re

from mldns.exceptions import InvalidInput
from mldns.messages import quoted

Key = tuple[str, str]
"""Owner name and type of an rrset."""

MANIFEST_LABEL = "_mldns"
SHARED_OWNER = "shared"

_MAX_NAME = 253  # characters without the trailing dot: 255 octets on the wire
_MAX_LABEL = 63
# A leading underscore marks service labels (RFC 8552); `*` stands alone and first only (RFC 4592).
_LABEL = re.compile(r"_?[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?")
_HOST_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_RANK_LIKE = re.compile(r"-\d+$")
# Classless reverse delegation, `0/25.2.0.192.in-addr.arpa.` (RFC 2317 §4): targets only, since a manifest parts at `/`.
_TARGET_LABEL = re.compile(rf"{_LABEL.pattern}|[0-9]{{1,3}}/[0-9]{{1,2}}")
_WAY_TO_LABEL = "; of any text, a run id too, write job='bert-{{ macros.mldns.job_label(run_id) }}'"
_NO_JOB = ("none", "null")  # what a template of a missing value renders to


def absolute(name: str) -> str:
    """Return `name` in lower case with its trailing dot, or raise InvalidInput naming what is wrong with it."""
    return _absolute(name, _LABEL)


def target(name: str, dns_name: str) -> str:
    """Return the absolute name that a record of the zone `dns_name` points at.

    :raises InvalidInput: it is no name, or of one label: at the root it leads nowhere, whoever wrote it meant the zone.
    """
    full = _absolute(name, _TARGET_LABEL if name.lower().rstrip(".").endswith(".in-addr.arpa") else _LABEL)
    if full.count(".") == 1:
        raise InvalidInput(
            f"target {quoted(name)} has one label and would be looked up at the root: "
            f"write the whole name, such as '{full}{dns_name}'"
        )
    return full


def _absolute(name: str, pattern: re.Pattern[str]) -> str:
    if not isinstance(name, str) or not name.strip("."):
        raise InvalidInput(f"{quoted(name)} is not a domain name: expected letters, as 'worker-0.job.ml.example.com.'")
    bare = name.removesuffix(".").lower()
    if len(bare) > _MAX_NAME:
        raise InvalidInput(f"name {quoted(name)} has {len(bare)} characters, a domain name has at most {_MAX_NAME}")
    for position, label in enumerate(bare.split(".")):
        if label == "*" and position == 0:
            continue
        _check_label(label, name, pattern)
    return bare + "."


def relative(name: str, dns_name: str) -> str:
    """Return `name` without the zone's `dns_name`; `@` for the apex. Both absolute."""
    return "@" if name == dns_name else name.removesuffix("." + dns_name)


def in_zone(name: str, dns_name: str) -> bool:
    """Whether `name` is the zone's apex or below it. Both absolute."""
    return name == dns_name or name.endswith("." + dns_name)


def require_in_zone(name: str, dns_name: str) -> str:
    """Return the absolute `name`, or raise InvalidInput when it lies outside the zone."""
    full = absolute(name)
    if not in_zone(full, dns_name):
        raise InvalidInput(f"name {full!r} is outside the zone {dns_name!r}")
    return full


def slug(job: str | int) -> str:
    """Return the job's owner label: one host label of at most 63 letters, digits and hyphens, lower case.

    :param job: a number, too: a DAG that renders native objects makes one of `007`.
    """
    job = _job_text(job)
    label = job.lower()
    if "." in label:
        raise InvalidInput(
            f"job {quoted(job)} has a dot: it becomes one label of names such as worker-0.JOB.zone{_WAY_TO_LABEL}"
        )
    try:
        _check_label(label, job, _HOST_LABEL)
    except InvalidInput as error:
        raise InvalidInput(f"job: {error}{_WAY_TO_LABEL}") from None
    return label


def job_label(text: str | int) -> str:
    """Return a job's label for any text, such as a run id: the same for the same text, another for any other.

    What is a label already stays as it is. Anything else keeps its letters and digits, and ends in a digest of the
    whole text, so that `a+b` and `a:b` stay two jobs: `manual-2026-01-02t03-04-05-6-1f0c2a9d3b47`.

    :raises InvalidInput: there is no text: nobody wants a job called none.
    """
    text = _job_text(text)
    bare = text.lower()
    if len(bare) <= _MAX_LABEL and _HOST_LABEL.fullmatch(bare) and bare == text:
        return bare
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    words = re.sub(r"[^a-z0-9]+", "-", bare).strip("-")[: _MAX_LABEL - len(digest) - 1].strip("-")
    return f"{words}-{digest}" if words else f"job-{digest}"


def _job_text(job: object) -> str:
    text = str(job) if isinstance(job, str | int) and not isinstance(job, bool) else ""
    if not text or text.lower() in _NO_JOB:
        raise InvalidInput(f"{quoted(job)} is not a job name: expected one DNS label such as 'bert-large'")
    return text


def role_label(role: str) -> str:
    """Return a worker's role as it stands in names, such as `worker`; it must not end like a rank."""
    if not isinstance(role, str) or not role:
        raise InvalidInput(f"{quoted(role)} is not a role: expected one DNS label such as 'worker'")
    label = role.lower()
    _check_label(label, role, _HOST_LABEL)
    if _RANK_LIKE.search(label):
        # `a-1` rank 2 and `a` with a name `a-1-2` could not be told apart when a manifest is read back.
        raise InvalidInput(f"role {role!r} ends like a rank: give it a name without '-<number>' at its end")
    return label


def is_role(label: str) -> bool:
    """Whether `role_label` would return `label` as it is."""
    return len(label) <= _MAX_LABEL and bool(_HOST_LABEL.fullmatch(label)) and not _RANK_LIKE.search(label)


def worker_name(role: str, rank: int, owner: str, dns_name: str) -> str:
    """Return the name of a worker, `<role>-<rank>.<owner>.<zone>` with a final dot.

    :param role: one DNS label that does not end like a rank.
    :param rank: within the role, from 0.
    :param owner: the job's label.
    :param dns_name: what the zone serves.
    :raises InvalidInput: it is no role, or the name is too long.
    """
    return absolute(f"{role_label(role)}-{rank}.{owner}.{dns_name}")


def master_name(owner: str, dns_name: str) -> str:
    """The name of rank 0."""
    return absolute(f"master.{owner}.{dns_name}")


def workers_name(owner: str, dns_name: str) -> str:
    """The name that holds every worker's address."""
    return absolute(f"workers.{owner}.{dns_name}")


def rendezvous_name(owner: str, dns_name: str) -> str:
    """The SRV name of the rendezvous port."""
    return absolute(f"_rdzv._tcp.{owner}.{dns_name}")


def manifest_name(owner: str, dns_name: str) -> str:
    """The TXT name under which an owner's manifest lives."""
    return absolute(f"{MANIFEST_LABEL}.{owner}.{dns_name}")


def is_job_name(name: str, subtree: str) -> bool:
    """Whether an inventory gives a name all its addresses: `<role>-<rank>`, `master`, `workers` right in `subtree`."""
    label, _, rest = name.partition(".")
    if rest != subtree:
        return False
    role, _, rank = label.rpartition("-")
    return label in ("master", "workers") or (rank.isdecimal() and is_role(role))


def between(name: str, dns_name: str) -> list[str]:
    """The names between `name` and the zone's apex, neither included: where a delegation may cut `name` off."""
    labels = relative(name, dns_name).split(".")[1:]
    return [".".join((*labels[start:], dns_name)) for start in range(len(labels))]


def _check_label(label: str, name: str, pattern: re.Pattern[str]) -> None:
    if not label:
        raise InvalidInput(f"name {quoted(name)} has an empty label: two dots in a row, or a dot at its start")
    if len(label) > _MAX_LABEL:
        raise InvalidInput(
            f"label {quoted(label)} of {quoted(name)} has {len(label)} characters, a label has at most {_MAX_LABEL}"
        )
    if not pattern.fullmatch(label):
        raise InvalidInput(
            f"label {quoted(label)} of {quoted(name)} is not a host label: "
            "letters, digits and hyphens, none at its ends"
        )


_DIGITS = re.compile(r"\d+")


def natural(key: Key) -> str:
    """Sort key: digits compare as numbers, so that ranks come in order and manifests keep short ranges."""
    name, kind = key
    # Text, not a tuple of parts: with ten thousand of those alive the garbage collector takes longer than the sort.
    return f"{_DIGITS.sub(_padded, name)} {name} {kind}"


def _padded(digits: re.Match[str]) -> str:
    return digits[0].zfill(20)
