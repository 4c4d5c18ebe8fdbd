"""Owns what is S3's alone: addresses, regions, access lists, what is sent, what of the machine is not heeded. Against
OpenStack Swift's S3 face, which checks signatures, and moto, which knows access lists. Never a stubbed client.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
import pytest_asyncio

from sixpx.credentials import parse
from sixpx.errors import PutFailed
from sixpx.guard import Guard
from sixpx.targets import s3
from sixpx.targets.s3 import S3, location
from tests.contract.buckets import Amazon, at, reader, through
from tests.contract.conftest import PICTURE, Packed
from tests.contract.places import BUCKET, LOOPBACK, SwiftS3Place, make_bucket
from tests.servers.front import Answer, Front
from tests.servers.moto import Moto
from tests.servers.proxy import Proxy

pytestmark = pytest.mark.asyncio(loop_scope="session")


# --- where an object is ---------------------------------------------------------------------------

EDITIONS = (
    "us-east-1", "us-west-1", "us-west-2", "eu-west-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1",
    "sa-east-1",
)  # fmt: skip
LOCATIONS = (
    *((f"s3+{one}://k:s@bucket/p", one, f"https://bucket.s3.{one}.amazonaws.com/p/a.png") for one in EDITIONS[1:]),
    ("s3+us-east-1://k:s@bucket/p", "us-east-1", "https://bucket.s3.amazonaws.com/p/a.png"),
    ("s3://k:s@bucket", "us-east-1", "https://bucket.s3.amazonaws.com/a.png"),
    ("s3://k:s@bucket/p", "eu-central-1", "https://bucket.s3.eu-central-1.amazonaws.com/p/a.png"),
    ("s3+cn-north-1://k:s@bucket", "cn-north-1", "https://bucket.s3.cn-north-1.amazonaws.com.cn/a.png"),
    ("s3://k:s@img.example.com/p", "us-east-1", "https://s3.amazonaws.com/img.example.com/p/a.png"),
    ("s3://k:s@Bucket_Old", "us-east-1", "https://s3.amazonaws.com/Bucket_Old/a.png"),
    ("s3://k:s@bucket?style=path", "eu-west-1", "https://s3.eu-west-1.amazonaws.com/bucket/a.png"),
    ("s3://k:s@bucket/p?endpoint=https://store.test:9000/", "us-east-1", "https://store.test:9000/bucket/p/a.png"),
    ("s3://k:s@bucket?endpoint=https://store.test/s3", "us-east-1", "https://store.test/s3/bucket/a.png"),
    ("s3+auto://k:s@bucket?endpoint=https://a.r2.test&style=virtual", "auto", "https://bucket.a.r2.test/a.png"),
    ("s3://k:s@a.b?endpoint=https://store.test&style=virtual", "us-east-1", "https://store.test/a.b/a.png"),
    ("s3://k:s@a.b?endpoint=http://store.test&style=virtual", "us-east-1", "http://a.b.store.test/a.png"),
    ("s3://k:s@bucket?endpoint=http://127.0.0.1:9&style=virtual", "us-east-1", "http://127.0.0.1:9/bucket/a.png"),
)


@pytest.mark.parametrize(("string", "region", "url"), LOCATIONS)
async def test_the_location_is_where_the_object_is(string: str, region: str, url: str) -> None:
    key = f"{parse(string).path}/a.png".lstrip("/")
    assert location(parse(string), key, region) == url


async def test_a_key_is_quoted_in_the_location() -> None:
    place = parse("s3://k:s@bucket")
    assert location(place, "ü/a b+c%&.png", "us-east-1").endswith(".com/%C3%BC/a%20b%2Bc%25%26.png")


@pytest_asyncio.fixture(loop_scope="session")
async def amazon(tmp_path: Path) -> AsyncIterator[Amazon]:
    async with Amazon(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize(
    "string", ["s3://k:s@bucket/p", "s3+sa-east-1://k:s@bucket/p", "s3+us-west-1://k:s@img.example.com/p"]
)
async def test_the_client_goes_where_the_location_says(amazon: Amazon, packed: Packed, string: str) -> None:
    url = await amazon.target.put(packed(), parse(string))
    (asked,) = amazon.front.asked
    assert url == f"https://{asked.host}{asked.path}"


async def test_a_bucket_of_another_region_is_followed_and_remembered(amazon: Amazon, packed: Packed) -> None:
    amazon.front.answers = [Answer(301, "PermanentRedirect", {"x-amz-bucket-region": "eu-central-1"})]
    to = parse("s3://k:s@bucket/p")
    for _ in range(2):
        url = await amazon.target.put(packed(), to)
        assert url == "https://bucket.s3.eu-central-1.amazonaws.com/p/a.png"
    assert [one.host for one in amazon.front.asked] == [
        "bucket.s3.amazonaws.com", "bucket.s3.eu-central-1.amazonaws.com", "bucket.s3.eu-central-1.amazonaws.com",
    ]  # fmt: skip
    assert all("/eu-central-1/" in one.headers["Authorization"] for one in amazon.front.asked[1:])


async def test_a_wrong_region_is_corrected_and_remembered(
    bucket: SwiftS3Place, to_s3: S3, front: Front, packed: Packed
) -> None:
    for _ in range(2):
        await to_s3.put(packed(), at(front.url, "region", "eu-west-1"))
    assert await bucket.content("region/a.png") == PICTURE
    regions = [one.headers["Authorization"].split("/")[2] for one in front.asked]
    assert regions == ["eu-west-1", "us-east-1", "us-east-1"]


# --- what is sent ---------------------------------------------------------------------------------


async def test_the_body_goes_with_its_md5_and_without_expect(to_s3: S3, front: Front, packed: Packed) -> None:
    await to_s3.put(packed(), at(front.url))
    (asked,) = front.asked
    assert asked.headers["Content-MD5"]
    assert asked.headers["Content-Length"] == str(len(PICTURE))
    assert not {"Expect", "Transfer-Encoding", "x-amz-trailer", "x-amz-acl"} & set(asked.headers)


@pytest.mark.parametrize(
    "key", ["a/./b/../c.png", "a//b.png", "~/*'();:@&=+$,[].png", "\u00a0\u2028.png", "x" * 1020 + ".png"]
)
async def test_a_key_is_kept_to_the_letter(bucket: SwiftS3Place, to_s3: S3, packed: Packed, key: str) -> None:
    to = replace(at(bucket.server.url), path=key.rpartition("/")[0])
    await to_s3.put(packed(name=key.rpartition("/")[2]), to)
    async with reader(bucket.server.url) as client:
        found = await client.get_object(Bucket=BUCKET, Key=key)
        assert await found["Body"].read() == PICTURE


async def test_a_key_that_is_too_long_is_refused_before_anything_is_sent(
    to_s3: S3, front: Front, packed: Packed
) -> None:
    with pytest.raises(PutFailed, match="has 1026 bytes; the most that S3 takes is 1,024") as caught:
        await to_s3.put(packed(name="ü" * 510 + ".png"), at(front.url, "x"))
    assert caught.value.again is None
    assert front.asked == []


async def test_a_bucket_may_have_dots_in_its_name(bucket: SwiftS3Place, to_s3: S3, packed: Packed) -> None:
    async with reader(bucket.server.url) as client:
        await client.create_bucket(Bucket="img.example.com")
        await to_s3.put(packed(), replace(at(bucket.server.url), host="img.example.com"))
        assert (await client.head_object(Bucket="img.example.com", Key="some/a.png"))["ContentLength"] == len(PICTURE)


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moto]:
    server = Moto(tmp_path_factory.mktemp("moto"))
    yield server
    server.end()


async def test_an_access_list_goes_with_the_object_where_the_string_names_one(
    moto: Moto, to_s3: S3, packed: Packed
) -> None:
    await make_bucket(moto.url, "k", "s")
    readers: dict[str, set[str]] = {}
    for acl in ("", "&acl=public-read", "&acl=none"):
        string = f"s3://k:s@{BUCKET}/acl{acl[5:]}?endpoint={quote(moto.url, safe='')}{acl}"
        await to_s3.put(packed(), parse(string))
        async with reader(moto.url, "k", "s") as client:
            grants = (await client.get_object_acl(Bucket=BUCKET, Key=f"acl{acl[5:]}/a.png"))["Grants"]
        readers[acl] = {one["Grantee"].get("URI", "owner").rpartition("/")[2] for one in grants}
    assert readers == {"": {"owner"}, "&acl=public-read": {"owner", "AllUsers"}, "&acl=none": {"owner"}}


HOSTILE = {
    "AWS_PROFILE": "other", "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
    "AWS_ACCESS_KEY_ID": "other", "AWS_SECRET_ACCESS_KEY": "other", "AWS_SESSION_TOKEN": "other",
    "AWS_DEFAULT_REGION": "eu-west-3", "AWS_REGION": "eu-west-3", "AWS_MAX_ATTEMPTS": "7", "AWS_RETRY_MODE": "adaptive",
    "AWS_CA_BUNDLE": "/nowhere", "AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "true",
    "AWS_REQUEST_CHECKSUM_CALCULATION": "when_supported", "AWS_CSM_ENABLED": "true", "AWS_DEFAULTS_MODE": "auto",
    "HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9", "ALL_PROXY": "http://127.0.0.1:9",
}  # fmt: skip
CONFIGURED = """[profile other]
region = eu-west-3
endpoint_url = http://127.0.0.1:9
s3 =
    addressing_style = virtual
    use_accelerate_endpoint = true
"""


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has much to say about Amazon."""
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text(CONFIGURED)
    for name, value in {**HOSTILE, "HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("hostile")
async def test_nothing_of_the_machine_says_where_an_upload_goes(
    bucket: SwiftS3Place, front: Front, packed: Packed
) -> None:
    target = S3(Guard(LOOPBACK))
    try:
        await target.put(packed(), at(front.url, "machine"))
    finally:
        await target.close()
    assert await bucket.content("machine/a.png") == PICTURE
    assert "/us-east-1/" in front.asked[0].headers["Authorization"]
    assert "X-Amz-Security-Token" not in front.asked[0].headers


@pytest.mark.usefixtures("hostile")
async def test_nothing_of_the_machine_leads_away_from_amazon(packed: Packed, tmp_path: Path) -> None:
    async with Amazon(tmp_path) as amazon:
        await amazon.target.put(packed(), parse("s3://k:s@bucket/p"))
    assert [one.host for one in amazon.front.asked] == ["bucket.s3.amazonaws.com"]


# --- what is kept ---------------------------------------------------------------------------------


async def test_uploads_share_a_connection(to_s3: S3, bucket_proxy: Proxy, packed: Packed) -> None:
    bucket_proxy.arm(None)
    for _ in range(20):
        await to_s3.put(packed(), through(bucket_proxy))
    assert sum(bucket_proxy.accepted.values()) == 1


async def test_a_client_serves_all_of_a_credential_and_a_region(
    bucket: SwiftS3Place, packed: Packed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "KEPT", 2)
    url, target = bucket.server.url, S3(Guard(LOOPBACK))
    async with asyncio.TaskGroup() as puts:
        for number in range(6):
            puts.create_task(target.put(packed(), at(url, f"at once {number}")))
    assert len(target._kept) == 1
    first = next(iter(target._kept.values()))
    for region in ("eu-west-1", "eu-west-2"):
        await target.put(packed(), at(url, region=region))
    assert len(target._kept) == 2
    assert first not in target._kept.values()
    assert not first.users
    await target.put(packed(), at(url))  # anew
    await target.close()
    assert not target._kept
