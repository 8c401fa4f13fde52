"""Digests of a whole home: told once whatever is killed, in private files, by mail at least once; no student in them."""

from __future__ import annotations

import json
import threading
from datetime import date, timedelta

import pytest

from sipetl.pipeline.notify import Mail, mail, make_digests, tell
from tests.home import FILES, Site, attendance, present, roster, students, weekdays

FIRST = date(2025, 9, 5)
"""Six school days after the first one, 2025-08-27: Labor Day is none. Its attendance is late by the evening."""
PEOPLE = [*students(6), *students(6, "SHS")]


@pytest.fixture
def young(site: Site) -> Site:
    """A home that began with the school year: nothing of the last one is open."""
    entry = "  - {{district: '{}', feed: attendance, school_year: 2025, reason: not kept here, by: Joe}}\n"
    text = "waivers:\n" + "".join(entry.format(district) for district in ("3501", "9002"))
    (site.root / "registry" / "waivers.yaml").write_text(text, encoding="utf-8")
    return site


def addressed(site: Site, notice: str = "data@example.org") -> Site:
    """The owner of the first district's feeds gets mail."""
    feeds = FILES["feeds.yaml"].replace("owner: Data office", f"owner: Data office, notice: '{notice}'", 2)
    (site.root / "registry" / "feeds.yaml").write_text(feeds, encoding="utf-8")
    return site


def told(site: Site, day: date) -> list[str]:
    """The headlines that a day's run tells."""
    site.today = day
    with site.open() as home:
        return [item["headline"] for digest in make_digests(home) for item in digest["news"]]


def files(site: Site) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in sorted((site.root / "reports" / "notices").iterdir())}


def test_an_outage_is_told_once_and_its_end_too(young: Site) -> None:
    days = [FIRST + timedelta(days=n) for n in range(5)]  # Friday to Tuesday
    heard = {day: told(young, day) for day in days[:4]}
    young.put("attendance.csv", attendance(PEOPLE, weekdays(date(2025, 8, 27), 3), present))
    young.today = days[4]
    young.ingest()
    heard[days[4]] = told(young, days[4])

    assert heard == {
        date(2025, 9, 5): ["Attendance: Alder (3501) late"],
        date(2025, 9, 6): [],
        date(2025, 9, 7): [],
        date(2025, 9, 8): [],
        date(2025, 9, 9): ["Attendance (layout sis_daily_attendance): Alder (3501) recovered"],
    }
    content = json.loads(files(young)["2025-09-09-data-office.json"])
    assert content["news"][0]["places"][0]["detail"] == "2 school days, 2025-08-27 to 2025-08-28: came 2025-09-09"


def test_files_say_why_what_who_when_where_and_how_to_mend_and_are_private(young: Site) -> None:
    told(young, FIRST)

    assert set(files(young)) == {f"2025-09-05-data-office.{form}" for form in ("md", "html", "json")}
    for text in (files(young)["2025-09-05-data-office.md"], files(young)["2025-09-05-data-office.html"]):
        for said in (
            "Attendance",
            "Alder",
            "late",
            "Data office",
            "2025-08-27",
            "due 2025-09-05 18:00",
            "inbox/3501",
        ):
            assert said in text, said
        assert "What to do" in text
    folder = young.root / "reports" / "notices"
    assert {oct(path.stat().st_mode & 0o777) for path in (folder, *folder.iterdir())} == {"0o700", "0o600"}


def test_no_student_is_in_a_digest(young: Site) -> None:
    young.today = date(2026, 1, 30)
    young.take("roster_2026-01-15.csv", roster(PEOPLE))
    young.take("attendance.csv", attendance(PEOPLE[:3], weekdays(date(2026, 1, 12), 5), present))

    told(young, date(2026, 1, 30))

    text = "".join(files(young).values())
    assert "incomplete" in text
    for secret in ("Quillfeather", *(s.number for s in PEOPLE), *(s.state_id for s in PEOPLE)):
        assert secret not in text


def test_a_run_that_is_killed_before_its_files_are_there_is_made_good(young: Site) -> None:
    folder = young.root / "reports" / "notices"
    folder.parent.mkdir()
    folder.write_text("in the way")
    with pytest.raises(OSError, match="notices"):
        told(young, FIRST)
    folder.unlink()

    again = told(young, FIRST + timedelta(days=1))

    assert again == ["Attendance: Alder (3501) late"]
    assert set(files(young)) == {f"2025-09-05-data-office.{form}" for form in ("md", "html", "json")}


def test_two_runs_at_once_tell_once(young: Site) -> None:
    young.today = FIRST
    heard: list[str] = []

    def run() -> None:
        with young.open() as home:
            heard.extend(item["headline"] for digest in make_digests(home) for item in digest["news"])

    both = [threading.Thread(target=run) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()

    assert heard == ["Attendance: Alder (3501) late"]


def test_a_mail_is_sent_until_a_server_took_it_and_then_no_more(young: Site) -> None:
    addressed(young).today = FIRST
    (waiting,) = tell(young.settings)
    assert tell(young.settings) == [waiting], "it waits until it is sent"
    taken: list[Mail] = []

    def killed(one: Mail) -> None:
        taken.append(one)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mail(young.settings, waiting["notice"], killed)
    sent = [mail(young.settings, waiting["notice"], taken.append) for _ in range(2)]

    assert sent == [{"sent": 1}, {"sent": 0}]
    assert len({one.headers["Message-ID"] for one in taken}) == 1
    assert len(taken) == 2
    assert (taken[0].to, taken[0].subject) == (("data@example.org",), "sipetl 2025-09-05: 1 late")
    assert tell(young.settings) == []


def test_what_could_not_be_mailed_for_a_week_or_has_no_address_any_more_is_not_mailed(young: Site) -> None:
    addressed(young).today = FIRST
    assert len(tell(young.settings)) == 1

    young.today = FIRST + timedelta(days=6)
    assert [one["day"] for one in tell(young.settings)] == ["2025-09-05"]
    addressed(young, "new@example.org")
    young.today = FIRST + timedelta(days=6)
    assert [one["day"] for one in tell(young.settings)] == ["2025-09-11"], "the new address is told what is open"
    young.today = FIRST + timedelta(days=13)
    assert all(one["day"] > "2025-09-11" for one in tell(young.settings))


def test_an_account_in_an_inboxs_address_is_not_told(young: Site) -> None:
    feeds = young.root / "registry" / "feeds.yaml"
    text = feeds.read_text("utf-8").replace("inbox: inbox/3501", "inbox: 'sftp://drop@files.example.org/3501'")
    feeds.write_text(text, encoding="utf-8")

    told(young, FIRST)

    assert "sftp://files.example.org/3501" in files(young)["2025-09-05-data-office.md"]
    assert "drop@" not in "".join(files(young).values())


def test_the_command_tells_and_lists_and_looks_without_telling(young: Site) -> None:
    young.today = FIRST

    dry = young.run("notices", "--dry-run")
    assert "Attendance: Alder (3501) late" in dry.out
    assert not (young.root / "reports" / "notices").exists()

    first, again = young.run("notices"), young.run("notices", "--json")
    assert (first.status, again.status) == (0, 0)
    assert "Attendance: Alder (3501) late" in first.out
    assert "2025-09-05-data-office.html" in first.out
    assert [one["name"] for one in json.loads(again.out)] == ["data-office"]

    young.today = FIRST + timedelta(days=1)
    assert "Nobody was told anything on 2025-09-06." in young.run("notices").out
    assert "Alder" in young.run("notices", "--day", "2025-09-05").out
    assert "Nothing new to tell anybody." in young.run("notices", "--dry-run").out
    assert young.run("notices", "--day", "2025-09-05", "--dry-run").status == 2


def test_a_wrong_address_is_told_with_its_line(young: Site) -> None:
    addressed(young, "ask Joe")

    done = young.run("check")

    assert done.status == 2
    assert "'ask Joe' is not an e-mail address" in done.out + done.err
    assert "feeds.yaml:2" in done.out + done.err
