"""Run a JAX program so that its collectives on CPUs listen on this host's own address.

    python -m mldns.cli.jax_gloo 10.0.0.7 train.py --epochs 3

JAX's gloo listens on what the host's own name resolves to, which on Debian is 127.0.1.1, and JAX has no setting for it.
The one function that takes the address is private, so nothing else in mldns knows of it, and a test holds the version
that it was seen to work with (constraints.txt). Without that function the program runs as it is: only gloo, which
trains on CPUs alone, ever asked for the address.
"""

from __future__ import annotations

import importlib
import runpy
import sys
from functools import partial
from pathlib import Path
from typing import Any


def listen_on(address: str) -> None:
    """Let JAX's gloo listen on an address of this host, from now on and in this process."""
    try:
        private: Any = importlib.import_module("jaxlib._jax")
        private.make_gloo_tcp_collectives = partial(private.make_gloo_tcp_collectives, hostname=address)
    except (ImportError, AttributeError):
        print("mldns: this JAX does not take gloo's address: collectives on CPUs may not meet", file=sys.stderr)


def main() -> None:
    """Become the program."""
    address, *sys.argv = sys.argv[1:]
    listen_on(address)
    if sys.argv[0] == "-m":
        del sys.argv[0]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        sys.path[0] = str(Path(sys.argv[0]).resolve().parent)
        runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
