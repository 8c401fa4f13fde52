"""Airflow's connections open real inboxes: as tasks hand them to the library, in a process of their own."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from sipetl.registry.compact import write_compact
from tests.flows.test_dags import told_by
from tests.home import FILES, Site, attendance, present, students, weekdays
from tests.sftp_server import HOST, PASSWORD, SFTP, USER, sftp_server

pytestmark = pytest.mark.slow

LONG_AGO = 1_767_000_000.0
INGEST = """
import json, sys
sys.path.insert(0, sys.argv[1])
import sipetl_dags
from sipetl.errors import SipetlError
from sipetl.pipeline import batch
try:
    told = batch.ingest(sipetl_dags.settings(), ["3501"], "attendance")
except SipetlError as error:
    policy = sipetl_dags.DEFAULTS["retry_policy"]
    told = [type(error).__name__, str(error), policy.evaluate(error, 1, sipetl_dags.RETRIES).action.value]
print("TOLD", json.dumps(told))
"""
RETRIES = """
import json, sys
sys.path.insert(0, sys.argv[1])
import sipetl_dags
print("TOLD", json.dumps([sipetl_dags.RETRIES, sipetl_dags.RETRY_AFTER.total_seconds()]))
"""


@pytest.fixture
def drop(site: Site, tmp_path: Path) -> Iterator[SFTP]:
    """A server in whose drop a file of district 3501 waits."""
    folder = tmp_path / "drop" / "3501"
    folder.mkdir(parents=True)
    path = folder / "att.csv"
    path.write_text(attendance(students(20), weekdays(date(2025, 9, 8), 5), present), encoding="utf-8")
    os.utime(path, (LONG_AGO, LONG_AGO))
    with sftp_server(tmp_path / "drop") as server:
        feeds = FILES["feeds.yaml"].replace("inbox/3501", f"sftp://{HOST}:{server.port}/3501")
        (site.root / "registry" / "feeds.yaml").write_text(feeds, encoding="utf-8")
        write_compact(site.root)
        yield server


def connections(site: Site, password: str, known: Path) -> dict[str, str]:
    login = {"conn_type": "sftp", "login": USER, "password": password, "extra": {"known_hosts": str(known)}}
    return {
        "AIRFLOW_CONN_SIPETL_INBOX_SFTP": json.dumps(login),
        "AIRFLOW_CONN_SIPETL_WAREHOUSE": site.url.replace("postgresql+psycopg", "postgresql"),
        "SIPETL_AS_OF": str(site.today),
    }


def test_a_connection_s_login_takes_files_from_its_server(site: Site, drop: SFTP, tmp_path: Path) -> None:
    given = connections(site, PASSWORD, drop.known(tmp_path / "known_hosts"))

    (told,) = told_by(INGEST, site.root, **given)

    assert (told["district"], told["accepted"], told["rows_good"]) == ("3501", 1, 100)


def test_a_wrong_password_is_not_tried_again_and_a_server_that_is_away_is(
    site: Site, drop: SFTP, tmp_path: Path
) -> None:
    known = drop.known(tmp_path / "known_hosts")

    wrong = told_by(INGEST, site.root, **connections(site, "wrong-word", known))
    drop.listing = lambda: False
    away = told_by(INGEST, site.root, **connections(site, PASSWORD, known))

    assert (wrong[0], wrong[2]) == ("ConfigError", "fail")
    assert "sipetl_inbox_sftp" in wrong[1]
    assert "wrong-word" not in wrong[1]
    assert (away[0], away[2]) == ("InboxError", "retry")


def test_a_store_is_waited_for_longer_than_five_minutes(tmp_path: Path) -> None:
    retries, seconds = told_by(RETRIES, tmp_path)

    assert retries * seconds > 5 * 60
