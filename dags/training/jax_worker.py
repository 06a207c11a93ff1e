"""One rank of a small data-parallel training: it finds its coordinator by name, and learns only with the others.

    MLDNS_HANDOFF='{"pattern": …}' python jax_worker.py --rank 1

Everything it knows of the other ranks comes from the hand-off and from DNS. The model is a linear regression, and each
rank's samples show its own slice of the features alone: the loss over all features, which each rank judges by itself,
falls only if gradients travel between the ranks. The last line it prints is the same on every rank.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import dns.nameserver
import dns.resolver  # noqa: TID253 - a program of its own, not a DAG file
import jax  # noqa: TID253 - as above
import jax.numpy as jnp  # noqa: TID253 - as above
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec  # noqa: TID253 - as above

from mldns.cli.jax_gloo import listen_on

FEATURES_PER_RANK = 4
SAMPLES = 256
INITIALIZATION_TIMEOUT = 60  # seconds until every rank must have reached the coordinator
LOOKUP_TIMEOUT = 10.0  # seconds: the gate has proved the names, so an answer is due at once


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, print the result as the last line; 1 when the training came to nothing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rank", type=int, required=True)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--learning-rate", type=float, default=0.1)
    parser.add_argument(
        "--until-stdin-closes",
        action="store_true",
        help="end when standard input does, which is when a launcher on this machine has died, in whatever way",
    )
    options = parser.parse_args(arguments)
    if options.until_stdin_closes:
        threading.Thread(target=end_with_stdin, daemon=True).start()

    handoff = json.loads(os.environ["MLDNS_HANDOFF"])
    name = handoff["pattern"].format(role="worker", rank=options.rank)
    own_address, master_address = (look_up(host, handoff) for host in (name, handoff["master"]))
    print(f"{name} is {own_address}, coordinator {handoff['master']} is {master_address}", flush=True)

    join(handoff, rank=options.rank, own_address=own_address, master_address=master_address)
    first, last = train(ranks=handoff["count"], steps=options.steps, learning_rate=options.learning_rate)
    if not last < first / 10:  # also true of NaN
        print(f"failed: the loss went from {first:.4g} to {last:.4g}", file=sys.stderr)
        return 1
    coordinator = f"{handoff['master']}={master_address}:{handoff['port']}"
    print(f"trained: {handoff['count']} processes, loss {first:.4g} -> {last:.4g}, coordinator {coordinator}")
    return 0


def end_with_stdin() -> None:
    """Wait for the end of standard input, then end at once: a collective never returns to a polite request."""
    # Not through sys.stdin, whose lock this thread would still hold when the interpreter ends.
    while os.read(0, 1024):
        pass
    os._exit(1)


def look_up(name: str, handoff: Mapping[str, Any]) -> str:
    """Ask the servers that the hand-off names for one address; raises dnspython's errors, which say what was asked."""
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [
        dns.nameserver.Do53Nameserver(*address_and_port(server))
        for server in handoff["resolvers"] or handoff["name_servers"]
    ]
    resolver.lifetime = LOOKUP_TIMEOUT
    return next(iter(resolver.resolve_name(name).addresses()))


def address_and_port(server: str) -> tuple[str, int]:
    """`192.0.2.1`, `192.0.2.1:53`, `2001:db8::1`, `[2001:db8::1]:53`, or a name server's host name."""
    host, port = server, "53"
    if server.startswith("[") or server.count(":") == 1:
        host, _, port = server.rpartition(":")
    *_, (address, *_) = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_DGRAM)[0]
    return str(address), int(port)


def join(handoff: Mapping[str, Any], *, rank: int, own_address: str, master_address: str) -> None:
    """Join the job: rank 0 serves the coordinator on its own address, everybody connects to it."""
    listen_on(own_address)
    coordinator = bracketed(master_address, handoff["port"])
    jax.config.update("jax_platforms", "cpu")
    jax.distributed.initialize(
        coordinator_address=coordinator,
        num_processes=handoff["count"],
        process_id=rank,
        local_device_ids=[0],
        initialization_timeout=INITIALIZATION_TIMEOUT,
        coordinator_bind_address=coordinator if rank == 0 else None,
    )


def bracketed(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def train(*, ranks: int, steps: int, learning_rate: float) -> tuple[float, float]:
    """Return the loss on held-out samples of every feature, before and after."""
    mesh = jax.make_mesh((ranks,), ("workers",), devices=jax.devices())
    split, shared = PartitionSpec("workers"), PartitionSpec()
    rows = NamedSharding(mesh, split)
    mine = range(jax.process_index() * FEATURES_PER_RANK, (jax.process_index() + 1) * FEATURES_PER_RANK)
    inputs, targets = (
        jax.make_array_from_process_local_data(rows, array)
        for array in samples(seed=jax.process_index() + 1, features=mine, ranks=ranks)
    )

    def loss(weights: jax.Array, inputs: jax.Array, targets: jax.Array) -> jax.Array:
        return jnp.mean((inputs @ weights - targets) ** 2)

    @jax.jit
    @partial(jax.shard_map, mesh=mesh, in_specs=(shared, split, split), out_specs=shared, check_vma=False)
    def step(weights: jax.Array, inputs: jax.Array, targets: jax.Array) -> jax.Array:
        gradient = jax.grad(loss)(weights, inputs, targets)
        return weights - learning_rate * jax.lax.pmean(gradient, "workers")

    # Judged on this rank alone: features that it never saw are right only if the others' gradients arrived.
    held_out = samples(seed=0, features=range(ranks * FEATURES_PER_RANK), ranks=ranks)
    weights = jnp.zeros(ranks * FEATURES_PER_RANK)
    before = float(loss(weights, *held_out))
    for _ in range(steps):
        weights = step(weights, inputs, targets)
    return before, float(loss(weights.addressable_data(0), *held_out))


def samples(*, seed: int, features: range, ranks: int) -> tuple[Any, Any]:
    """Inputs in which only `features` vary, and the targets that the true weights make of them, with a little noise."""
    truth = np.random.default_rng(7).normal(size=ranks * FEATURES_PER_RANK)
    draw = np.random.default_rng(seed)
    inputs = np.zeros((SAMPLES, truth.size), dtype=np.float32)
    inputs[:, features] = draw.normal(size=(SAMPLES, len(features)))
    noise = 0.01 * draw.normal(size=SAMPLES)
    return inputs, (inputs @ truth + noise).astype(np.float32)


if __name__ == "__main__":
    sys.exit(main())
