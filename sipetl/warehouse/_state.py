"""What a home remembers of its embedded server: port, passwords, and where the data is if not beside it."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sipetl.errors import WarehouseError

STATE_FILE = "server.json"


@dataclass(frozen=True, slots=True, repr=False)
class State:
    """The content of the state file. Its repr is empty on purpose: it holds passwords."""

    base: Path
    port: int
    outside: Path | None
    """Where the data is, when not in `base`."""
    passwords: Mapping[str, str]
    """By login."""

    def on_port(self, port: int) -> Self:
        return dataclasses.replace(self, port=port)


def load_state(base: Path) -> State:
    """Read the state file of a warehouse folder; its `base` is another where the home was moved.

    Raises:
        WarehouseError: the file is damaged, or belongs to the home this one was copied from.
    """
    path = base / STATE_FILE
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        outside = Path(raw["outside"]) if raw["outside"] else None
        kept = State(Path(raw["base"]), int(raw["port"]), outside, dict(raw["passwords"]))
    except (ValueError, KeyError, TypeError):
        cure = "restore this file from a backup: it holds the only copy of the passwords"
        raise WarehouseError("the state file is damaged", where=str(path), cure=cure) from None
    if outside and kept.base != base and (kept.base / STATE_FILE).exists():
        raise WarehouseError(
            "this home is a copy and would share the data of its original",
            where=str(path),
            why=f"both point to {outside}",
            cure=f"work in {kept.base.parent}, or copy the data with pg_dump into a new home",
        )
    return kept


def save_state(state: State) -> State:
    """Replace the state file (0600) in one step, so that a killed command leaves the old or the new one."""
    path = state.base / STATE_FILE
    draft = path.with_suffix(".part")
    content = {
        "base": str(state.base),
        "port": state.port,
        "outside": str(state.outside) if state.outside else None,
        "passwords": dict(state.passwords),
    }
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    return state
