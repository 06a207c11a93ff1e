"""How requests may be written: what Google's front ends take from clients that none of us wrote."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import socket
import time

import pytest
import requests

from localcloud.bodies import MAX_BODY

PROJECT = "/dns/v1/projects/demo-project"
ZONES = f"{PROJECT}/managedZones"
ZONE = {"name": "ml", "dnsName": "ml.example.com.", "description": "training"}
BODY = json.dumps(ZONE).encode()
PACKED = gzip.compress(BODY, mtime=0)  # with the time in it, two processes would see two tests
READ = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def connection(cloud):
    """One kept connection, on which a request is what the test writes."""
    connection = http.client.HTTPConnection(cloud.api.removeprefix("http://"), timeout=30)
    yield connection
    connection.close()


def ask(connection, verb, path, body=None, **headers):
    connection.request(verb, path, body, {key.replace("_", "-"): value for key, value in headers.items()})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def test_the_media_type_is_spelt_out(cloud):
    for path in (ZONES, f"{ZONES}/none", "/elsewhere"):
        answer = requests.get(cloud.api + path, timeout=30)
        assert answer.headers["Content-Type"] == "application/json; charset=UTF-8"


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip"])
def test_a_packed_body(connection, encoding):
    code, zone = ask(connection, "POST", ZONES, PACKED, content_encoding=encoding)
    assert (code, zone["name"]) == (200, "ml")


@pytest.mark.parametrize("packed", [b"{}", PACKED[:20], PACKED[:-4] + bytes(4)], ids=["not", "in part", "wrong length"])
def test_a_body_that_is_not_as_packed_as_it_says(connection, packed):
    code, refusal = ask(connection, "POST", ZONES, packed, content_encoding="gzip")
    assert (code, refusal["error"]["errors"][0]["reason"]) == (400, "parseError")
    assert ask(connection, "GET", ZONES)[1]["managedZones"] == []


def test_a_body_in_chunks_and_without_a_type(connection):
    code, zone = ask(connection, "POST", ZONES, iter([BODY[:10], BODY[10:]]))
    assert (code, zone["name"]) == (200, "ml")


def test_a_post_that_stands_for_another_method(connection):
    ask(connection, "POST", ZONES, BODY)
    zone = f"{ZONES}/ml"
    patch = json.dumps({"labels": {"a": "b"}})
    code, operation = ask(connection, "POST", zone, patch, x_http_method_override="PATCH")
    assert (code, operation["zoneContext"]["newValue"]["labels"]) == (200, {"a": "b"})
    assert ask(connection, "POST", zone, x_http_method_override="delete") == (200, {})


def test_a_get_too_long_for_a_url(connection):
    """google-api-python-client and Google's Java client turn it into a POST of its query."""
    ask(connection, "POST", ZONES, BODY)
    query = "filter=name%3D%22ml.example.com.%22" + "+" * 3000 + "&maxResults=1"
    form = {"x_http_method_override": "GET", "content_type": "application/x-www-form-urlencoded"}
    code, page = ask(connection, "POST", f"{ZONES}/ml/rrsets", query, **form)
    assert (code, [rrset["type"] for rrset in page["rrsets"]]) == (200, ["NS"])
    assert "nextPageToken" in page


def test_only_a_post_may_stand_for_another_method(connection):
    ask(connection, "POST", ZONES, BODY)
    assert ask(connection, "GET", f"{ZONES}/ml", x_http_method_override="DELETE")[0] == 200
    assert ask(connection, "GET", f"{ZONES}/ml")[0] == 200


def test_v1beta2_is_v1(connection):
    beta = ZONES.replace("/v1/", "/v1beta2/")
    assert ask(connection, "POST", beta, BODY)[1] == ask(connection, "GET", f"{ZONES}/ml")[1]
    record = {"name": "a.ml.example.com.", "type": "A", "ttl": 300, "rrdatas": ["192.0.2.1"]}
    assert ask(connection, "POST", f"{beta}/ml/changes", json.dumps({"additions": [record]}))[0] == 200
    assert ask(connection, "GET", f"{ZONES}/ml/rrsets/a.ml.example.com./A")[0] == 200


def test_gcloud_asks_v2_for_a_zone_s_policy(connection):
    ask(connection, "POST", ZONES, BODY)
    zone = "/dns/v2/projects/demo-project/locations/global/managedZones/ml"
    bindings = [{"role": "roles/dns.reader", "members": ["user:a@example.com"]}]
    written = ask(connection, "POST", f"{zone}:setIamPolicy", json.dumps({"policy": {"bindings": bindings}}))
    assert (written[0], written[1]["bindings"]) == (200, bindings)
    for path in (zone, f"{ZONES}/ml"):
        assert ask(connection, "POST", f"{path}:getIamPolicy", "{}") == written
    assert ask(connection, "GET", zone)[0] == 501


def test_a_connection_outlives_refusals(connection):
    answers = [
        ask(connection, "GET", f"{ZONES}/none"),
        ask(connection, "POST", ZONES, b"{"),
        ask(connection, "POST", ZONES, b"\x1f\x8b", content_encoding="gzip"),
        ask(connection, "GET", "/elsewhere"),
        ask(connection, "POST", ZONES, BODY),
    ]
    assert [code for code, _ in answers] == [404, 400, 400, 501, 200]


def test_a_body_that_breaks_off_does_nothing(cloud):
    host, port = cloud.api.removeprefix("http://").rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=30) as stream:
        stream.sendall(f"POST {ZONES} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(BODY)}\r\n\r\n".encode() + BODY[:20])
    deadline = time.monotonic() + 60
    while not cloud.stats():
        assert time.monotonic() < deadline
    assert cloud.stats() == {"managedZones.create": {"400": 1}}
    assert requests.get(cloud.api + ZONES, timeout=30).json()["managedZones"] == []


@pytest.mark.parametrize(
    ("request_line", "headers", "first_line"),
    [
        (f"GET http://dns.googleapis.com{PROJECT}?alt=json HTTP/1.1", "Host: dns.googleapis.com\r\n", READ),
        (f"GET {PROJECT} HTTP/1.0", "", READ),
        (f"GET {PROJECT.replace('-', '%2D')} HTTP/1.1", "Host: x\r\n", READ),
        (f"HEAD {PROJECT} HTTP/1.1", "Host: x\r\n", READ),
        (
            f"POST {ZONES} HTTP/1.1",
            f"Host: x\r\nExpect: 100-continue\r\nContent-Length: {len(BODY)}\r\n",
            b"HTTP/1.1 100 Continue\r\n",
        ),
    ],
    ids=["absolute form", "HTTP/1.0", "percent-encoded", "HEAD", "100-continue"],
)
def test_unusual_but_right_http(cloud, request_line, headers, first_line):
    host, port = cloud.api.removeprefix("http://").rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=30) as stream:
        stream.sendall(f"{request_line}\r\n{headers}\r\n".encode())
        assert stream.makefile("rb").readline() == first_line


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.test"}, {"Origin": "null"}, {"Sec_Fetch_Site": "cross-site"}]
)
def test_a_web_page_is_not_served(cloud, headers):
    """A form of text/plain needs no preflight: without this any page could edit zones through somebody's browser."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    refused = requests.post(cloud.api + ZONES, data=BODY, headers={"Content-Type": "text/plain", **named}, timeout=30)
    assert (refused.status_code, refused.text) == (403, "localcloud answers programs, not web pages\n")
    assert requests.post(f"{cloud.api}/_localcloud/reset", headers=named, timeout=30).status_code == 403
    assert requests.get(cloud.api + ZONES, timeout=30).json()["managedZones"] == []


def test_a_person_may_look_with_a_browser(cloud):
    answer = requests.get(cloud.api + ZONES, headers={"Sec-Fetch-Site": "none"}, timeout=30)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("dns.googleapis.com", 200),  # through a proxy
        ("localcloud:8053", 200),  # a container's name
        ("127.0.0.9", 200),
        ("[::1]:8053", 200),
        ("LocalCloud.Corp.test:80", 200),  # --host-name
        ("evil.test", 421),  # a web page's own name that points here: DNS rebinding
        ("localhost.evil.test:8053", 421),
        ("googleapis.com.evil.test.", 421),
        ("127.0.0.1.evil.test", 421),
        ("evil.test]", 421),
    ],
)
def test_a_host_that_could_be_a_web_page_s_is_refused(named_cloud, host, code):
    answer = requests.get(named_cloud.api + ZONES, headers={"Host": host}, timeout=30)
    assert answer.status_code == code
    reset = requests.post(f"{named_cloud.api}/_localcloud/reset", headers={"Host": host}, timeout=30)
    assert reset.status_code == code
    assert code == 200 or "--host-name" in answer.text


@pytest.fixture(scope="module")
def named_cloud():
    from tests.cloud_fixture import launch

    cloud = launch("--host-name", "localcloud.corp.test", "--request-ms", "400")
    yield cloud
    cloud.stop()


@pytest.mark.parametrize("path", [ZONES, "/token", "/_localcloud/pods"])
@pytest.mark.parametrize("how", ["announced", "in chunks", "packed"])
def test_a_body_beyond_the_bound_is_413_and_the_connection_lives(connection, path, how):
    headers: dict[str, str] = {}
    body: object = iter([bytes(1 << 20)] * 17)
    if how == "announced":
        connection.request("POST", path, headers={"Content-Length": str(1 << 40)})
    else:
        if how == "packed":
            body, headers = gzip.compress(bytes(MAX_BODY + 1)), {"Content-Encoding": "gzip"}
        connection.request("POST", path, body, headers)
    answer = connection.getresponse()
    refusal = json.loads(answer.read())
    if how == "packed" and path == "/token":  # a form is not unpacked
        assert answer.status == 400
    else:
        assert (answer.status, refusal["error"]["errors"][0]["reason"]) == (413, "uploadTooLarge")


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-",
        b"POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1",
    ],
    ids=["nothing", "half a line", "half a header", "half a body"],
)
def test_a_request_that_does_not_end_is_cut_and_holds_up_nobody(named_cloud, sent):
    host, port = named_cloud.api.removeprefix("http://").rsplit(":", 1)
    slow = [socket.create_connection((host, int(port)), timeout=30) for _ in range(50)]
    for stream in slow:
        stream.sendall(sent)
    assert requests.get(named_cloud.api + ZONES, timeout=30).status_code == 200
    for stream in slow:
        assert ended(stream)
        stream.close()


def test_a_second_request_on_a_kept_connection_has_its_own_time(named_cloud):
    host, port = named_cloud.api.removeprefix("http://").rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=30) as stream:
        stream.sendall(f"GET {PROJECT} HTTP/1.1\r\nHost: x\r\n\r\nGET {PROJECT}".encode())
        answer = stream.makefile("rb").readline()
        assert answer == READ
        assert ended(stream)


def ended(stream: socket.socket) -> bool:
    """Whether the server closes the connection, read to its end; a timeout raises."""
    with contextlib.suppress(ConnectionResetError):
        while stream.recv(65_536):
            pass
    return True
