"""`sipetl init`: a home of the year that a newcomer plans, and what to do next."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.home import command


@pytest.mark.parametrize(
    ("today", "years", "first_day"),
    [("2026-05-31", "2025-26", "2025-09-02"), ("2026-11-22", "2026-27", "2026-09-08")],
)
def test_a_new_home_is_of_the_year_by_the_products_clock(
    tmp_path: Path, today: str, years: str, first_day: str
) -> None:
    done = command("--as-of", today, "init", str(tmp_path / "home"))

    assert done.status == 0, done.err
    assert f"for {years}" in done.out
    assert f"first_day: {first_day}\n" in (tmp_path / "home" / "registry" / "calendars.yaml").read_text("utf-8")


def test_next_steps_name_the_folders_as_they_are(tmp_path: Path) -> None:
    home = tmp_path / "home"

    done = command("init", str(home))

    steps = [line.strip() for line in done.out.splitlines() if line.startswith("  ")]
    assert [step[:2] for step in steps] == ["1.", "2.", "3."]
    assert f"Edit the files in {home / 'registry'}" in steps[0]
    assert steps[1].endswith(f"sipetl --home {home} check")
    assert str(home / "inbox" / "9901") in steps[2]
    assert steps[2].endswith(f"sipetl --home {home} ingest")
    assert (home / "inbox" / "9901").is_dir()
    assert command("--home", str(home), "check").status == 0
