"""octoDNS as its users run it: `octodns-sync --doit` over a configuration in YAML, with octodns-googlecloud.

`--force` is given where octoDNS asks for it: it refuses to change or delete more than a third of a zone without.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import yaml

from benchmarks.contenders import Operation
from benchmarks.job import Job, Record

_KEY_OWNER = "octodns"
_PROVIDERS = {
    "config": "octodns.provider.yaml.YamlProvider",
    "localcloud": "benchmarks.octodns_provider.LocalcloudProvider",
}


def stage(job: Job) -> None:
    """Write config.yaml, the zone's file beside it, and the key file that octodns-googlecloud starts with."""
    folder = Path(job.scratch)
    config = {
        "providers": {
            "config": {"class": _PROVIDERS["config"], "directory": str(folder)},
            "localcloud": {
                "class": _PROVIDERS["localcloud"],
                "endpoint": job.api,
                "project": job.project,
                "credentials_file": str(folder / "key.json"),
            },
        },
        "zones": {job.dns_name: {"sources": ["config"], "targets": ["localcloud"]}},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    (folder / f"{job.dns_name}yaml").write_text(zone_file(job.wanted, job.dns_name))
    (folder / "key.json").write_bytes(_key(job))


def prepare(job: Job) -> Operation:
    from octodns.cmds.sync import main  # type: ignore[import-untyped]

    for named in _PROVIDERS.values():  # as the configuration names them, so that their import is not measured
        import_module(named.rpartition(".")[0])

    force = ["--force"] if job.step in ("change", "delete") else []
    sys.argv = ["octodns-sync", "--config-file", str(Path(job.scratch, "config.yaml")), "--doit", *force]
    operation: Operation = main
    return operation


def zone_file(records: list[Record], dns_name: str) -> str:
    """The zone as octoDNS's YAML: names without the zone's, everything in the order that it insists on."""
    relative = {str(record["name"]).removesuffix(f".{dns_name}"): record for record in records}
    ordered = sorted(relative.items(), key=lambda item: (len(item[0]), item[0]))
    rows = {name: {"ttl": row["ttl"], "type": row["type"], "values": row["rrdatas"]} for name, row in ordered}
    return yaml.safe_dump(rows, sort_keys=False)


def _key(job: Job) -> bytes:
    """A key file made by localcloud; only read, because no token is asked for (see `LocalcloudProvider`)."""
    import httpx

    body = {"email": f"{_KEY_OWNER}@{job.project}.iam.gserviceaccount.com"}
    return httpx.post(f"{job.api}/_localcloud/keys", json=body, trust_env=False).raise_for_status().content
