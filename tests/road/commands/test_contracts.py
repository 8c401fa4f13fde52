"""Contracts as people read them, also of feeds that no shipped layout serves."""

from __future__ import annotations

import json

from sipetl.registry.models import FeedName
from tests.home import command


def test_every_feed_is_listed_with_the_layouts_that_serve_it() -> None:
    listed = {row["feed"]: row for row in json.loads(command("contract", "list", "--json").out)}

    assert list(listed) == [feed.value for feed in FeedName]
    assert listed["discipline"]["layouts"] == 0
    assert listed["attendance"]["layouts"] >= 4
    assert listed["attendance"]["key"] == ["population", "id_hash", "school", "attendance_date", "unit"]


def test_a_contract_says_what_a_layout_must_fill_and_what_is_held() -> None:
    told = json.loads(command("contract", "show", "discipline", "--json").out)
    shown = command("contract", "show", "discipline")

    assert [c["column"] for c in told["columns"] if c["required"]] == [
        "id_hash",
        "school",
        "incident_hash",
        "incident_on",
    ]
    assert {c["column"]: c["privacy"] for c in told["columns"]}["days_removed_x100"] == "sensitive"
    assert told["held_above"] == {"removed_percent": 5, "changed_percent": 10}
    assert shown.status == 0
    assert "Key: id_hash, school, incident_hash." in shown.out
    assert "more than 5 %" in shown.out
    assert "Shipped layouts: none" in shown.out


def test_allowed_values_are_told() -> None:
    columns = {c["column"]: c for c in json.loads(command("contract", "show", "attendance", "--json").out)["columns"]}

    assert columns["grain"]["values"] == ["event", "day", "section", "cumulative"]
    assert columns["unit"]["values"] == []


def test_a_mistyped_feed_is_refused_with_the_one_that_is_near() -> None:
    done = command("contract", "show", "disciplin")

    assert (done.status, done.out) == (2, "")
    assert "discipline" in done.err
