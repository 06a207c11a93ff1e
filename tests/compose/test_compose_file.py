"""docker-compose.yml as two compose parsers read it: one fills in variables as compose does, one is strict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose
from cryptography.fernet import Fernet

from deploy import write_env
from tests.compose.config import fill_in, resolve, values

AIRFLOW_SERVICES = {
    "airflow-init",
    "airflow-apiserver",
    "airflow-scheduler",
    "airflow-dag-processor",
    "airflow-triggerer",
}
REQUIRED = (
    "MLDNS_IMAGE",
    "AIRFLOW_JWT_SECRET",
    "AIRFLOW_FERNET_KEY",
    "AIRFLOW_SECRET_KEY",
    "POSTGRES_PASSWORD",
    "AIRFLOW_ADMIN_PASSWORD",
    "AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT",
)


@pytest.fixture(scope="module")
def resolved(env_file: Path) -> str:
    result = resolve(env_file, {"MLDNS_IMAGE": "registry.example.com/mldns:7"})
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def services(resolved: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(resolved)["services"]
    return found


def test_a_strict_parser_accepts_every_key(resolved: str) -> None:
    parsed = PyCompose.from_yaml(resolved).to_spec()
    assert set(parsed.services or {}) == AIRFLOW_SERVICES | {"postgres", "localcloud"}


def test_a_missing_variable_ends_the_command(env_file: Path, tmp_path: Path) -> None:
    (tmp_path / "env").write_text(env_file.read_text().replace("POSTGRES_PASSWORD=", "OTHER="))
    result = resolve(tmp_path / "env")
    assert result.returncode != 0
    assert "POSTGRES_PASSWORD" in result.stderr.splitlines()[-1]


@pytest.mark.parametrize("missing", REQUIRED)
@pytest.mark.parametrize("how", ["absent", "empty"])
def test_a_missing_variable_is_named_with_what_to_do(env_file: Path, missing: str, how: str) -> None:
    variables = values(env_file.read_text())
    assert set(fill_in(missing, variables)) == {variables.pop(missing)}
    with pytest.raises(ValueError, match=f"{missing}.*run `make env`"):
        fill_in(missing, variables | ({missing: ""} if how == "empty" else {}))


def test_all_services_run_one_image_whose_name_is_a_variable(services: dict[str, dict[str, Any]]) -> None:
    images = {name: service["image"] for name, service in services.items()}
    assert images.pop("postgres").startswith("postgres:")
    assert set(images.values()) == {"registry.example.com/mldns:7"}


def test_airflow_services_share_their_secrets_and_find_each_other(services: dict[str, dict[str, Any]]) -> None:
    shared = (
        "AIRFLOW__API_AUTH__JWT_SECRET",
        "AIRFLOW__API__SECRET_KEY",
        "AIRFLOW__CORE__FERNET_KEY",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
    )
    for name in shared:
        values = {services[service]["environment"][name] for service in AIRFLOW_SERVICES}
        assert len(values) == 1, name
        assert values != {""}
    execution_api = services["airflow-scheduler"]["environment"]["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"]
    assert execution_api == "http://airflow-apiserver:8080/execution/"


def test_only_the_ui_is_published_and_only_on_loopback(services: dict[str, dict[str, Any]]) -> None:
    published = {name: service["ports"] for name, service in services.items() if service.get("ports")}
    assert published == {"airflow-apiserver": ["127.0.0.1:8080:8080"]}


def test_every_service_that_stays_has_a_healthcheck(services: dict[str, dict[str, Any]]) -> None:
    assert {name for name, service in services.items() if not service.get("healthcheck")} == {"airflow-init"}


def test_the_written_secrets_are_fresh_valid_and_private(env_file: Path) -> None:
    written = values(env_file.read_text())
    template = (env_file.parent / ".env.example").read_text()
    again = values(write_env.fill(template))
    secret = [name for name, value in values(template).items() if not value]
    assert len(secret) == 5
    assert all(len(written[name]) >= 32 and written[name] != again[name] for name in secret)
    Fernet(written["AIRFLOW_FERNET_KEY"].encode())
    assert env_file.stat().st_mode & 0o077 == 0


def test_an_env_that_is_there_is_left_alone(env_file: Path) -> None:
    before = env_file.read_text()
    assert write_env.main(env_file.parent) == 0
    assert env_file.read_text() == before
