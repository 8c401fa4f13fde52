"""The registry in brief: what DAG files need of it at parse time, in one small JSON file beside it.

Airflow parses every DAG file again and again, and four hundred districts are megabytes of YAML. So the checked
registry is told in brief once per change (`python -m sipetl.registry.compact HOME`), and the brief outlives a registry
that is broken: DAGs keep their last good state, and the faults stand in the brief too.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sipetl.registry.models import FeedName

if TYPE_CHECKING:
    from sipetl.registry.load import Registry

FILE = "registry.compact.json"
MOST_FAULTS = 20
CHECK_SECONDS = 25
"""Airflow gives a DAG file 30 s; the check of 400 districts takes 3."""


@dataclass(frozen=True, slots=True)
class Compact:
    """The registry in brief; as it is here, of a home whose registry lies on another host."""

    time_zone: str = "America/New_York"
    feeds: tuple[str, ...] = tuple(feed.value for feed in FeedName)
    districts: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()
    """Of inboxes that are not folders here: sftp, s3."""
    faults: tuple[str, ...] = ()
    stamp: str = ""
    """Of the files this was told from."""


def read_compact(home: Path) -> Compact:
    """What was told last. It never raises: what cannot be read is as if it were not there."""
    try:
        kept: dict[str, Any] = json.loads((home / FILE).read_text(encoding="utf-8"))
        read: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in kept.items()}
        return Compact(**read)
    except (OSError, ValueError, TypeError, AttributeError):
        return Compact()


def known(home: Path) -> Compact:
    """What was told last; at the first parse of a home, what is told now. It never raises either."""
    if (home / FILE).exists():
        return read_compact(home)
    try:
        return refreshed(home)
    except (OSError, subprocess.SubprocessError):
        return Compact()


def refreshed(home: Path) -> Compact:
    """What holds of the registry now. Where its files changed they are checked first, in a process of its own."""
    kept = read_compact(home)
    if not (home / "registry").is_dir() or kept.stamp == stamp(home):
        return kept
    command = [sys.executable, "-m", "sipetl.registry.compact", str(home)]
    subprocess.run(command, check=True, capture_output=True, timeout=CHECK_SECONDS)  # noqa: S603 (our own module)
    return read_compact(home)


def stamp(home: Path) -> str:
    """Tell this state of the registry's files from others without reading them."""
    folder = home / "registry"
    stats = {path: path.stat() for path in sorted(folder.rglob("*")) if path.is_file()}
    told = ";".join(f"{path.relative_to(folder)}:{s.st_size}:{s.st_mtime_ns}" for path, s in stats.items())
    return hashlib.sha256(told.encode()).hexdigest()


def write_compact(home: Path) -> Compact:
    """Check the registry and tell it in brief; of a broken one only the faults are new."""
    from sipetl.registry.daybook import write_daybook
    from sipetl.registry.load import check_registry, load_registry

    seen = stamp(home)
    faults = tuple(str(fault) for fault in check_registry(home / "registry")[:MOST_FAULTS])
    last = read_compact(home)
    if faults:
        brief = replace(last, faults=faults, stamp=seen)
    else:
        registry = load_registry(home / "registry")
        write_daybook(registry, home)
        brief = _brief(registry, seen)
    _replace(home / FILE, asdict(brief))
    return brief


def _brief(registry: Registry, seen: str) -> Compact:
    schemes = {feed.inbox.partition("://")[0] for feed in registry.feeds if "://" in feed.inbox}
    return Compact(
        time_zone=registry.home.time_zone,
        feeds=tuple(sorted({feed.feed.value for feed in registry.feeds})),
        districts=tuple(sorted({feed.district for feed in registry.feeds})),
        protocols=tuple(sorted(schemes)),
        stamp=seen,
    )


def _replace(path: Path, content: dict[str, Any]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(content), encoding="utf-8")
    temporary.replace(path)


if __name__ == "__main__":
    write_compact(Path(sys.argv[1]))
