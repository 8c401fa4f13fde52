"""What readiness calls blocked, no status calls settled: the two must not contradict each other in one release."""

from __future__ import annotations

from sqlalchemy import text

from sipetl.pipeline import open_home
from tests.truth.lived import Lived

BLOCKED = """
    select distinct r.cycle, s.status
    from ops.release_readiness r
    cross join lateral jsonb_array_elements(r.blocks) g
    join plan.benchmark b on b.code = g ->> 'code'
    join plan.version v on v.version_id = b.version_id and v.plan = g ->> 'plan'
    join ops.release_status s on s.benchmark_id = b.benchmark_id and s.cycle = r.cycle
    where r.state = 'blocked'
"""


def test_a_benchmark_whose_data_is_blocked_is_not_called_met_or_on_track(lived: Lived) -> None:
    with open_home(lived.settings) as home, home.warehouse.begin() as connection:
        found = {status for _, status in connection.execute(text(BLOCKED))}

    assert found
    assert found <= {"no_data", "incomplete", "insufficient_n", "not_started", "awaiting_source"}
