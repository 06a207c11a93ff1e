"""One process of a small DistributedDataParallel training on CPUs, as torchrun starts it.

    python -m mldns launch torchrun -- torch_worker.py --steps 100

torchrun's environment says who this is. The task is that of `jax_worker.py`: each process sees its own slice of the
features alone, so the loss over all of them falls only if gradients travel. The last line is the same everywhere.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

FEATURES_PER_RANK = 4
SAMPLES = 256


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, print the result as the last line; 1 when the training came to nothing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--learning-rate", type=float, default=0.1)
    options = parser.parse_args(arguments)

    torch.set_num_threads(1)
    distributed.init_process_group("gloo")
    try:
        first, last = train(steps=options.steps, learning_rate=options.learning_rate)
        ranks = distributed.get_world_size()
    finally:
        distributed.destroy_process_group()
    if not last < first / 10:  # also true of NaN
        print(f"failed: the loss went from {first:.4g} to {last:.4g}", file=sys.stderr)
        return 1
    master = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
    print(f"trained: {ranks} processes, loss {first:.6g} -> {last:.6g}, master {master}", flush=True)
    return 0


def train(*, steps: int, learning_rate: float) -> tuple[float, float]:
    """Return the loss on held-out samples of every feature, before and after."""
    rank, ranks = distributed.get_rank(), distributed.get_world_size()
    features = ranks * FEATURES_PER_RANK
    linear = nn.Linear(features, 1, bias=False)
    nn.init.zeros_(linear.weight)
    model = DistributedDataParallel(linear)
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
    mine = range(rank * FEATURES_PER_RANK, (rank + 1) * FEATURES_PER_RANK)
    inputs, targets = samples(seed=rank + 1, features=mine, of=features)

    # Judged by each rank alone: features that it never saw are right only if the others' gradients arrived.
    held_out = samples(seed=0, features=range(features), of=features)
    before = loss(linear, *held_out).item()
    for _ in range(steps):
        optimizer.zero_grad()
        loss(model, inputs, targets).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return before, loss(linear, *held_out).item()


def loss(model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    return nn.functional.mse_loss(model(inputs).squeeze(1), targets)


def samples(*, seed: int, features: range, of: int) -> tuple[Tensor, Tensor]:
    """Inputs in which only `features` vary, and the targets that the true weights make of them."""
    truth = torch.randn(of, generator=torch.Generator().manual_seed(7))
    inputs = torch.zeros(SAMPLES, of)
    inputs[:, list(features)] = torch.randn(SAMPLES, len(features), generator=torch.Generator().manual_seed(seed))
    return inputs, inputs @ truth


if __name__ == "__main__":
    sys.exit(main())
