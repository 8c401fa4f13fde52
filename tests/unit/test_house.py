"""The house: rooms import only rooms above them, and only by their public face."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import sipetl

HOUSE = Path(sipetl.__file__).parent
ORDER = (
    ("errors", "settings", "privacy", "rendering", "repeats"),
    ("registry",),
    ("warehouse",),
    ("intake",),
    ("quality",),
    ("lake",),
    ("arrivals",),
    ("metrics",),
    ("plans",),
    ("readiness",),
    ("disclosure",),
    ("publish",),
    ("reports",),
    ("pipeline",),
    ("demo",),
    ("cli", "__main__"),
)
"""The rooms from the top (design/architecture.md, "Rooms")."""
FLOOR = {room: floor for floor, rooms in enumerate(ORDER) for room in rooms}
HEAVY = ("great_expectations", "pandas", "airflow")
"""Never loaded by importing the library: GX takes seconds, and airflow is wiring."""


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Modules of sipetl that a file imports, with the line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names if alias.name.startswith("sipetl"))
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("sipetl"):
            names = (
                [f"{node.module}.{alias.name}" for alias in node.names] if node.module == "sipetl" else [node.module]
            )
            yield from ((name, node.lineno) for name in names)


def room_of(path: Path) -> str:
    return path.relative_to(HOUSE).parts[0].removesuffix(".py")


FILES = [p for p in sorted(HOUSE.rglob("*.py")) if p.name != "__init__.py" or p.parent != HOUSE]


def test_every_room_has_its_place() -> None:
    rooms = {room_of(p) for p in FILES}
    assert rooms == set(FLOOR)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(HOUSE)))
def test_room_imports_only_rooms_above(path: Path) -> None:
    own = room_of(path)
    below = [
        f"{path.name}:{line} imports {name}"
        for name, line in imports(path)
        if len(name.split(".")) > 1 and (other := name.split(".")[1]) != own and FLOOR[other] > FLOOR[own]
    ]
    assert below == []


def test_demo_stands_outside_the_pipeline() -> None:
    known = {name for p in (HOUSE / "demo").rglob("*.py") for name, _ in imports(p)}
    foreign = {n for n in known if not n.startswith(("sipetl.demo", "sipetl.registry", "sipetl.errors"))}
    assert foreign == set()


def test_library_loads_nothing_heavy() -> None:
    code = f"import sys, sipetl.cli; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
