"""The compose file and its secrets, without a container: `test_deployed` runs its commands natively."""

from __future__ import annotations

import base64
import importlib.machinery
import importlib.util
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from tests.flows.airflow_home import local
from tests.flows.deployment import (
    COMPOSE,
    DEPLOY,
    EXAMPLE,
    PARTS,
    VARIABLE,
    WORKER,
    env,
    filled,
    make_env,
    read_env,
    secret_names,
    services,
)
from tests.home import ROOT

LOCAL_ALONE = {"AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT", "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL", "SIPETL_AS_OF"}
"""What `make airflow` sets for its own ends: a free port, quick looks, the demo's day."""


def compose(*arguments: str, given: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Debian's docker-compose (version 1), which reads the file by itself."""
    program = shutil.which("docker-compose")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("docker-compose is absent, and CI must have it: scripts/system-deps")
        pytest.skip("Debian's docker-compose is not installed")
    environment = {"PATH": os.environ["PATH"], **given}
    command = [program, "--file", str(COMPOSE), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=DEPLOY)


def test_the_compose_file_fits_the_compose_specification() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_debians_compose_reads_it_as_we_do() -> None:
    done = compose("config", given=env())

    assert done.returncode == 0, done.stderr
    read = filled(yaml.safe_load(done.stdout), env())["services"]  # what it writes is a compose file again
    assert (
        set(read) == set(services()) == {*PARTS, "init", "metadata", "warehouse", "sftp", "mail", "redis", "worker"}
    )
    for name, service in services().items():
        assert read[name].get("environment", {}) == service.get("environment", {})
        assert read[name].get("command") == service.get("command")


def test_workers_and_redis_come_with_the_profile_alone(tmp_path: Path) -> None:
    celery = make_env(tmp_path / "env", "--celery")

    assert {name: s["profiles"] for name, s in services().items() if "profiles" in s} == {
        "redis": ["celery"],
        "worker": ["celery"],
    }
    assert (env()["COMPOSE_PROFILES"], env()["AIRFLOW_EXECUTOR"]) == ("", "LocalExecutor")
    assert (celery["COMPOSE_PROFILES"], celery["AIRFLOW_EXECUTOR"]) == ("celery", "CeleryExecutor")


@pytest.mark.parametrize("secret", secret_names())
def test_nothing_starts_while_a_secret_is_missing(secret: str) -> None:
    for given in (env() | {secret: ""}, {name: value for name, value in env().items() if name != secret}):
        done = compose("config", given=given)
        assert done.returncode != 0
        assert secret in done.stderr
        assert "make-env" in done.stderr


def test_every_variable_is_in_the_example_and_is_used() -> None:
    used = {name for name, _ in VARIABLE.findall(COMPOSE.read_text("utf-8"))}

    assert used == set(read_env(EXAMPLE)) - {"COMPOSE_PROFILES"}  # compose's own
    assert len(VARIABLE.findall(COMPOSE.read_text("utf-8"))) == COMPOSE.read_text("utf-8").count("${")


def test_the_example_holds_no_secret_and_none_is_written_into_the_file() -> None:
    text = COMPOSE.read_text("utf-8")

    assert len(secret_names()) == 9
    assert all(f"${{{name}:?" in text for name in secret_names())
    for name, value in re.findall(r"^ +(\w*(?:PASSWORD|SECRET|FERNET)\w*): (.+)$", text, re.MULTILINE):
        assert VARIABLE.fullmatch(value) or value.startswith("/"), name
    assert all(VARIABLE.fullmatch(password) for password in re.findall(r"://\w*:(.+?)@", text))


def test_make_env_writes_random_secrets_for_its_owner_alone_and_never_overwrites(tmp_path: Path) -> None:
    first, second = make_env(tmp_path / "first", "--celery"), make_env(tmp_path / "second")

    assert stat.S_IMODE((tmp_path / "first").stat().st_mode) == 0o600
    made = [written[name] for written in (first, second) for name in secret_names()]
    assert len(set(made)) == 2 * len(secret_names())
    sizes = {name: len(base64.urlsafe_b64decode(first[name])) for name in secret_names()}
    assert sizes == {name: 64 if name == "AIRFLOW_JWT_SECRET" else 32 for name in secret_names()}
    assert {name: value for name, value in second.items() if name not in secret_names()} == {
        name: value for name, value in read_env(EXAMPLE).items() if name not in secret_names()
    }
    with pytest.raises(subprocess.CalledProcessError) as refused:
        make_env(tmp_path / "first")
    assert b"is there already" in refused.value.stderr
    assert make_env(tmp_path / "third") != first


def test_the_mail_server_of_compose_is_the_one_that_notices_are_sent_by() -> None:
    loader = importlib.machinery.SourceFileLoader("init", str(DEPLOY / "image" / "init"))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec
    init = importlib.util.module_from_spec(spec)
    loader.exec_module(init)

    made = init.connections(filled(services()["init"]["environment"], env()))

    sent_by = re.search(r'^CONNECTION = "(\w+)"$', (ROOT / "dags" / "notices.py").read_text("utf-8"), re.MULTILINE)
    assert sent_by
    assert set(made) == {"sipetl_warehouse", sent_by[1]}
    assert (made[sent_by[1]]["host"], made[sent_by[1]]["port"]) == ("mail", 1025)


def test_every_service_has_a_health_check_and_waits_for_the_init_job() -> None:
    assert {name for name, service in services().items() if "healthcheck" not in service} == {"init"}
    for part in (*PARTS, "worker"):
        assert services()[part]["depends_on"]["init"] == {"condition": "service_completed_successfully"}
    for service in services().values():
        for needed, how in service.get("depends_on", {}).items():
            assert how["condition"] != "service_healthy" or "healthcheck" in services()[needed]


def test_services_run_what_make_airflow_runs_in_the_same_environment(tmp_path: Path) -> None:
    (tmp_path / "airflow").mkdir()
    own = local.settings_of(tmp_path, "postgresql://", port=8080, as_of="2026-01-30")
    wanted = {name for name in own if name.startswith(("AIRFLOW_", "SIPETL_"))} - LOCAL_ALONE

    assert set(local.PARTS) < set(PARTS)
    for part in PARTS:
        assert services()[part]["command"] == ["airflow", part]
        assert wanted <= set(services()[part]["environment"])
    assert services()["worker"]["command"] == WORKER
    assert len({str(services()[part]["environment"]) for part in (*PARTS, "worker")}) == 1


def test_airflow_knows_every_command_of_services_health_checks_and_values() -> None:
    commands = [services()[part]["command"] for part in (*PARTS, "worker")]
    commands += [
        test[1:]
        for s in services().values()
        if (test := s.get("healthcheck", {}).get("test", [""]))[1:2] == ["airflow"]
    ]
    program = "import json, sys\nfrom airflow.cli.cli_parser import get_parser\n"
    program += "import airflow.providers.celery.executors.celery_executor_utils\n"  # what a worker begins with
    program += "for command in json.loads(sys.argv[1]): get_parser().parse_args(command[1:])"

    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(commands)], capture_output=True, text=True, check=False
    )

    assert len(commands) == 8
    assert done.returncode == 0, done.stderr[-2000:]


def test_only_who_runs_tasks_reaches_student_rows_and_the_key() -> None:
    private = {"landing", "lake", "key", "inbox"}
    mounts = {
        name: {volume.split(":")[0]: volume for volume in service.get("volumes", ())}
        for name, service in services().items()
    }

    assert {name for name, found in mounts.items() if private & set(found)} == {"init", "scheduler", "worker", "sftp"}
    assert set(mounts["sftp"]) & private == {"inbox"}
    for name in ("scheduler", "worker"):
        assert mounts[name]["key"].endswith(":ro")
        assert mounts[name]["registry"].endswith(":ro")
        assert mounts[name]["inbox"].endswith(":ro")
    assert all(services()[name]["user"] == "50000:0" for name in (*PARTS, "worker", "init"))
