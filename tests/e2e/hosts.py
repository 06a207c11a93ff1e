"""Hosts with addresses of their own on this one machine: network namespaces, joined by bridges to a namespace in the
middle, in which the cloud runs.

    10.77.0.11 ─┐                      ┌─ 10.78.0.11
    10.77.0.12 ─┼─ br-training ── br-other
    10.77.0.13 ─┘  10.77.0.1      10.78.0.1          one namespace, which forwards nothing between its bridges

`ip netns exec` gives each host its own /etc/resolv.conf and /etc/hosts. Nothing of the machine's own network is
touched, and at the end every process in the namespaces is ended and they are gone.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

PREFIX = "mldns-test"
_FILES = Path("/etc/netns")
_PATIENCE = 5.0  # seconds between asking the processes of a host to end and killing them, and until that has worked


class NoNamespaces(RuntimeError):
    """This machine or user cannot have network namespaces; the message says why."""


@dataclass(frozen=True, slots=True)
class Host:
    """One namespace; `address` is None for the one in the middle."""

    namespace: str
    address: str | None = None

    def command(self, *argv: str) -> list[str]:
        """What runs `argv` on this host."""
        return ["ip", "netns", "exec", self.namespace, *argv]

    def processes(self) -> list[int]:
        listed = subprocess.run(["ip", "netns", "pids", self.namespace], capture_output=True, text=True, check=False)
        return [int(pid) for pid in listed.stdout.split()]


@dataclass(slots=True)
class Machine:
    """The namespaces of one test session; `middle` has an address on every network."""

    prefix: str
    middle: Host
    _undo: ExitStack
    _networks: dict[str, str] = field(default_factory=dict)

    def network(self, name: str, gateway: str) -> None:
        """A bridge in the middle, which has the address `gateway` on it; a /24."""
        bridge = f"br-{name}"
        _ip("-n", self.middle.namespace, "link", "add", "name", bridge, "type", "bridge")
        _ip("-n", self.middle.namespace, "address", "add", f"{gateway}/24", "dev", bridge)
        _ip("-n", self.middle.namespace, "link", "set", bridge, "up")
        self._networks[name] = gateway

    def host(self, name: str, network: str, address: str, *, own_name: str | None = "127.0.1.1") -> Host:
        """A host on a network, whose resolver is the one in the middle.

        It calls itself what this machine does, and its address has a name that nobody else knows, as on a Google VM.

        :param own_name: what its own name is in its /etc/hosts, on Debian 127.0.1.1; None where it is not there.
        """
        own = f"{own_name} {socket.gethostname()}\n" if own_name else ""
        files = {
            "resolv.conf": f"nameserver {self._networks[network]}\n",
            "hosts": f"127.0.0.1 localhost\n{own}{address} {name}.c.project.internal\n",
        }
        if Path("/etc/nsswitch.conf").exists():
            # Not systemd's resolver: it is asked over a socket that no network namespace keeps apart.
            files["nsswitch.conf"] = "hosts: files dns\n"
        host = _namespace(f"{self.prefix}-{name}", self._undo, files)
        cable = f"to-{name}"
        _ip(
            *("-n", self.middle.namespace, "link", "add", "name", cable, "type", "veth"),
            *("peer", "name", "eth0", "netns", host.namespace),
        )
        _ip("-n", self.middle.namespace, "link", "set", cable, "master", f"br-{network}", "up")
        _ip("-n", host.namespace, "address", "add", f"{address}/24", "dev", "eth0")
        _ip("-n", host.namespace, "link", "set", "eth0", "up")
        return Host(host.namespace, address)


@contextmanager
def machine(name: str) -> Iterator[Machine]:
    """A machine without hosts yet; raises NoNamespaces where there can be none.

    :param name: tells it from others of this process.
    """
    if os.geteuid() != 0:
        raise NoNamespaces("network namespaces need root")
    if shutil.which("ip") is None:
        raise NoNamespaces("network namespaces need the program ip: apt-get install iproute2")
    _sweep()
    prefix = f"{PREFIX}-{os.getpid()}-{name}"
    with ExitStack() as undo:
        yield Machine(prefix, _namespace(f"{prefix}-middle", undo, {}), undo)


def left_behind(prefix: str = PREFIX) -> list[str]:
    """Namespaces and their files in /etc whose names begin with `prefix`."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False).stdout
    found = [line.split()[0] for line in listed.splitlines() if line]
    found += [folder.name for folder in _FILES.iterdir()] if _FILES.is_dir() else []
    return sorted({name for name in found if name.startswith(f"{prefix}-")})


def _namespace(name: str, undo: ExitStack, files: dict[str, str]) -> Host:
    host = Host(name)
    undo.callback(_remove, host)
    _ip("netns", "add", name)
    _ip("-n", name, "link", "set", "lo", "up")
    for file, text in files.items():
        (_FILES / name).mkdir(parents=True, exist_ok=True)
        (_FILES / name / file).write_text(text)
    return host


def _remove(host: Host) -> None:
    """End what runs on the host, and the host; whatever of it there is."""
    for kind in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + _PATIENCE
        while (pids := host.processes()) and time.monotonic() < deadline:
            for pid in pids:
                with suppress(OSError):  # it is gone already
                    os.kill(pid, kind)
            time.sleep(0.1)
    subprocess.run(["ip", "netns", "del", host.namespace], capture_output=True, check=False)
    shutil.rmtree(_FILES / host.namespace, ignore_errors=True)
    with suppress(OSError):
        _FILES.rmdir()  # only when it is empty: somebody else may have namespaces, too


def _sweep() -> None:
    """Remove what test sessions left that were killed: their process ids are in the names."""
    for name in left_behind():
        owner = name.removeprefix(f"{PREFIX}-").split("-")[0]
        if not Path(f"/proc/{owner}").exists():
            _remove(Host(name))


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoNamespaces(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


def run(host: Host, argv: Sequence[str], env: dict[str, str], timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a program on a host to its end; both streams together."""
    return subprocess.run(
        host.command(*argv),
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
