"""The image, its install, and the values with which it runs in Kubernetes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.flows.deployment import DEPLOY, WORKER, services
from tests.home import ROOT

HELM = DEPLOY / "helm-values.yaml"


def test_every_image_is_pinned_and_ours_have_the_projects_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    images = {str(service["image"]) for service in services().values()}
    images |= {
        image
        for file in (DEPLOY).rglob("Dockerfile")
        for image in re.findall(r"^FROM (\S+)", file.read_text("utf-8"), re.MULTILINE)
    }

    assert all(re.search(r":v?\d+\.\d+", image) for image in images)
    assert {image for image in images if image.startswith("sipetl/")} == {
        f"sipetl/airflow:{version}",
        f"sipetl/sftp:{version}",
    }
    assert yaml.safe_load(HELM.read_text("utf-8"))["defaultAirflowTag"] == version


def test_new_volumes_take_their_owner_from_the_image() -> None:
    made = (DEPLOY / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    folders = {
        folder: mode
        for mode, listed in re.findall(
            r"install --directory --owner=50000 --group=0 --mode=(\d+)((?:\s+/\S+)+)", made
        )
        for folder in listed.split()
    }
    mounted = {volume.split(":")[1] for part in ("init", "worker") for volume in services()[part]["volumes"]}

    assert mounted <= set(folders)
    assert {folder for folder, mode in folders.items() if mode == "0700"} == {
        f"/srv/sipetl/{name}" for name in ("landing", "lake", "key")
    }


def test_the_image_gets_what_it_copies_and_nothing_else_of_the_project() -> None:
    lines = (DEPLOY / "Dockerfile").read_text("utf-8").splitlines()
    copied = {source for line in lines if line.startswith("COPY") for source in line.split()[1:-1]}
    let = {
        line[1:]
        for line in (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
        if line.startswith("!")
    }

    assert copied == let
    assert all((ROOT / source).exists() for source in copied)


def test_the_images_install_resolves_from_the_lock_in_a_fresh_environment(tmp_path: Path) -> None:
    done = install(tmp_path / "venv", "--dry-run")

    assert done.returncode == 0, done.stderr
    assert " + apache-airflow==3.3.2" in done.stderr


@pytest.mark.slow
@pytest.mark.airflow
def test_the_images_install_runs_and_gives_both_programs(tmp_path: Path) -> None:
    begun = time.monotonic()
    done = install(tmp_path / "venv", "--quiet")
    assert done.returncode == 0, done.stderr
    print(f"the image's install: {time.monotonic() - begun:.0f} s")  # noqa: T201

    home = {"AIRFLOW_HOME": str(tmp_path / "airflow"), "PATH": f"{tmp_path / 'venv/bin'}:{os.environ['PATH']}"}
    for command, told in ((["airflow", "version"], "3.3.2"), (["sipetl", "--help"], "District extracts")):
        said = subprocess.run(command, env=home, capture_output=True, text=True, check=True, cwd=tmp_path)
        assert told in said.stdout


def install(target: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(DEPLOY / "image" / "install"), str(target), *arguments]
    environment = os.environ | {"PYTHON": sys.executable}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_helm_values_name_secrets_and_run_what_compose_runs() -> None:
    values = yaml.safe_load(HELM.read_text("utf-8"))
    of = {"scheduler": "scheduler", "dag-processor": "dagProcessor", "triggerer": "triggerer"}
    environment = services()["scheduler"]["environment"]

    assert values["apiServer"]["args"] == services()["api-server"]["command"]
    for part, key in of.items():
        assert values[key]["args"] == services()[part]["command"]
        assert values[key]["livenessProbe"]["command"] == services()[part]["healthcheck"]["test"][1:]
    assert values["workers"]["celery"]["args"] == WORKER
    assert (
        values["workers"]["celery"]["livenessProbe"]["command"][-1] == services()["worker"]["healthcheck"]["test"][1]
    )
    assert values["migrateDatabaseJob"]["args"] == services()["init"]["command"]
    assert {e["name"]: e["value"] for e in values["env"]}.items() <= environment.items()
    patience = values["config"]["celery_broker_transport_options"]["visibility_timeout"]
    assert str(patience) == environment["AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT"]
    assert patience > values["config"]["execution_api"]["jwt_expiration_time"], "no task runs that long"
    core = values["config"]["core"]
    assert core["simple_auth_manager_users"] == environment["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"]
    assert (
        core["simple_auth_manager_passwords_file"] == environment["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"]
    )


def test_helm_values_hold_no_secret_and_use_no_default_of_the_chart() -> None:
    values = yaml.safe_load(HELM.read_text("utf-8"))

    assert not re.search(
        r"(?i)\b(password|pass|secret|connection|fernetKey|jwtSecret): ['\"\w]", HELM.read_text("utf-8")
    )
    for name in ("fernetKeySecretName", "apiSecretKeySecretName", "jwtSecretName"):
        assert values[name].startswith("sipetl-")
    assert set(values["data"]) == {"metadataSecretName", "brokerUrlSecretName"}
    assert values["redis"]["passwordSecretName"]
    assert not values["createUserJob"]["enabled"]  # the chart's makes admin with the password admin
    assert not values["postgresql"]["enabled"]  # the chart's has the password postgres
