"""Commands about contracts: what each feed must look like once mapped. For whoever writes a layout, or asks for an extract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from sipetl.cli import known, show
from sipetl.cli.app import app
from sipetl.intake import Contract, load_contract, load_layouts
from sipetl.registry.models import FeedName

contract = typer.Typer(help="Contracts: what a feed must look like once mapped.", no_args_is_help=True)
app.add_typer(contract, name="contract")

PRIVACY = {
    "pseudonym": "a keyed hash of an id: the id itself passes no further",
    "sensitive": "of one person: stays in the lake, and is in no message",
    "public": "says nothing about a person",
}
"""What the contracts' privacy classes mean."""


@contract.command("list", epilog="Example: sipetl contract list")
def contract_list(as_json: show.Json = False) -> None:
    """The feeds, what one row of each is, and how many shipped layouts serve it."""
    shipped = [layout.feed for layout in load_layouts()]
    data = [{**_summary(load_contract(feed)), "layouts": shipped.count(feed)} for feed in FeedName]
    if as_json:
        show.dump(data)
        return
    rows = [{**row, "row": row["grain"], "key": ", ".join(row["key"])} for row in data]
    show.rows("Contracts", ("feed", "version", "row", "key", "purpose", "layouts"), rows, as_json=False)


@contract.command("show", epilog="Example: sipetl contract show discipline")
def contract_show(
    feed: Annotated[str, typer.Argument(metavar="FEED", help="A feed, as 'sipetl contract list' names it")],
    as_json: show.Json = False,
) -> None:
    """Its columns: type, what is required, allowed values, privacy class; what a key is, and what holds a delivery."""
    told = _told(load_contract(FeedName(known.feed(feed) or feed)))
    if as_json:
        show.dump(told)
    else:
        _tell(told)


def _summary(found: Contract) -> dict[str, Any]:
    return {
        "feed": found.name.value,
        "version": found.version,
        "grain": found.tables[0].grain,
        "key": list(found.key),
        "purpose": found.description.purpose,
    }


def _told(found: Contract) -> dict[str, Any]:
    return _summary(found) | {
        "held_above": {
            "removed_percent": found.custom("removeLimitPercent"),
            "changed_percent": found.custom("changeLimitPercent"),
        },
        "scope_kinds": list(found.custom("scopeKinds")),
        "service_levels": [{"property": one.property, "value": one.value, "unit": one.unit} for one in found.sla],
        "layouts": sorted(layout.layout for layout in load_layouts() if layout.feed is found.name),
        "columns": [
            {
                "column": one.name,
                "type": one.physical_type,
                "required": one.required,
                "key": one.primary_key,
                "values": list(one.enum),
                "privacy": one.classification,
                "meaning": one.description,
            }
            for one in found.columns
        ],
    }


def _tell(told: Mapping[str, Any]) -> None:
    show.say(f"{told['feed']} v{told['version']}: {told['purpose']}", style="bold")
    show.say(f"One row is a {told['grain']}.")
    show.say(f"Key: {', '.join(told['key'])}. A row is known by it within its district and school year.")
    removed, changed = (told["held_above"][name] for name in ("removed_percent", "changed_percent"))
    show.say(
        f"Held for a person: what would remove more than {removed} %, or change more than {changed} % of the rows."
    )
    show.say(f"A delivery may be a {', '.join(told['scope_kinds'])}.")
    for level in told["service_levels"]:
        if level["property"] == "dueSchoolDays":
            days = show.count(level["value"], "school day", "school days")
            show.say(
                f"Service level: {days} after the day or window it is of; each feed's own `due` is in feeds.yaml."
            )
    columns = ("column", "type", "required", "key", "values", "privacy", "meaning")
    show.rows("Columns", columns, map(_shown, told["columns"]), as_json=False)
    for name, meaning in PRIVACY.items():
        show.say(f"{name}: {meaning}")
    layouts = (
        ", ".join(told["layouts"]) or "none; write one (docs/add-a-vendor-file.md), or 'sipetl layout suggest FILE'"
    )
    show.say(f"Shipped layouts: {layouts}")


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    marks = {name: "yes" if row[name] else "" for name in ("required", "key")}
    return {**row, **marks, "values": ", ".join(row["values"])}
