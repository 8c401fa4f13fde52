"""What the DAG files share: the registry in brief, when DAGs run, what is tried again, and what connections give.

Nothing here is logic of the pipeline: that is `sipetl.pipeline.batch`, which tasks import when they run.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from airflow.sdk import (
    Asset,
    BaseHook,
    CronTriggerTimetable,
    ExceptionRetryPolicy,
    Param,
    RetryAction,
    RetryRule,
    get_current_context,
)
from airflow.sdk.exceptions import AirflowNotFoundException
from sipetl_airflow_plugin import SchoolDayTimetable

from sipetl.registry.compact import known

if TYPE_CHECKING:
    from airflow.sdk.bases.timetable import BaseTimetable

    from sipetl.settings import Settings

HOME = Path(os.environ.get("SIPETL_HOME", "sipetl-home")).absolute()
REGISTRY = known(HOME)
OWNER = "sipetl"
TAG = "sipetl"
WAREHOUSE_CONNECTION = "sipetl_warehouse"
INBOX_CONNECTION = "sipetl_inbox_"
"""And the protocol: `sipetl_inbox_sftp`, `sipetl_inbox_s3`."""
RETRY_AFTER = timedelta(seconds=float(os.environ.get("SIPETL_RETRY_SECONDS", "120")))
RETRIES = 5
"""A warehouse that is down for five minutes is back before the last try."""
HEALS = RetryRule(
    ["sipetl.errors.StoreError", "builtins.OSError"], retry_delay=RETRY_AFTER, reason="a store failed: it may be back"
)
STAYS = RetryRule("builtins.Exception", RetryAction.FAIL, reason="trying again gives the same")
DEFAULTS: dict[str, Any] = {
    "owner": OWNER,
    "start_date": datetime(2025, 7, 1, tzinfo=UTC),
    "retries": RETRIES,
    "retry_delay": RETRY_AFTER,
    "retry_policy": ExceptionRetryPolicy([HEALS, STAYS]),
    "execution_timeout": timedelta(hours=2),
}
"""A task whose worker dies is tried again too: that is no exception, so the policy is not asked."""


def every_day(hour: int, minute: int = 0) -> BaseTimetable:
    """When files are looked for and computed: in summer too, when results of spring tests come."""
    return CronTriggerTimetable(f"{minute} {hour} * * *", timezone=REGISTRY.time_zone)


def on_school_days(hour: int, minute: int = 0) -> SchoolDayTimetable:
    """When people are told what is late or waits for them: on days on which some district has school."""
    return SchoolDayTimetable(f"{hour:02}:{minute:02}")


def asset(feed: str) -> Asset:
    """What an ingest DAG tells the others: rows of this feed came. Without a key, for a keyed one wakes no clock."""
    return Asset(name=f"sipetl_{feed}", uri=f"x-sipetl://lake/{feed}")


VALUES = Asset(name="sipetl_values", uri="x-sipetl://warehouse/metric_values")
"""What computing gives: it wakes nobody, and stands in Airflow's graph of assets and in OpenLineage's events."""


def tell(stage: str, counted: Iterable[Mapping[str, Any]], **tags: str) -> None:
    """Add up what a task counted, and tell it to Airflow's metrics: `sipetl.<stage>.<what>` (docs/airflow.md)."""
    from airflow.sdk.observability import stats

    total: Counter[str] = Counter()
    for one in counted:
        total.update({what: number for what, number in one.items() if isinstance(number, int)})
    for what, number in total.items():
        stats.incr(f"sipetl.{stage}.{what}", number, tags=tags)


def name_cell(**names: str) -> None:
    """Give a mapped task's cell in the grid what its template asks for."""
    cast("dict[str, Any]", get_current_context()).update(names)


def optional(description: str, kind: str = "string") -> Param:
    """A field of the trigger form that may stay empty."""
    return Param(None, type=["null", kind], description=description)


def settings() -> Settings:
    """Settings from the environment, with what Airflow's connections give: only tasks may call this."""
    from sipetl.pipeline.batch import use_inboxes
    from sipetl.settings import load_settings

    use_inboxes({name: _credentials(name) for name in REGISTRY.protocols})
    found = connection_of(WAREHOUSE_CONNECTION)
    return load_settings(home=HOME, warehouse_url=_url(found) if found else None)


def connection_of(name: str) -> Any:
    """An Airflow connection by its name; None where nobody made it."""
    try:
        return BaseHook.get_connection(name)
    except AirflowNotFoundException:
        return None


def _url(connection: Any) -> str:
    _, _, rest = connection.get_uri().partition("://")
    return f"postgresql+psycopg://{rest}"


def _credentials(protocol: str) -> dict[str, Any]:
    """What fsspec takes: user and password, or a bucket's keys; the connection's extra goes on top."""
    found = connection_of(INBOX_CONNECTION + protocol)
    if found is None:
        return {}
    user, password = ("key", "secret") if protocol == "s3" else ("username", "password")
    given = {user: found.login, password: found.password, "port": found.port}
    extra: dict[str, Any] = found.extra_dejson
    return {name: value for name, value in given.items() if value} | extra
