"""Names by servers: which pairs are still open, and what was last said about them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from mldns.gate.expectations import Judgement, Verdict
from mldns.gate.servers import Server
from mldns.records.names import Key


@dataclass(slots=True)
class Cell:
    """A name that a server was asked for and did not answer rightly; it may be asked again from `retry_at` on."""

    judgement: Judgement
    retry_at: float


class Matrix:
    """The open pairs of name and server: a `Cell`, or None where that server was not asked in this pass.

    :param asked_of: the servers that must all answer for a name.
    """

    def __init__(self, asked_of: Mapping[Key, tuple[Server, ...]]) -> None:
        self._asked_of = dict(asked_of)
        self._open: dict[Server, dict[Key, Cell | None]] = {
            server: {} for group in dict.fromkeys(self._asked_of.values()) for server in group
        }

    @property
    def servers(self) -> tuple[Server, ...]:
        return tuple(self._open)

    def asked_of(self, key: Key) -> tuple[Server, ...]:
        return self._asked_of[key]

    def cells(self, server: Server) -> Mapping[Key, Cell | None]:
        """What is open at a server."""
        return self._open[server]

    def open_all(self, keys: Iterable[Key]) -> None:
        """Forget what was said, and open these names at all their servers."""
        for cells in self._open.values():
            cells.clear()
        for key in keys:
            for server in self._asked_of[key]:
                self._open[server][key] = None

    def put(self, server: Server, key: Key, cell: Cell | None) -> None:
        self._open[server][key] = cell

    def close(self, server: Server, key: Key) -> None:
        self._open[server].pop(key, None)

    def add(self, key: Key, like: Key) -> None:
        """Take in a name that the servers of `like` are asked for."""
        self._asked_of.setdefault(key, self._asked_of[like])

    def right_at(self, key: Key) -> int:
        """At how many servers the name is right."""
        return sum(key not in self._open[server] for server in self._asked_of[key])

    def open_at(self, servers: Iterable[Server]) -> set[Key]:
        """The names that are open at one of these servers at least."""
        return set().union(*(self._open[server] for server in servers))

    def all_right(self, *, apart_from: Collection[Server]) -> bool:
        return not any(cells for server, cells in self._open.items() if server not in apart_from)

    def only_timeouts(self, server: Server) -> bool:
        """Whether something is open at a server, and all of that because nothing came back."""
        cells = self._open[server]
        return bool(cells) and all(cell and cell.judgement.verdict is Verdict.TIMEOUT for cell in cells.values())
