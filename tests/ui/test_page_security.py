"""Who gets what of the page: a stranger nothing, a viewer the files, and nobody a way to write."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from mldns import ui
from mldns.ui.app import URL_PREFIX, make_app

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

STATIC = sorted(path.name for path in (Path(ui.__file__).parent / "static").iterdir())
PAGES = [f"{URL_PREFIX}/", f"{URL_PREFIX}/run?dag_id=emit_events&run_id=x"]
EVERYTHING = [*PAGES, *(f"{URL_PREFIX}/static/{name}" for name in STATIC)]


def test_the_list_above_is_every_route_of_the_application() -> None:
    paths = {getattr(route, "path", None) for route in make_app().routes}
    assert paths == {"/", "/run", "/static/{name}"}


@pytest.mark.parametrize("path", EVERYTHING)
@pytest.mark.parametrize(("who", "status"), [("nobody", 401), ("stranger", 403), ("viewer", 200), ("admin", 200)])
def test_only_users_who_may_see_plugins_get_it(
    clients: dict[str, httpx.Client], who: str, status: int, path: str
) -> None:
    answer = clients[who].get(path)
    assert answer.status_code == status
    if status != 200:
        assert "mldns" not in answer.text.lower()


@pytest.mark.parametrize("path", EVERYTHING)
def test_a_forged_token_opens_nothing(clients: dict[str, httpx.Client], path: str) -> None:
    forged = {"Authorization": "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.AAAA"}
    assert clients["nobody"].get(path, headers=forged).status_code in {401, 403}
    assert clients["nobody"].get(path, headers={"Cookie": "_token=AAAA"}).status_code in {401, 403}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", EVERYTHING)
def test_nothing_can_be_written(clients: dict[str, httpx.Client], method: str, path: str) -> None:
    assert clients["admin"].request(method, path).status_code == 405


@pytest.mark.parametrize("path", ["docs", "redoc", "openapi.json", "docs/oauth2-redirect"])
def test_nothing_describes_the_application(clients: dict[str, httpx.Client], path: str) -> None:
    assert clients["admin"].get(f"{URL_PREFIX}/{path}").status_code == 404


@pytest.mark.parametrize("path", ["run/", "static", "static/style.css/"])
def test_no_redirect_repeats_the_host_that_a_request_names(clients: dict[str, httpx.Client], path: str) -> None:
    answer = clients["viewer"].get(f"{URL_PREFIX}/{path}", headers={"Host": "elsewhere.example"})
    assert answer.status_code == 404
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    "name", ["../app.py", "..%2fapp.py", "%2e%2e/app.py", "....//app.py", "/etc/passwd", "nothing.js"]
)
def test_no_path_leads_out_of_the_files(clients: dict[str, httpx.Client], name: str) -> None:
    answer = clients["admin"].get(f"{URL_PREFIX}/static/{name}")
    assert "requires_access_view" not in answer.text
    assert "root:" not in answer.text
    assert answer.status_code in {200, 404}
    if answer.status_code == 200:  # the path was Airflow's own by then, which answers its start page for everything
        assert "<title>Airflow" in answer.text


@pytest.mark.parametrize("who", ["nobody", "viewer"])
@pytest.mark.parametrize("path", EVERYTHING)
def test_the_browser_is_told_to_run_nothing_but_our_files(
    clients: dict[str, httpx.Client], who: str, path: str
) -> None:
    headers = clients[who].get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'self'"
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", [name for name in STATIC if name.endswith((".js", ".html"))])
def test_no_file_makes_markup_of_text_or_loads_from_elsewhere(name: str) -> None:
    text = (Path(ui.__file__).parent / "static" / name).read_text()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)
    assert set(re.findall(r"https?://[^\s\"'`]+", text)) <= {"http://www.w3.org/2000/svg"}


def test_what_it_weighs(clients: dict[str, httpx.Client]) -> None:
    weight = sum(len(clients["viewer"].get(path).content) for path in EVERYTHING)
    assert weight < 150_000
