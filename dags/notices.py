"""`notices`: what became late, missing, incomplete or blocked, and what came after all, to whom it belongs."""

from __future__ import annotations

import logging
import smtplib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, get_current_context, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from sipetl_dags import DEFAULTS, TAG, connection_of, name_cell, on_school_days, settings

if TYPE_CHECKING:
    from sipetl.pipeline.notify import Mail

CONNECTION = "sipetl_smtp"
PERMANENT = 500
"""Answers of a mail server from here on stay as they are (RFC 5321)."""
DOC = """
### Notices

**What**: a digest for each owner (`owner` and `notice` in `feeds.yaml`) of what changed: late, missing, incomplete,
recovered; a cycle that is blocked, or ready again. At most one a day, none if nothing changed. The files are in the home
under `reports/notices/`; with a connection `sipetl_smtp` they are mailed too.

**In the grid**: `send` has one cell per digest, by its name. A red one is a mail that was not taken: the digest is tried
again by the next runs, for a week. A change is told once, also if this runs twice or not at all for days; a mail that was
sent when its task was killed may come twice, with the same Message-ID.
"""
logger = logging.getLogger(__name__)


@task(pool="sipetl_compute")
def tell() -> list[dict[str, str]]:
    """Make the digests; the ids of those to mail."""
    from sipetl.pipeline import notify

    waiting = notify.tell(settings())
    if connection_of(CONNECTION) is None:
        logger.warning("there is no connection %s: digests are files only", CONNECTION)
        return []
    return waiting


@task(map_index_template="{{ digest }}", max_active_tis_per_dagrun=4)
def send(notice: dict[str, str]) -> dict[str, int]:
    """Mail one digest."""
    from sipetl.pipeline import notify

    name_cell(digest=f"{notice['day']} {notice['name']}")
    return notify.mail(settings(), notice["notice"], _post)


def _post(mail: Mail) -> None:
    """Give a mail to the server. The notifier renders templates when it is called, so only its inside is: text is text."""
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    given: dict[str, Any] = {"subject": mail.subject, "html_content": mail.html, "custom_headers": dict(mail.headers)}
    try:
        SmtpNotifier(list(mail.to), smtp_conn_id=CONNECTION, **given).notify(get_current_context())
    except smtplib.SMTPRecipientsRefused as error:
        if all(code >= PERMANENT for code, _ in error.recipients.values()):
            raise AirflowFailException(
                "the mail server does not know the address: mend `notice` in feeds.yaml"
            ) from None
        raise
    except AirflowException as error:
        raise ConnectionError(str(error)) from None  # the hook's word for a server that hangs up: it may be back


with DAG(
    "notices",
    schedule=on_school_days(19, 30),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=2),
    default_args=DEFAULTS,
    tags=[TAG, "readiness"],
    doc_md=DOC,
):
    send.expand(notice=tell())
