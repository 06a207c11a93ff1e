"""The authoritative server on real sockets, asked by dnspython."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import select
import socket
import time

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.xfr
import dns.zone
import pytest

from localcloud.dns.authoritative import AuthoritativeServer, serve_authoritative
from localcloud.dns.listener import listen

TEXT = " ".join(f'"{i:02}{"x" * 248}"' for i in range(16))  # 4,000 bytes
ZONE = f"""
    @ 300 MX 10 mail.ml.test.
    worker-0.job 60 A 192.0.2.10
    worker-1.job 60 A 192.0.2.11
    worker-0.job 60 AAAA 2001:db8::10
    _rdzv._tcp.job 60 SRV 0 0 29500 worker-0.job.ml.test.
    big 60 TXT {TEXT}
    *.wild 60 TXT "wild"
    alias 60 CNAME worker-0.job.ml.test.
    chain 60 CNAME alias.ml.test.
    dangling 60 CNAME nowhere.ml.test.
    halfway 60 CNAME x.child.ml.test.
    away 60 CNAME www.example.org.
    over 60 CNAME host.other.test.
    loop 60 CNAME pool.ml.test.
    pool 60 CNAME loop.ml.test.
    child 60 NS ns.child.ml.test.
    ns.child 60 A 192.0.2.53
""" + "\n".join(f"workers 60 A 192.0.2.{i}" for i in range(100))


@pytest.fixture
def zone(book):
    return book.create("ml.test.", ZONE)


@pytest.fixture
def ask(authoritative, zone):
    """Asks over UDP, or over TCP; returns the response."""

    def asked(name: str, rdtype: str = "A", *, how=dns.query.udp, **query) -> dns.message.Message:
        host, port = authoritative.address
        return how(dns.message.make_query(name, rdtype, **query), host, port=port, timeout=30)

    return asked


def rdatas(response: dns.message.Message) -> list[str]:
    return sorted(f"{rrset.name} {record.to_text()}" for rrset in response.answer for record in rrset)


@pytest.mark.parametrize(
    ("name", "rdtype", "rcode", "answer"),
    [
        ("dangling.ml.test.", "A", dns.rcode.NXDOMAIN, ["dangling.ml.test. nowhere.ml.test."]),
        (
            "chain.ml.test.",
            "TXT",
            dns.rcode.NOERROR,
            ["alias.ml.test. worker-0.job.ml.test.", "chain.ml.test. alias.ml.test."],
        ),
    ],
)
def test_a_denial_at_the_end_of_aliases_brings_the_soa(ask, name, rdtype, rcode, answer):
    response = ask(name, rdtype)
    assert (response.rcode(), rdatas(response)) == (rcode, answer)
    (soa,) = response.authority
    assert (soa.name.to_text(), soa.rdtype, soa.ttl) == ("ml.test.", dns.rdatatype.SOA, 300)
    assert response.flags & dns.flags.AA


@pytest.mark.parametrize("dns_name", ["other.test.", "job.ml.test."])
def test_an_alias_is_not_followed_into_another_zone_though_it_is_here(ask, book, dns_name):
    book.create(dns_name, "host 60 A 198.51.100.1\n worker-0 60 A 198.51.100.1")
    for name, target in (("over.ml.test.", "host.other.test."), ("alias.ml.test.", "worker-0.job.ml.test.")):
        followed = ask(name).answer[1:]
        assert bool(followed) is (name == "alias.ml.test." and dns_name == "other.test.")
        assert ask(name).answer[0][0].target.to_text() == target


@pytest.mark.parametrize(("name", "aa"), [("a.child.ml.test.", False), ("halfway.ml.test.", True)])
def test_below_a_delegation_there_is_a_referral_with_glue(ask, name, aa):
    response = ask(name)
    assert response.rcode() == dns.rcode.NOERROR
    assert bool(response.flags & dns.flags.AA) is aa  # AA is for the first owner name: the alias is ours
    assert [rrset.to_text() for rrset in response.authority] == ["child.ml.test. 60 IN NS ns.child.ml.test."]
    assert [rrset.to_text() for rrset in response.additional] == ["ns.child.ml.test. 60 IN A 192.0.2.53"]


def test_the_ds_of_a_zone_is_its_parents(ask, book):
    digest = "12345 13 2 8acbb0cd28f41250a80a491389424d341522d946b0da0c0291f2d3d771d7805a"
    book.create("test.", f"ml 60 NS ns-1.test.\n ml 60 DS {digest}")
    assert rdatas(ask("ml.test.", "DS")) == [f"ml.test. {digest}"]
    response = ask("test.", "DS")  # nobody above is here: the zone itself says that it has none
    assert [rrset.name.to_text() for rrset in response.authority] == ["test."]


@pytest.mark.parametrize("name", ["other.test.", "test.", ".", "notml.test.", "private.test.", "w.private.test."])
def test_all_other_names_are_refused(ask, book, name):
    book.create("private.test.", "w 60 A 192.0.2.1", visibility="private", networks=("projects/p/global/networks/n",))
    response = ask(name, use_edns=0)
    assert response.rcode() == dns.rcode.REFUSED
    assert not response.flags & dns.flags.AA
    assert not response.answer + response.authority
    (why,) = response.extended_errors()
    assert (why.code, why.text) == (dns.edns.EDECode.NOT_AUTHORITATIVE, f"no public zone here holds {name}")


def test_text_that_is_no_rdata_is_servfail_for_its_name_alone(ask, book, zone):
    book.edit(zone, add="bad 60 A not-an-address")
    assert ask("bad.ml.test.").rcode() == dns.rcode.SERVFAIL
    assert ask("worker-0.job.ml.test.").rcode() == dns.rcode.NOERROR


def test_garbage_over_udp_is_dropped_or_formerr_and_the_server_lives(ask, authoritative):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(30)
        client.connect(authoritative.address)
        for garbage in (b"", b"GET / HTTP/1.1\r\n\r\n"[:11], bytes([0x12, 0x34, 0x80]) + bytes(40)):
            client.send(garbage)  # no header, or a response: no answer
        client.send(bytes([0x56, 0x78, 0x00]) + b"\xff" * 40)
        response = dns.message.from_wire(client.recv(4096))
    assert (response.id, response.rcode()) == (0x5678, dns.rcode.FORMERR)
    assert rdatas(ask("worker-0.job.ml.test.")) == ["worker-0.job.ml.test. 192.0.2.10"]


def _tcp(address: tuple[str, int]) -> socket.socket:
    return socket.create_connection(address, timeout=30)


def test_one_tcp_connection_carries_many_queries_even_sent_at_once_and_in_pieces(authoritative, ask):
    names = [f"worker-{i % 2}.job.ml.test." for i in range(20)]
    queries = [dns.message.make_query(name, "A") for name in names]
    stream = b"".join(query.to_wire(prepend_length=True) for query in queries)
    with _tcp(authoritative.address) as client:
        for piece in (stream[:1], stream[1:50], stream[50:]):  # a length cut in two, then a message
            client.sendall(piece)
            ask("worker-0.job.ml.test.")  # the server has turned to its sockets, this one among them
        responses = [dns.query.receive_tcp(client, time.time() + 30)[0] for _ in queries]
    assert all(query.is_response(response) for query, response in zip(queries, responses, strict=True))
    assert [response.answer[0].name.to_text() for response in responses] == names


@pytest.mark.parametrize("garbage", [b"\0\0", b"\0\5short", b"\0\x0c" + bytes([0, 1, 0x80]) + bytes(9)])
def test_over_tcp_what_deserves_no_answer_ends_the_connection(authoritative, zone, garbage):
    with _tcp(authoritative.address) as client:
        client.sendall(garbage)
        assert client.recv(100) == b""


def test_a_silent_tcp_connection_is_closed_and_a_busy_one_is_not(book, zone, run):
    server = AuthoritativeServer(book, lag=lambda: 0.0, clock=book.clock)
    listener = run(listen(server, "127.0.0.1", 0, idle_seconds=1.0))
    query = dns.message.make_query("worker-0.job.ml.test.", "A")
    try:
        with _tcp(listener.address) as silent, _tcp(listener.address) as busy:
            silent.sendall(b"\0")  # half a length is silence too
            while not select.select([silent], [], [], 0.1)[0]:
                dns.query.send_tcp(busy, query)
                assert dns.query.receive_tcp(busy, time.time() + 30)[0].answer
            assert silent.recv(100) == b""
            dns.query.send_tcp(busy, query)
            assert dns.query.receive_tcp(busy, time.time() + 30)[0].answer
    finally:
        run(listener.close())


def test_a_client_that_hangs_up_leaves_no_trace(authoritative, zone, ask, caplog):
    for sent in (b"", b"\0", b"\0\x20abc", dns.message.make_query("big.ml.test.", "TXT").to_wire(prepend_length=True)):
        with _tcp(authoritative.address) as client:
            client.sendall(sent)
    assert ask("worker-0.job.ml.test.", how=dns.query.tcp).answer
    assert not caplog.records


def test_udp_and_tcp_share_a_free_port_although_others_take_ports_too(book, run):
    listeners = [run(serve_authoritative(book, "127.0.0.1", 0, lag=lambda: 0.0)) for _ in range(20)]
    try:
        assert len({listener.address for listener in listeners}) == 20
        for listener in listeners:
            _tcp(listener.address).close()
    finally:
        for listener in listeners:
            run(listener.close())


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_port_that_is_taken_is_an_error_and_nothing_stays_bound(book, run, kind):
    other = socket.SOCK_DGRAM if kind == socket.SOCK_STREAM else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with contextlib.suppress(OSError):
            taken.listen()
        with pytest.raises(OSError) as failure:  # noqa: PT011 - the message differs from loop to loop, the number not
            run(serve_authoritative(book, "127.0.0.1", port, lag=lambda: 0.0))
        assert failure.value.errno == errno.EADDRINUSE
        with socket.socket(socket.AF_INET, other) as free:
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # somebody's old connection is no listener
            free.bind(("127.0.0.1", port))


def test_after_close_the_port_is_free_and_conversations_have_ended(book, zone, run):
    listener = run(serve_authoritative(book, "127.0.0.1", 0, lag=lambda: 0.0, clock=book.clock))
    with _tcp(listener.address) as client:
        dns.query.send_tcp(client, dns.message.make_query("worker-0.job.ml.test.", "A"))
        assert dns.query.receive_tcp(client, time.time() + 30)[0].answer
        run(listener.close())
        assert client.recv(100) == b""
    run(listener.close())
    again = run(serve_authoritative(book, *listener.address, lag=lambda: 0.0))
    assert again.address == listener.address
    run(again.close())


def patient(book):
    """A listener, to be awaited, that would wait ten minutes for a silent client: longer than a test waits for it."""
    server = AuthoritativeServer(book, lag=lambda: 0.0, clock=book.clock)
    return listen(server, "127.0.0.1", 0, idle_seconds=600.0)


def test_a_client_that_asks_and_does_not_read_holds_up_nobody(book, zone, run):
    listener = run(patient(book))
    query = dns.message.make_query("big.ml.test.", "TXT")
    with _tcp(listener.address) as deaf:
        deaf.settimeout(0.5)
        with pytest.raises(TimeoutError):  # its own buffers are full, and so are the server's
            deaf.sendall(query.to_wire(prepend_length=True) * 500_000)
        host, port = listener.address
        assert dns.query.tcp(query, host, port=port, timeout=30).answer
        run(listener.close())


@pytest.mark.parametrize("turns", range(5))
def test_a_connection_that_arrives_as_the_listener_closes_does_not_hold_it_up(book, run, turns):
    async def connect_and_close() -> None:
        listener = await patient(book)
        with _tcp(listener.address):
            for _ in range(turns):
                await asyncio.sleep(0)
            await listener.close()

    run(connect_and_close())


def test_ipv6_is_served_too(book, zone, run):
    try:
        listener = run(serve_authoritative(book, "::1", 0, lag=lambda: 0.0, clock=book.clock))
    except OSError as error:
        pytest.skip(f"no IPv6 loopback here: {error}")
    query = dns.message.make_query("worker-0.job.ml.test.", "A")
    for how in (dns.query.udp, dns.query.tcp):
        assert how(query, "::1", port=listener.address[1], timeout=30).answer
    run(listener.close())
