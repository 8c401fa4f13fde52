"""A OneRoster set as a system exports it: one ZIP, most of whose files a roster does not need."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from sipetl.quality import Outcome
from sipetl.registry.models import FeedName
from tests.home import Site, ledger

SET = "oneroster_oat/data/samples/OneRosterv1p1BaseCSV"
USERS = (
    "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,middleName,"
    "identifier,email,sms,phone,agentSourcedIds,grades,password\n"
)


def users(count: int) -> str:
    """Students of one school, and a teacher."""
    rows = [f"u{n},active,,TRUE,HEA,student,x{n},,Quill,Feather,,77{n:03d},,,,,03,\n" for n in range(count)]
    return USERS + "".join(rows) + "t1,active,,TRUE,HEA,teacher,xt,,Quill,Feather,,9,,,,,,\n"


def archive(samples: Path, **other: str) -> bytes:
    """The sample's set, with users of ours in it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as target:
        for path in sorted((samples / SET).glob("*.csv")):
            if path.name != "users.csv":
                target.write(path, path.name)
        target.writestr("users.csv", users(5))
        for name, content in other.items():
            target.writestr(f"{name}.csv", content)
    return packed.getvalue()


@pytest.mark.samples
def test_a_whole_set_is_taken_and_what_a_roster_does_not_need_bothers_nobody(site: Site, samples: Path) -> None:
    outcome = site.take("oneroster_2026-01-15.zip", archive(samples))

    assert ledger(site, outcome) == ("accepted", [("accepted", 5, 0)])
    found = site.lake(FeedName.ROSTER, "select distinct grade, snapshot_on::text from rows")
    assert found == [("03", "2026-01-15")]


@pytest.mark.samples
def test_a_file_that_nobody_knows_is_still_told(site: Site, samples: Path) -> None:
    outcome = site.take("oneroster_2026-01-15.zip", archive(samples, lunch="menu,day\nsoup,Monday\n"))

    assert outcome.status is Outcome.UNRECOGNIZED
    told = {part.member: part.outcome for part in outcome.parts}
    assert told == {"users.csv": Outcome.ACCEPTED, "lunch.csv": Outcome.UNRECOGNIZED}
