"""The wheel holds everything the package reads: contracts, layouts, SQL, templates, migrations, suites."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_wheel_holds_the_package_data(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")

    names = set(zipfile.ZipFile(wheel).namelist())

    wanted = {p.relative_to(ROOT).as_posix() for p in (ROOT / "sipetl").rglob("*") if p.is_file()}
    wanted = {name for name in wanted if "__pycache__" not in name}
    wanted |= {f"sipetl/expectations/{p.name}" for p in (ROOT / "expectations").glob("*.json")}
    assert wanted - names == set()
