"""`python -m demo run` shows mldns at work and stops everything; `python -m demo up` keeps it running until Ctrl-C."""

from __future__ import annotations

import argparse
import atexit
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console

from demo import aws
from demo.cloud import NETWORK, PROJECT, LocalCloud, local_cloud
from demo.example import DAG_ID, run_example
from demo.processes import ProcessDied, adopt_orphans, bury_orphans, raise_on_termination
from demo.rest import AirflowRefused
from demo.standalone import REPOSITORY, USER, Standalone, airflow_standalone
from demo.story import Story
from demo.watching import fill_page, page_of

PARAMS = {
    "zone": "training",
    "dns_name": "training.example.com.",
    "job": "demo",
    "iam_role": "roles/dns.reader",
    "iam_members": [f"serviceAccount:trainer@{PROJECT}.iam.gserviceaccount.com"],
}


@dataclass(frozen=True, slots=True)
class Show:
    """What differs between the clouds: the run's conf, the connection's id, and how to look at localcloud."""

    params: dict[str, Any]
    connection: str
    seen_as: type[LocalCloud]
    network: str


SHOWS = {
    "gcp": Show(PARAMS, "google_cloud_default", LocalCloud, NETWORK),
    "aws": Show(aws.PARAMS, "aws_default", aws.LocalAws, aws.VPC),
}
# A cloud that takes its time, so that `done` and "the name servers answer" are two moments, as they are at Google.
CLOUD_ARGUMENTS = ("--latency-ms", "20", "--done-ms", "1000", "--serve-ms", "1500")
INTERRUPTED = 130


def main() -> int:
    """Run the command that was asked for; 0, 1 if something failed, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("command", choices=("run", "up"), help="run: show it and stop; up: keep it running")
    parser.add_argument("--cloud", choices=SHOWS, default="gcp", help="whose API Airflow talks to")
    given = parser.parse_args()
    command, show = given.command, SHOWS[given.cloud]
    raise_on_termination()
    adopt_orphans()
    console = Console()
    home = new_home(command)
    atexit.register(bury_orphans)
    try:
        succeeded = run(home, console, show) if command == "run" else up(home, console, show)
    except KeyboardInterrupt:
        console.print("stopped")
        shutil.rmtree(home, ignore_errors=True)
        return 0 if command == "up" else INTERRUPTED
    except SystemExit:
        shutil.rmtree(home, ignore_errors=True)
        raise
    except (ProcessDied, AirflowRefused, ImportError, TimeoutError) as error:
        console.print(str(error), markup=False, highlight=False, soft_wrap=True)
        succeeded = False
    if succeeded:
        shutil.rmtree(home, ignore_errors=True)
        return 0
    console.print(f"logs are in {home.relative_to(REPOSITORY)}", highlight=False)
    return 1


def new_home(kind: str) -> Path:
    """Make a directory under .run for one run's database and logs; two runs at once never share one."""
    parent = REPOSITORY / ".run"
    parent.mkdir(exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=f"{kind}-", dir=parent))


def run(home: Path, console: Console, show: Show) -> bool:
    """Show one run of example_training; True if it succeeded, and everything is stopped again either way."""
    story = Story(console)
    with servers(home, story, show) as (airflow, cloud):
        return show_example(story, airflow, cloud, show.params)


def up(home: Path, console: Console, show: Show) -> NoReturn:
    """The same, then keep everything running until Ctrl-C (KeyboardInterrupt), or until a server dies (ProcessDied)."""
    story = Story(console)
    with servers(home, story, show) as (airflow, cloud):
        story.line(f"log in as {USER}, password {airflow.password}")
        show_example(story, airflow, cloud, show.params)  # a failure is shown, and the UI stays up to look into it
        with story.doing("a job that stays, and a check of the zone, for the page"):
            ends = fill_page(airflow, cloud, show.params)
        story.line(", ".join(f"{dag_id}: {state}" for dag_id, state in ends.items()))
        port = cloud.resolver.rpartition(":")[2]
        console.rule("running, until Ctrl-C", align="left")
        console.print(
            f"DNS page  {page_of(airflow)}\n"
            f"Airflow   {airflow.url}   user {USER}   password {airflow.password}\n"
            f"cloud     {cloud.api}   name servers {' '.join(cloud.dns)}   resolver {cloud.resolver}\n"
            f"try       in the UI: DAG {DAG_ID}, button Trigger; while it trains:\n"
            f"          dig @127.0.0.1 -p {port} master.{show.params['job']}.{show.params['dns_name']}\n"
            f"network   {show.network}, for private zones of your own; zone {show.params['zone']} is there\n"
            f"your own  DAG files go into dags/ beside the Makefile, and show up within half a minute\n"
            f"ends      with Ctrl-C, and by itself should Airflow or the cloud end: neither is of use alone",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        try:
            while True:
                airflow.process.check()
                cloud.process.check()
                time.sleep(1)
        except KeyboardInterrupt:
            story.line("stopping everything")
            raise


@contextmanager
def servers(home: Path, story: Story, show: Show) -> Iterator[tuple[Standalone, LocalCloud]]:
    """localcloud and an Airflow that is connected to it, for the length of a `with` block."""
    with ExitStack() as stack:
        cloud = stack.enter_context(local_cloud(home, CLOUD_ARGUMENTS, seen_as=show.seen_as, network=show.network))
        story.line(f"localcloud serves {cloud.api}, DNS on {', '.join(cloud.dns)}, resolver {cloud.resolver}")
        with story.doing("starting Airflow (half a minute the first time)"):
            connections = {show.connection: cloud.connection()}
            airflow = stack.enter_context(airflow_standalone(home, connections=connections))
            airflow.wait_for_dag(DAG_ID)
        story.line(f"Airflow serves {airflow.url}")
        yield airflow, cloud
        with story.doing("stopping everything"):
            stack.close()
        story.line("stopped everything")


def show_example(story: Story, airflow: Standalone, cloud: LocalCloud, params: dict[str, Any]) -> bool:
    """Trigger example_training, show it as it goes and what it proved; True if it succeeded and left nothing behind."""
    story.line(f"triggering {DAG_ID} through Airflow's REST API")
    with story.doing("waiting for the scheduler"):
        outcome = run_example(airflow, cloud, params, on_states=story.tasks)
    if outcome.state != "success":
        story.failure(outcome, airflow, DAG_ID)
        return False
    story.outcome(outcome, cloud, str(params["zone"]))
    return not outcome.left_behind


if __name__ == "__main__":
    sys.exit(main())
