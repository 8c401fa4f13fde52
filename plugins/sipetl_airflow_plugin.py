"""The Airflow plugin: a timetable of school days, and a page in Airflow's navigation. A shell over sipetl.

Every Airflow process imports this file (scheduler, dag-processor, workers, api-server), so FastAPI, SQLAlchemy and
the rest are loaded by the first request of the page alone. The file must not be called `sipetl.py`: Airflow puts the
plugins folder on the path, and it would hide the package.
"""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime, time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pendulum
from airflow.plugins_manager import AirflowPlugin
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable

from sipetl.registry.daybook import FILE, Asked, DaybookFile, next_run
from sipetl.settings import DEFAULT_HOME

if TYPE_CHECKING:
    from fastapi import FastAPI
    from fastapi.responses import HTMLResponse

    from sipetl.settings import Settings

PREFIX = "/sipetl"
WAREHOUSE_CONNECTION = "sipetl_warehouse"
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Airflow shows the page in a frame of its own; nobody else may, and nothing keeps a copy."""

log = logging.getLogger(__name__)


@cache
def _daybook(path: Path) -> DaybookFile:
    """One per file and process, so that the last good one outlives the DAGs that are read again and again."""
    return DaybookFile(path)


class SchoolDayTimetable(Timetable):
    """Runs once on every day on which some district has school, at a time of day of the home's time zone.

    A day that was missed (Airflow was down, or the DAG was paused) is caught up by one run at once, for the newest
    missed day: the tasks handle every step that is reached and not recorded, so more runs would find nothing to do.
    With `catchup=True` each missed day has its own. It never raises, and it never ends: without a daybook, and after
    its last day, it runs on weekdays.

    Args:
        at: time of day, as `HH:MM`.
        file: the daybook; None = the one of `SIPETL_HOME`, as each process knows it.
    """

    description = "Every day on which some district has school, in the home's time zone"

    def __init__(self, at: str = "06:00", *, file: str | None = None) -> None:
        self._at = time.fromisoformat(at)
        if self._at.tzinfo is not None:
            raise ValueError("'at' is a time of day in the home's time zone: write HH:MM")
        self._file = file

    @property
    def summary(self) -> str:
        return f"School days at {self._at:%H:%M}"

    def serialize(self) -> dict[str, Any]:
        return {"at": self._at.isoformat(), "file": self._file}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> SchoolDayTimetable:
        return cls(data["at"], file=data["file"])

    def infer_manual_data_interval(self, *, run_after: pendulum.DateTime) -> DataInterval:
        return DataInterval.exact(run_after)

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        file = _daybook(Path(self._file or Path(os.environ.get("SIPETL_HOME") or DEFAULT_HOME, FILE)))
        book, now = file.read(), datetime.now(UTC)
        file.tell_end(book.day_of(now))
        last = last_automated_data_interval.end if last_automated_data_interval else None
        found = next_run(book, self._at, Asked(now, last, restriction.earliest, catchup=restriction.catchup))
        if restriction.latest is not None and found > restriction.latest:
            return None
        return DagRunInfo.exact(pendulum.instance(found))


@cache
def page_app() -> FastAPI:
    """The page's application. Airflow protects no plugin's page, so every route asks for a login itself."""
    from airflow.api_fastapi.auth.managers.models.resource_details import AccessView
    from airflow.api_fastapi.core_api.security import requires_access_view
    from fastapi import Depends, FastAPI

    app = FastAPI(
        title="sipetl",
        dependencies=[Depends(requires_access_view(AccessView.WEBSITE))],
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.add_api_route("/", page, methods=["GET"], response_model=None)
    return app


def page() -> HTMLResponse:
    """Answer with the overview, or with a plain sentence where it cannot be read; runs in a thread of its own."""
    from fastapi.responses import HTMLResponse

    from sipetl.errors import SipetlError
    from sipetl.reports.overview import UNAVAILABLE, overview_page

    try:
        return HTMLResponse(overview_page(settings()), headers=HEADERS)
    except SipetlError as error:
        log.error("overview not shown: %s", error)
        return HTMLResponse(UNAVAILABLE, status_code=503, headers=HEADERS)


def settings() -> Settings:
    """Settings of this process, with the warehouse that Airflow's connection names, if there is one.

    Raises:
        ConfigError: a setting cannot be used.
    """
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    from sipetl.settings import load_settings

    try:
        connection = BaseHook.get_connection(WAREHOUSE_CONNECTION)
    except AirflowNotFoundException:
        return load_settings()
    _, _, rest = connection.get_uri().partition("://")
    return load_settings(warehouse_url=f"postgresql+psycopg://{rest}")


class SipetlPlugin(AirflowPlugin):
    """What Airflow is told."""

    name = "sipetl"
    timetables = [SchoolDayTimetable]  # noqa: RUF012 (Airflow reads a list)
    external_views = [  # noqa: RUF012
        {
            "name": "Readiness",
            "href": f"{PREFIX.strip('/')}/",
            "destination": "nav",
            "url_route": "readiness",
            "nav_top_level": True,
        }
    ]

    @property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """Asked for by the api-server alone, so that no other process loads FastAPI."""
        return [{"app": page_app(), "url_prefix": PREFIX, "name": "sipetl"}]
