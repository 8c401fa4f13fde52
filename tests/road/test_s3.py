"""Inboxes and stores in buckets, on a server that speaks S3's protocol and checks keys and signatures."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import boto3
import fsspec
import moto.settings
import pytest
import requests
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

from sipetl.errors import ConfigError, InboxError, LandingError, StoreError
from sipetl.intake import scan
from sipetl.pipeline import batch
from sipetl.registry.models import FeedName
from sipetl.settings import Settings
from tests.home import FILES, Site, attendance, present, roster, students, weekdays

HOST, REGION = "127.0.0.1", "us-east-1"
PEOPLE = students(20)
FAR = attendance(PEOPLE, weekdays(date(2025, 9, 8), 5), present)
NEAR = attendance(students(20, "BRN"), weekdays(date(2025, 9, 8), 5), present)
ANYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}


@dataclass
class Buckets:
    """A server with the buckets `drop` and `stores`, and an account that may use them."""

    url: str
    key: str
    secret: str
    stop: Callable[[], None]

    def put(self, name: str, content: str, bucket: str = "drop") -> None:
        self._client().put_object(Bucket=bucket, Key=name, Body=content.encode())

    def names(self, bucket: str) -> list[str]:
        return [str(one["Key"]) for one in self._client().list_objects_v2(Bucket=bucket).get("Contents", [])]

    def _client(self) -> Any:
        return _client("s3", self.url, self.key, self.secret)


def _client(service: str, url: str, key: str = "any", secret: str = "any") -> Any:  # noqa: S107 (before the server asks)
    names = {"aws_access_key_id": key, "aws_secret_access_key": secret}
    return boto3.client(service, endpoint_url=url, region_name=REGION, **names)


@pytest.fixture
def buckets(monkeypatch: pytest.MonkeyPatch) -> Iterator[Buckets]:
    """The server; from the first test's call on it lets nobody in without key and signature."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    monkeypatch.setitem(scan.__kwdefaults__, "settle_seconds", -60.0)  # a bucket says itself how old a file is
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    before = dict(fsspec.config.conf)
    server = ThreadedMotoServer(ip_address=HOST, port=0, verbose=False)
    server.start()
    try:
        yield _begin(server, monkeypatch)
    finally:
        server.stop()
        fsspec.config.conf.clear()
        fsspec.config.conf.update(before)


def _begin(server: ThreadedMotoServer, monkeypatch: pytest.MonkeyPatch) -> Buckets:
    url = "http://{}:{}".format(*server.get_host_and_port())
    requests.post(f"{url}/moto-api/reset", timeout=30).raise_for_status()
    accounts = _client("iam", url)
    accounts.create_user(UserName="sender")
    accounts.put_user_policy(UserName="sender", PolicyName="all", PolicyDocument=json.dumps(ANYTHING))
    made = accounts.create_access_key(UserName="sender")["AccessKey"]
    for name in ("drop", "stores"):
        _client("s3", url).create_bucket(Bucket=name)
    monkeypatch.setattr(moto.settings, "INITIAL_NO_AUTH_ACTION_COUNT", 0.0)
    buckets = Buckets(url, made["AccessKeyId"], made["SecretAccessKey"], server.stop)
    batch.use_inboxes({"s3": {"endpoint_url": url, "key": buckets.key, "secret": buckets.secret}})
    return buckets


@pytest.fixture
def home(site: Site, buckets: Buckets) -> Site:
    """District 3501 sends to a bucket, 9002 to a folder; a file waits in each."""
    feeds = FILES["feeds.yaml"].replace("inbox/3501", "s3://drop/in")
    (site.root / "registry" / "feeds.yaml").write_text(feeds, encoding="utf-8")
    buckets.put("in/sub/a b#1.csv", FAR)
    site.put("att.csv", NEAR, "9002")
    return site


def days(site: Site) -> list[tuple[object, ...]]:
    query = "select district, count(*) from rows group by all order by all"
    return site.lake(FeedName.ATTENDANCE, query)


def fails(site: Site, kind: type[Exception]) -> str:
    """What a task says, while the other district's file is taken."""
    with pytest.raises(kind) as raised:
        batch.ingest(site.settings, ["3501", "9002"], "attendance")
    assert type(raised.value) is kind
    assert days(site) == [("9002", 100)]
    assert "s3://drop/in" in str(raised.value), "the inbox is named"
    return str(raised.value)


def test_files_are_taken_from_a_bucket_once(home: Site, buckets: Buckets) -> None:
    statuses = [home.run("ingest").status for _ in range(2)]

    assert statuses == [0, 0]
    assert days(home) == [("3501", 100), ("9002", 100)]
    assert home.sql("select count(*) from ops.delivery") == [(2,)]
    assert buckets.names("drop") == ["in/sub/a b#1.csv"], "the sender's folder stays as it is"


def test_nothing_there_yet_is_an_empty_inbox(site: Site, buckets: Buckets) -> None:
    feeds = FILES["feeds.yaml"].replace("inbox/3501", "s3://drop/not/yet")
    (site.root / "registry" / "feeds.yaml").write_text(feeds, encoding="utf-8")

    assert site.run("ingest").status == 0


@pytest.mark.parametrize(
    ("wrong", "why"), [({"secret": "wrong-word"}, "signature"), ({"key": "AKIAWRONGKEY"}, "does not exist")]
)
def test_a_wrong_key_is_told_without_it(home: Site, wrong: dict[str, str], why: str) -> None:
    batch.use_inboxes({"s3": wrong})

    said = fails(home, ConfigError)

    assert why in said
    assert "sipetl_inbox_s3" in said
    assert not any(word in said for word in wrong.values())


def test_no_key_at_all_is_told(home: Site, buckets: Buckets) -> None:
    fsspec.config.conf["s3"] = {"endpoint_url": buckets.url}

    assert "access is refused" in fails(home, ConfigError)


def test_an_option_that_the_client_lacks_is_told(home: Site) -> None:
    batch.use_inboxes({"s3": {"region_name": "us-east-1"}})

    assert "no option 'region_name'" in fails(home, ConfigError)


def test_an_absent_bucket_is_told(home: Site) -> None:
    feeds = home.root / "registry" / "feeds.yaml"
    feeds.write_text(feeds.read_text("utf-8").replace("s3://drop/in", "s3://dropp/s3://drop/in"), encoding="utf-8")

    assert "no such bucket" in fails(home, ConfigError)


def test_a_server_that_is_down_may_come_back(home: Site, buckets: Buckets) -> None:
    buckets.stop()

    assert "could not connect" in fails(home, InboxError).lower()


@pytest.fixture
def far(home: Site, buckets: Buckets, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The home with landing and lake in a bucket too, by AWS's own variables."""
    account = {"AWS_ACCESS_KEY_ID": buckets.key, "AWS_SECRET_ACCESS_KEY": buckets.secret}
    names = {"AWS_ENDPOINT_URL": buckets.url, "AWS_ALLOW_HTTP": "true", "AWS_REGION": REGION, **account}
    for name, value in {**names, "AWS_DEFAULT_REGION": REGION}.items():
        monkeypatch.setenv(name, value)
    stores = {"landing_url": "s3://stores/landing", "lake_url": "s3://stores/lake"}
    return home.settings.model_copy(update=stores)


def test_stores_in_a_bucket_give_the_same_values_as_folders(
    make_site: Callable[[], Site], home: Site, far: Settings, buckets: Buckets
) -> None:
    near = make_site()
    for name, content in (("students_export_2025-09-05.csv", roster(PEOPLE)), ("sub/a b#1.csv", FAR)):
        near.put(name, content)
        buckets.put(f"in/{name}", content)
    near.put("att.csv", NEAR, "9002")

    for settings in (near.settings, far, far):
        for feed in ("roster", "attendance"):
            batch.ingest(settings, ["3501", "9002"], feed)
        computed = batch.compute(settings)

    query = "select organization_id, metric, student_group, period_id, value, n from metric.value order by 1, 2, 3, 4"
    values = home.sql(query)
    assert values == near.sql(query)
    assert len(values) > 100
    assert computed["partitions"] == 0, "the second round has nothing to do"
    assert home.sql("select status, count(*) from ops.delivery group by 1") == [("accepted", 3)]
    landed = [name for name in buckets.names("stores") if name.startswith("landing/")]
    assert len(landed) == 3
    assert not any("incoming" in name for name in landed), "nothing half-landed is left"
    assert not (home.root / "lake").exists()
    assert not (home.root / "landing").exists()


@pytest.mark.parametrize(("store", "kind"), [("landing_url", LandingError), ("lake_url", StoreError)])
def test_an_absent_bucket_of_a_store_is_told(home: Site, far: Settings, store: str, kind: type[Exception]) -> None:
    settings = far.model_copy(update={store: "s3://absent/store"})

    with pytest.raises(kind, match="s3://absent/store"):
        batch.ingest(settings, ["3501", "9002"], "attendance")

    batch.ingest(far, ["3501", "9002"], "attendance")
    assert home.sql("select status, count(*) from ops.delivery group by 1") == [("accepted", 2)]
