"""Faults on demand: the rules as they are posted, and what a client then meets on the wire."""

from __future__ import annotations

import errno
import random
import socket
import time

import pytest
import requests

FAULTS = "/_localcloud/faults"
CHANGES = "/dns/v1/projects/demo-project/managedZones/ml/changes"
GOOD = {"method": "*", "kind": "status", "status": 500}
RECORD = {"name": "a.ml.example.com.", "type": "A", "ttl": 300, "rrdatas": ["192.0.2.1"]}


@pytest.fixture
def zone(api, cloud) -> None:
    api.zone()
    requests.delete(cloud.api + FAULTS, timeout=30)


def post(cloud, *rules: dict) -> None:
    answer = requests.post(cloud.api + FAULTS, json=list(rules), timeout=30)
    assert answer.status_code == 200, answer.text


def send(cloud, record: dict = RECORD, timeout: float = 30) -> requests.Response:
    return requests.post(cloud.api + CHANGES, json={"additions": [record]}, timeout=timeout)


def outcome(cloud, verb: str, path: str) -> int | str:
    """The HTTP code, or what happened instead."""
    try:
        return requests.request(verb, cloud.api + path, timeout=30).status_code
    except requests.ConnectionError as error:
        return "reset" if "reset" in str(error) else repr(error)


@pytest.mark.usefixtures("zone")
class TestKinds:
    @pytest.mark.parametrize(
        ("status", "reason"),
        [
            (401, "authError"),
            (403, "rateLimitExceeded"),
            (408, "requestTimeout"),
            (429, "rateLimitExceeded"),
            (500, "backendError"),
            (503, "backendError"),
            (504, "backendError"),
        ],
    )
    def test_a_status_is_answered_in_google_s_words_and_nothing_is_done(self, api, cloud, status, reason):
        post(cloud, {"method": "changes.create", "kind": "status", "status": status, "count": 1})
        answer = api.change([RECORD])
        assert answer.problem[:2] == (status, reason)
        assert "status" not in answer.body["error"]  # Cloud DNS says none
        assert ("a.ml.example.com.", "A") not in api.names()
        assert api.change([RECORD]).code == 200
        assert cloud.stats()["changes.create"] == {str(status): 1, "200": 1}

    def test_resource_manager_says_its_status_too(self, api, cloud):
        method = "cloudresourcemanager.projects.setIamPolicy"
        post(cloud, {"method": method, "kind": "status", "status": 503})
        answer = api.post("/v3/projects/demo-project:setIamPolicy", {"policy": {}})
        assert answer.body["error"]["status"] == "UNAVAILABLE"

    def test_a_bad_gateway_speaks_no_json(self, cloud):
        post(cloud, {"method": "*", "kind": "status", "status": 502, "retry_after": 7})
        answer = send(cloud)
        assert (answer.status_code, answer.headers["Retry-After"]) == (502, "7")
        assert answer.headers["Content-Type"].startswith("text/html")
        assert "502" in answer.text

    def test_reset_before_cuts_the_connection_and_does_nothing(self, api, cloud):
        post(cloud, {"method": "changes.create", "kind": "reset-before", "count": 1})
        with pytest.raises(requests.ConnectionError, match="reset"):
            send(cloud)
        assert ("a.ml.example.com.", "A") not in api.names()
        assert cloud.stats()["changes.create"] == {"reset": 1}

    @pytest.mark.parametrize("kind", ["reset-before", "reset-after"])
    def test_a_large_call_is_cut_after_it_was_sent(self, cloud, kind):
        post(cloud, {"method": "changes.create", "kind": kind, "count": 1})
        names = [{**RECORD, "name": f"w{n}.ml.example.com."} for n in range(1000)]
        padded = [{**record, "kind": "x" * 2000} for record in names]
        with pytest.raises(requests.ConnectionError, match="reset"):
            requests.post(cloud.api + CHANGES, json={"additions": padded}, timeout=30)

    def test_reset_after_does_it_and_cuts_the_connection(self, api, cloud):
        post(cloud, {"method": "changes.create", "kind": "reset-after", "count": 1})
        with pytest.raises(requests.ConnectionError, match="reset"):
            send(cloud)
        assert ("a.ml.example.com.", "A") in api.names()
        assert send(cloud).status_code == 409  # it is there
        assert cloud.stats()["changes.create"] == {"reset": 1, "409": 1}

    def test_a_cut_connection_ends_in_a_reset_and_spares_the_others(self, cloud):
        host, port = cloud.api.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=30) as cut, requests.Session() as other:
            other.get(cloud.api + "/_localcloud/stats", timeout=30)
            post(cloud, {"method": "managedZones.list", "kind": "reset-before", "count": 1})
            cut.sendall(b"GET /dns/v1/projects/demo-project/managedZones HTTP/1.1\r\nHost: x\r\n\r\n")
            with pytest.raises(ConnectionResetError) as caught:
                cut.recv(100)
            assert caught.value.errno == errno.ECONNRESET
            assert other.get(cloud.api + "/dns/v1/projects/demo-project/managedZones", timeout=30).status_code == 200

    def test_a_delay_is_slow_and_then_done(self, api, cloud):
        post(cloud, {"method": "changes.create", "kind": "delay", "delay": 0.3, "count": 1})
        started = time.monotonic()
        assert send(cloud).status_code == 200
        assert time.monotonic() - started >= 0.3
        assert cloud.stats()["changes.create"] == {"200": 1}

    def test_a_hung_call_never_answers_and_does_nothing(self, api, cloud):
        post(cloud, {"method": "changes.create", "kind": "hang", "count": 1})
        with pytest.raises(requests.ReadTimeout):
            send(cloud, timeout=0.5)
        assert cloud.stats()["changes.create"] == {"hang": 1}
        assert ("a.ml.example.com.", "A") not in api.names()

    @pytest.mark.parametrize("fault", [{"kind": "hang"}, {"kind": "delay", "delay": 60}])
    def test_waiting_calls_do_not_hold_up_the_end(self, start_cloud, fault):
        cloud = start_cloud()
        post(cloud, {"method": "*", **fault})
        host, port = cloud.api.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=30) as waiting:
            waiting.sendall(b"GET /dns/v1/projects/demo-project/managedZones HTTP/1.1\r\nHost: x\r\n\r\n")
            while requests.get(cloud.api + FAULTS, timeout=30).json()["rules"][0]["fired"] == 0:
                pass
            cloud.process.terminate()
            assert cloud.process.wait(timeout=30) == 0
            with pytest.raises(ConnectionResetError):
                waiting.recv(100)


@pytest.mark.usefixtures("zone")
class TestChoosing:
    ZONE = "/dns/v1/projects/demo-project/managedZones/ml"

    def gets(self, cloud, times: int) -> list[int | str]:
        return [outcome(cloud, "GET", self.ZONE) for _ in range(times)]

    def test_any_method_but_never_the_controls(self, cloud):
        post(cloud, {"method": "*", "kind": "status", "status": 429})
        assert outcome(cloud, "GET", self.ZONE) == outcome(cloud, "GET", "/v3/projects/demo-project") == 429
        assert outcome(cloud, "GET", "/_localcloud/stats") == 200

    def test_chance_is_the_same_every_time(self, cloud):
        rule = {"method": "managedZones.get", "kind": "status", "status": 503, "probability": 0.3, "seed": 7}
        generator = random.Random(7)
        expected = [503 if generator.random() < 0.3 else 200 for _ in range(40)]
        assert {200, 503} == set(expected)
        for _ in range(2):
            requests.delete(cloud.api + FAULTS, timeout=30)
            post(cloud, rule)
            assert self.gets(cloud, 40) == expected

    def test_the_first_rule_that_wants_a_call_has_it_and_rules_do_not_disturb_each_other(self, cloud):
        get = {"method": "managedZones.get", "kind": "status"}
        post(cloud, {**get, "status": 500, "skip": 1, "count": 1}, {**get, "method": "*", "status": 503, "count": 2})
        assert self.gets(cloud, 4) == [503, 500, 503, 200]
        rules = requests.get(cloud.api + FAULTS, timeout=30).json()["rules"]
        assert [(rule["status"], rule["seen"], rule["fired"]) for rule in rules] == [(500, 4, 1), (503, 4, 2)]


class TestRules:
    def test_one_or_many_are_added_listed_and_cleared(self, api, cloud):
        one = {"method": "changes.create", "kind": "delay", "delay": 0.5}
        assert api.post(FAULTS, one).code == 200
        other = {"method": "*", "kind": "hang", "count": 1}
        api.post(FAULTS, [other])
        assert api.get(FAULTS).body["rules"] == [
            {**one, "probability": 1.0, "skip": 0, "seed": 0, "seen": 0, "fired": 0},
            {
                "method": "*",
                "kind": "hang",
                "count": 1,
                "probability": 1.0,
                "skip": 0,
                "seed": 0,
                "seen": 0,
                "fired": 0,
            },
        ]
        assert api.call("DELETE", FAULTS) == (200, {"rules": []})
        assert api.get(FAULTS).body == {"rules": []}

    def test_reset_clears_them(self, api, cloud):
        api.post(FAULTS, {"method": "*", "kind": "hang"})
        cloud.reset()
        assert api.get(FAULTS).body == {"rules": []}

    @pytest.mark.parametrize(
        ("rule", "why"),
        [
            (None, "a rule is a JSON object"),
            ("x", "a rule is a JSON object"),
            ({}, "there is no method None; stats name them, such as 'changes.create', and '*' is any"),
            ({**GOOD, "method": "changes.creat"}, "there is no method 'changes.creat'; stats name them, such as"),
            ({**GOOD, "method": "localcloud.reset"}, "there is no method 'localcloud.reset'"),
            (
                {**GOOD, "kind": "explode"},
                "'kind' is one of status, reset-before, reset-after, delay, hang, not 'explode'",
            ),
            ({**GOOD, "chance": 1}, "'chance' is not one of method, kind, status"),
            ({**GOOD, "status": 418}, "'status' is one of 401, 403, 408, 429, 500, 502, 503, 504, not 418"),
            ({**GOOD, "status": "500"}, "not '500'"),
            ({**GOOD, "status": 500.0}, "not 500.0"),
            ({"method": "*", "kind": "status"}, "kind 'status' needs 'status'"),
            ({"method": "*", "kind": "delay"}, "kind 'delay' needs 'delay'"),
            ({**GOOD, "delay": 1}, "'delay' belongs to kind 'delay', not to 'status'"),
            ({"method": "*", "kind": "hang", "status": 500}, "'status' belongs to kind 'status', not to 'hang'"),
            (
                {"method": "*", "kind": "hang", "retry_after": 1},
                "'retry_after' belongs to kind 'status', not to 'hang'",
            ),
            ({**GOOD, "reason": "forbidden"}, "'reason' belongs to status 403"),
            ({**GOOD, "status": 403, "reason": "x"}, "is one of rateLimitExceeded, userRateLimitExceeded"),
            ({**GOOD, "retry_after": 0.5}, "'retry_after' is a whole number from 0 to 3,600, not 0.5"),
            ({**GOOD, "probability": 2}, "'probability' is a number from 0 to 1, not 2"),
            ({**GOOD, "probability": True}, "'probability' is a number from 0 to 1, not True"),
            ({**GOOD, "probability": 0}, "a rule of 'probability' 0 would never fire"),
            ({**GOOD, "count": 0}, "'count' is a whole number from 1 to "),
            ({**GOOD, "skip": -1}, "'skip' is a whole number from 0 to "),
            ({**GOOD, "skip": None}, "'skip' is a whole number from 0 to "),
            ({**GOOD, "seed": "x"}, "'seed' is a whole number from 0 to "),
            ({"method": "*", "kind": "delay", "delay": 4000}, "'delay' is a number from 0 to 3,600, not 4000"),
        ],
    )
    def test_a_bad_rule_is_refused_in_one_line_and_so_is_its_list(self, api, rule, why):
        for sent in (rule, [GOOD, rule]):
            code, reason, message = api.post(FAULTS, sent).problem
            assert (code, reason) == (400, "invalid")
            assert message.startswith("Invalid fault: ")
            assert why in message
            assert "\n" not in message
        assert api.get(FAULTS).body == {"rules": []}

    @pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
    def test_numbers_that_are_none(self, cloud, number):
        body = f'{{"method": "*", "kind": "delay", "delay": {number}}}'
        answer = requests.post(cloud.api + FAULTS, data=body, timeout=30)
        assert answer.status_code == 400
        assert "'delay' is a number" in answer.json()["error"]["message"]

    @pytest.mark.parametrize("path", [FAULTS, "/_localcloud/quota"])
    def test_what_is_no_json_is_refused(self, cloud, path):
        answer = requests.post(cloud.api + path, data="{", timeout=30)
        assert answer.status_code == 400
        assert answer.json()["error"]["errors"][0]["reason"] == "parseError"
