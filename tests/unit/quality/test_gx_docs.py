"""Our results as GX's own: the shape, and GX's pages, e-mail and Slack messages made of them, without a value."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sipetl.quality import Expectation, Suite, gx_result, publish_in_gx, run_suite
from sipetl.quality.types import TYPES

pytestmark = pytest.mark.filterwarnings("ignore")

CANARY, NUMBER = "Zebulon-Quagga", 987654321
AT = datetime(2025, 10, 1, 6, tzinfo=UTC)
FAILING = (
    ("column_values_to_be_in_set", {"column": "c", "value_set": ["ok"]}),
    ("column_values_to_match_regex", {"column": "c", "regex": "^ok$"}),
    ("column_values_to_be_unique", {"column": "c"}),
    ("column_values_to_be_increasing", {"column": "n", "strictly": True}),
    ("column_max_to_be_between", {"column": "n", "max_value": 1}),
    ("column_median_to_be_between", {"column": "n", "max_value": 1}),
    ("column_mean_to_be_between", {"column": "n", "max_value": 1}),
    (
        "column_quantile_values_to_be_between",
        {"column": "n", "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[0, 1]]}},
    ),
    ("column_most_common_value_to_be_in_set", {"column": "c", "value_set": ["ok"]}),
    ("column_distinct_values_to_equal_set", {"column": "c", "value_set": ["ok"]}),
    (
        "column_kl_divergence_to_be_less_than",
        {"column": "c", "partition_object": {"values": ["ok"], "weights": [1]}, "threshold": 0.1},
    ),
    ("column_pair_values_to_be_equal", {"column_A": "c", "column_B": "d"}),
    ("multicolumn_sum_to_equal", {"column_list": ["n", "m"], "sum_total": 1}),
    ("table_columns_to_match_ordered_list", {"column_list": ["c"]}),
    ("column_values_to_be_between", {"column": "c", "max_value": 1}),
    ("column_values_to_be_unique", {"column": "c", "row_condition": "n > 0", "condition_parser": "pandas"}),
    (
        "column_values_to_match_json_schema",
        {"column": "c", "json_schema": {"type": "string"}, "row_condition": "n > 0"},
    ),
)


@pytest.fixture
def result(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """A batch whose every rule fails or cannot run, on two rows of planted values."""
    con.execute("create table batch (row_number bigint, c varchar, d varchar, n bigint, m bigint)")
    con.executemany("insert into batch values (?, ?, 'x', ?, ?)", [(i, CANARY, NUMBER, NUMBER) for i in (1, 2)])
    rules = (
        Expectation(f"R{i}", f"expect_{kind}", kwargs, meta={"rule_id": f"R{i}", "notes": "a note"})
        for i, (kind, kwargs) in enumerate(FAILING)
    )
    suite = Suite("planted", tuple(rules))
    return gx_result(con, suite, run_suite(con, "batch", suite))


def test_result_has_the_shape_of_gx_and_no_value(result: dict[str, Any]) -> None:
    told = json.dumps(result)
    first, by_gx = result["results"][0], result["results"][-2]

    assert CANARY not in told
    assert str(NUMBER) not in told
    assert first["result"] == {
        "element_count": 2,
        "unexpected_count": 2,
        "unexpected_percent": 100.0,
        "partial_unexpected_list": [],
        "partial_unexpected_counts": [],
        "missing_count": 0,
        "missing_percent": 0.0,
        "unexpected_percent_total": 100.0,
        "unexpected_percent_nonmissing": 100.0,
    }
    assert first["meta"]["sipetl"] == {"rule_id": "R0", "way": "DuckDB pass", "failing_rows": [1, 2]}
    assert by_gx["meta"]["sipetl"] == {"rule_id": "R15", "way": "GX itself", "failing_rows": [1, 2]}
    assert by_gx["result"]["unexpected_count"] == 2
    assert result["statistics"] == {
        "evaluated_expectations": 17,
        "successful_expectations": 0,
        "unsuccessful_expectations": 17,
        "success_percent": 0.0,
    }
    assert [one["exception_info"]["raised_exception"] for one in result["results"]] == [False] * 14 + [
        True,
        False,
        True,
    ]


def test_gx_itself_reads_the_result_and_says_the_same(result: dict[str, Any]) -> None:
    from sipetl.quality.gx_docs import as_gx

    read = as_gx(result)

    assert read.get_max_severity_failure().value == "critical"
    again = json.loads(json.dumps(read.to_json_dict()))
    assert again["statistics"] == result["statistics"]
    assert again["results"][0]["result"] == result["results"][0]["result"]


def test_pages_messages_and_mails_of_gx_hold_no_value(result: dict[str, Any], tmp_path: Path) -> None:
    from great_expectations.checkpoint import EmailAction, SlackNotificationAction

    with taking(Mailbox) as mailbox, taking(Webhook) as webhook:
        actions = [
            EmailAction(
                name="mail",
                smtp_address="127.0.0.1",
                smtp_port=str(mailbox.server_address[1]),
                receiver_emails="office@example.org",
                sender_alias="sipetl@example.org",
            ),
            SlackNotificationAction(
                name="slack",
                slack_webhook=f"http://127.0.0.1:{webhook.server_address[1]}/hook",
                show_failed_expectations=True,
            ),
        ]
        index = publish_in_gx({"delivery-1": result}, tmp_path / "docs", at=AT, actions=actions)

    pages = [page.read_text(encoding="utf-8") for page in (tmp_path / "docs").rglob("*.html")]
    told = [*pages, mailbox.taken, webhook.taken]
    assert index.is_file()
    assert len(pages) == 3, "an index, the suite, and what became of the batch"
    assert any("values must belong to this set" in page and "100%" in page for page in pages)
    assert "planted" in mailbox.taken
    assert "planted" in webhook.taken
    assert not any(CANARY in text or str(NUMBER) in text or f"{NUMBER:,}" in text for text in told)


def test_planted_rules_are_of_every_kind() -> None:
    ways = {TYPES[f"expect_{kind}"].way for kind, _ in FAILING}

    assert {"DuckDB pass", "distinct values in Python"} <= ways


class Server(socketserver.ThreadingTCPServer):
    """Keeps what it was told."""

    taken = ""
    daemon_threads = True


class Mailbox(socketserver.StreamRequestHandler):
    """Takes any mail."""

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while (line := self.rfile.readline().strip().upper()) and line != b"QUIT":
            self.wfile.write(b"354 go on\r\n" if line == b"DATA" else b"250 ok\r\n")
            if line == b"DATA":
                self.server.taken += "".join(self._message())  # type: ignore[attr-defined]
                self.wfile.write(b"250 taken\r\n")
        self.wfile.write(b"221 bye\r\n")

    def _message(self) -> Iterator[str]:
        import base64

        while (line := self.rfile.readline()).strip() != b".":
            yield line.decode()
            if len(line) > 60 and b" " not in line:
                yield base64.b64decode(line + b"==").decode(errors="replace")


class Webhook(socketserver.StreamRequestHandler):
    """Takes any message, as Slack does."""

    def handle(self) -> None:
        length = 0
        while header := self.rfile.readline().strip():
            name, _, value = header.decode().partition(":")
            length = int(value) if name.lower() == "content-length" else length
        self.server.taken += json.dumps(json.loads(self.rfile.read(length)))  # type: ignore[attr-defined]
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")


@contextmanager
def taking(handler: Callable[..., socketserver.StreamRequestHandler]) -> Iterator[Server]:
    with Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
