"""What is still open: pairs of name and server, with what was last said about them, and ports. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from mldns.exceptions import InvalidInput
from mldns.gate.expectations import Expectation, Inquiry, Judgement, Verdict
from mldns.gate.servers import Endpoint, Server, ServerRole
from mldns.records.names import Key


@dataclass(slots=True)
class Cell:
    """A name that a server was asked for and did not answer rightly; it may be asked again from `retry_at` on."""

    judgement: Judgement
    retry_at: float


class OpenQuestions:
    """The open pairs of name and server: a `Cell`, or None where that server was not asked in this pass.

    Of a name that is given twice, the first one counts, for what the zone must hold comes first; but known addresses
    stand above "some address", wherever they are given.

    :param inquiries: which servers must all answer for which names.
    :raises InvalidInput: there is nothing to ask, or nobody.
    """

    def __init__(self, inquiries: Sequence[Inquiry]) -> None:
        if not all(inquiry.expectations and inquiry.servers for inquiry in inquiries):
            raise InvalidInput("nothing to prove: a survey needs at least one record and one server")
        every = [expectation for inquiry in inquiries for expectation in inquiry.expectations]
        known = {item.name for item in every if item.type in ("A", "AAAA") and item.rrdatas is not None}
        self._expectations: dict[Key, Expectation] = {}
        self._asked_of: dict[Key, tuple[Server, ...]] = {}
        for inquiry in inquiries:
            for expectation in inquiry.expectations:
                if expectation.either_family and expectation.name in known:
                    continue
                first = self._expectations.get(expectation.key)
                if first is None or (first.rrdatas is None and expectation.rrdatas is not None):
                    self._expectations[expectation.key] = expectation
                    self._asked_of[expectation.key] = inquiry.servers
        self.keys = tuple(self._expectations)
        self._given = frozenset(self.keys)
        self.groups = tuple(dict.fromkeys(self._asked_of.values()))
        self._open: dict[Server, dict[Key, Cell | None]] = {server: {} for group in self.groups for server in group}

    @property
    def servers(self) -> tuple[Server, ...]:
        """All servers, in the order in which they were given."""
        return tuple(self._open)

    @property
    def expectations(self) -> Mapping[Key, Expectation]:
        """What must be answered; also for names that came in with `add`, which are none of `keys`."""
        return self._expectations

    def was_given(self, key: Key) -> bool:
        """Whether a name is one of those that were asked for from the beginning."""
        return key in self._given

    def asked_of(self, key: Key) -> tuple[Server, ...]:
        """The servers that must all answer for a name."""
        return self._asked_of[key]

    def keys_by_server(self) -> dict[Server, list[Key]]:
        """What each server is asked for, in the order in which it was given."""
        keys: dict[Server, list[Key]] = {server: [] for server in self._open}
        for key in self.keys:
            for server in self._asked_of[key]:
                keys[server].append(key)
        return keys

    def cells(self, server: Server) -> Mapping[Key, Cell | None]:
        """What is open at a server."""
        return self._open[server]

    def due(
        self, server: Server, now: float, *, unasked_only: bool = False, apart_from: Collection[Key] = ()
    ) -> list[Expectation]:
        """Return what a server may be asked now.

        :param server: of `servers`.
        :param now: seconds of the survey's clock.
        :param unasked_only: leave out what was asked in this pass and is to be asked again.
        :param apart_from: names that it must not be asked for yet.
        """
        return [
            self._expectations[key]
            for key, cell in self._open[server].items()
            if (cell is None or (cell.retry_at <= now and not unasked_only)) and key not in apart_from
        ]

    def open_all(self, keys: Iterable[Key]) -> None:
        """Forget what was said, and open these names at all their servers."""
        for cells in self._open.values():
            cells.clear()
        for key in keys:
            for server in self._asked_of[key]:
                self._open[server][key] = None

    def put(self, server: Server, key: Key, cell: Cell | None) -> None:
        """Leave a name open at a server.

        :param key: of `keys`, or of a name that came in with `add`.
        :param cell: what the server said, and when to ask again; None: not asked yet.
        """
        self._open[server][key] = cell

    def close(self, server: Server, key: Key) -> bool:
        """Note that a name is right at a server, where it may be closed already.

        :param key: as of `put`.
        :return: whether nothing is open at that server any more.
        """
        cells = self._open[server]
        cells.pop(key, None)
        return not cells

    def add(self, expectation: Expectation, like: Key) -> None:
        """Take in a name that was not asked for from the beginning; a name that is known stays as it is.

        :param expectation: what must be answered for it.
        :param like: the name whose servers are asked for this one, too.
        """
        self._expectations.setdefault(expectation.key, expectation)
        self._asked_of.setdefault(expectation.key, self._asked_of[like])

    def right_at(self, key: Key) -> int:
        """At how many servers the name is right."""
        return sum(key not in self._open[server] for server in self._asked_of[key])

    def open_at(self, servers: Iterable[Server]) -> set[Key]:
        """The names that are open at one of these servers at least."""
        return set().union(*(self._open[server] for server in servers))

    def all_right(self, *, apart_from: Collection[Server]) -> bool:
        return not any(cells for server, cells in self._open.items() if server not in apart_from)

    def minorities(self, servers: Collection[Server]) -> set[Server]:
        """Those of the servers that are fewer than half of the name servers asked for the same names."""
        found: set[Server] = set()
        for group in self.groups:
            authorities = [server for server in group if server.role is ServerRole.AUTHORITATIVE]
            among = [server for server in authorities if server in servers]
            if 2 * len(among) < len(authorities):
                found.update(among)
        return found

    def only_timeouts(self, server: Server) -> bool:
        """Whether something is open at a server, and all of that because nothing came back."""
        cells = self._open[server]
        return bool(cells) and all(cell and cell.judgement.verdict is Verdict.TIMEOUT for cell in cells.values())


class OpenPorts:
    """The ports that must accept a connection: "" for one that did, None for one that was not tried yet.

    :param endpoints: one without an address gets the first that its name has.
    """

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._why: dict[Endpoint, str | None] = dict.fromkeys(endpoints, None)

    @property
    def wanted(self) -> int:
        return len(self._why)

    @property
    def open(self) -> int:
        return sum(why == "" for why in self._why.values())

    @property
    def without_address(self) -> bool:
        return not all(endpoint.address for endpoint in self._why)

    def due(self) -> list[Endpoint]:
        """The ports to try, or to try again."""
        return [endpoint for endpoint, why in self._why.items() if why != ""]

    def record(self, endpoint: Endpoint, why: str) -> None:
        """Note how a connection went.

        :param endpoint: of `due`.
        :param why: why none came about; "" where one did.
        """
        self._why[endpoint] = why

    def failures(self, most: int) -> tuple[str, ...]:
        """The first ports that did not accept a connection, and why."""
        return tuple(islice((f"{endpoint.name}: {why}" for endpoint, why in self._why.items() if why), most))

    def find_addresses(self, answers: Mapping[Key, tuple[str, ...]]) -> None:
        """Give each endpoint an address, out of the answers to all names."""
        found: dict[str, str] = {}
        for (name, kind), rrdatas in answers.items():
            if kind in ("A", "AAAA"):
                found.setdefault(name, rrdatas[0])
        self._why = {
            endpoint if endpoint.address else replace(endpoint, address=found[endpoint.name]): why
            for endpoint, why in self._why.items()
        }
