"""One step in a process of its own: `python -m benchmarks.child JOB.json REPORT.json`.

The operation is measured between imports and the end of the process; the whole process is measured by its parent.
"""

from __future__ import annotations

import json
import re
import resource
import sys
import time
from importlib import import_module
from pathlib import Path

from benchmarks.contenders import CONTENDERS
from benchmarks.job import Job

_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


def main(arguments: list[str]) -> None:
    """Run the job, or import the module after `--import`, and write what it took."""
    work, report = arguments
    if work.startswith("--import="):
        import_module(work.removeprefix("--import="))
        wall = cpu = 0.0
    else:
        job = Job.read(Path(work))
        operation = CONTENDERS[job.contender].load().prepare(job)
        began, cpu_began = time.perf_counter(), time.process_time()
        operation()
        wall, cpu = time.perf_counter() - began, time.process_time() - cpu_began
    took = {"wall": wall, "cpu": cpu, "process_cpu": time.process_time(), "peak_rss": peak_rss()}
    Path(report).write_text(json.dumps(took))


def peak_rss() -> int:
    """The most memory that this process had resident, in bytes.

    Linux keeps it for the program that runs; `ru_maxrss` also knows the parent's, from before the exec.
    """
    status = Path("/proc/self/status")
    if status.exists() and (peak := _PEAK.search(status.read_text())):
        return int(peak[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main(sys.argv[1:])
