"""`make clean`: a home goes with its servers, also what of them lies outside; one that is in use stays."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sipetl.warehouse import embedded
from tests.home import ROOT

SCRIPT = str(ROOT / "scripts" / "remove-homes")
SERVERS = ("warehouse", "airflow/metadata")


def remove(*homes: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPT, *map(str, homes)], capture_output=True, text=True, check=False, cwd=ROOT
    )


def test_a_home_goes_with_both_its_servers(tmp_path: Path) -> None:
    home = tmp_path / "airflow-home"
    folders = []
    for name in SERVERS:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        embedded.use(home / name).close()
        folders.append(embedded.status(home / name).folder)
    assert all(folder.is_dir() for folder in folders)

    done = remove(home, tmp_path / "never-made")

    assert done.returncode == 0, done.stderr
    assert not home.exists()
    assert not any(folder.exists() for folder in folders)


def test_a_home_in_use_stays_whole(tmp_path: Path) -> None:
    home = tmp_path / "demo-home"
    home.mkdir()
    try:
        with embedded.use(home / "warehouse"):
            done = remove(home)
            assert embedded.status(home / "warehouse").running
    finally:
        embedded.remove(home / "warehouse")

    assert done.returncode != 0
    assert "is kept" in done.stderr
    assert "Traceback" not in done.stderr
    assert home.is_dir()
