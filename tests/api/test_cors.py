"""Owns what browsers are told: preflights, and which pages may read which replies. Never who is let in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sixpx.core import people
from sixpx.core.user import Plan
from tests.api.clients import Client, Reply, body_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGE, STRANGE = "https://shop.example", "https://evil.example"
ALLOW, EXPOSE = "Access-Control-Allow-Origin", "Access-Control-Expose-Headers"
ASKED = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}


async def with_page(client: Client, **fields: object) -> Client:
    user = await client.store.change_user(
        client.user.id, lambda one: replace(people.with_domains(one, [PAGE], ()), **fields)
    )
    assert user is not None
    return replace(client, user=user)


def words(reply: Reply, header: str) -> set[str]:
    return {one.strip().lower() for one in reply.headers.get(header, "").split(",")}


async def preflight(client: Client, path: str, origin: str = PAGE) -> Reply:
    return await client.ask("OPTIONS", path, auth=None, headers={"Origin": origin, **ASKED})


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/users/ID/jobs", {"get", "head", "post", "options"}),
        ("/v1/users/ID/jobs/JOB", {"get", "head", "delete", "options"}),
        ("/v1/users/ID/jobs/JOB/retry", {"post", "options"}),
        ("/v1/users/ID/auth", {"post", "options"}),
        ("/v1/users/ID/usage", {"get", "head", "options"}),
        ("/v1/limits", {"get", "head", "options"}),
    ],
)
async def test_every_address_answers_a_preflight(idle: Client, path: str, methods: set[str]) -> None:
    reply = await preflight(idle, path)
    assert (reply.status, reply.body) == (204, b"")
    assert reply.headers[ALLOW] == PAGE
    assert words(reply, "Allow") == methods
    assert {"get", "post", "delete"} <= words(reply, "Access-Control-Allow-Methods")
    asked = {"authorization", "content-type", "idempotency-key", "6px-version", "last-event-id"}
    assert asked <= words(reply, "Access-Control-Allow-Headers")
    assert int(reply.headers["Access-Control-Max-Age"]) >= 600
    assert "origin" in words(reply, "Vary")


async def test_a_preflight_is_the_same_for_every_page_and_every_user(idle: Client) -> None:
    """It shows no key, so it can tell nothing of a user, not even that there is one."""
    idle = await with_page(idle)
    for path in (idle.jobs, f"/v1/users/{'f' * 24}/jobs", "/v1/users/nobody/jobs"):
        for origin in (PAGE, STRANGE):
            reply = await preflight(idle, path, origin)
            assert (reply.status, reply.headers[ALLOW]) == (204, origin)


async def test_also_what_is_not_there_answers_so_that_its_404_can_be_read(idle: Client) -> None:
    assert (await preflight(idle, "/v1/nothing")).headers[ALLOW] == PAGE
    reply = await idle.ask("POST", "/v1/nothing", auth=None, headers={"Origin": PAGE})
    assert (reply.status, reply.headers[ALLOW]) == (404, PAGE)


async def test_options_without_an_origin_says_which_methods_there_are(idle: Client) -> None:
    reply = await idle.ask("OPTIONS", idle.jobs, auth=None)
    assert reply.status == 204
    assert "post" in words(reply, "Allow")
    assert ALLOW not in reply.headers


async def test_the_published_browser_clients_way_from_a_page_on_the_list(idle: Client) -> None:
    """A simple POST that checks the key, a preflight, the job, and a simple GET (6px.js)."""
    idle = await with_page(idle)
    key, page = f"?key={idle.user.api_key}", {"Origin": PAGE}
    json = {**page, "Content-Type": "application/json"}
    checked = await idle.ask("POST", f"/v1/users/{idle.user.id}/auth{key}", auth=None, headers=page)
    asked = await preflight(idle, idle.jobs + key)
    posted = await idle.ask("POST", idle.jobs + key, body_of(), auth=None, headers=json)
    got = await idle.get(f"/{posted.json['id']}{key}", auth=None, headers=page)
    listed = await idle.get(key, auth=None, headers=page)
    assert [one.status for one in (checked, asked, posted, got, listed)] == [200, 204, 200, 200, 200]
    for reply in (checked, posted, got, listed):
        assert reply.headers[ALLOW] == PAGE
        assert "origin" in words(reply, "Vary")
        exposed = {"location", "link", "x-total-count", "ratelimit", "ratelimit-policy", "retry-after"}
        assert exposed <= words(reply, EXPOSE)


async def test_errors_can_be_read_by_a_page_on_the_list(idle: Client) -> None:
    idle = await with_page(idle, plan=Plan(per_minute=0))
    page = {"Origin": PAGE}
    replies = {
        400: await idle.get("?page=x", headers=page),
        404: await idle.get(f"/{'f' * 24}", headers=page),
        405: await idle.ask("PUT", idle.jobs, headers=page),
        429: await idle.post(body_of(), headers=page),
    }
    assert {status: reply.status for status, reply in replies.items()} == {status: status for status in replies}
    assert {reply.headers[ALLOW] for reply in replies.values()} == {PAGE}


async def test_a_refusal_can_be_read_from_everywhere_and_is_the_same(idle: Client) -> None:
    idle = await with_page(idle)
    stranger = replace(idle, user=replace(idle.user, id="f" * 24))
    for client in (idle, stranger):
        for origin in (PAGE, STRANGE):
            reply = await client.get("?key=wrong", auth=None, headers={"Origin": origin})
            assert (reply.status, reply.headers[ALLOW]) == (401, origin)


async def test_a_page_elsewhere_that_holds_a_secret_cannot_read(idle: Client) -> None:
    idle = await with_page(idle)
    reply = await idle.get(headers={"Origin": STRANGE})
    assert reply.status == 200
    assert not {ALLOW, EXPOSE} & set(reply.headers)
    assert "origin" in words(reply, "Vary")


@pytest.mark.parametrize("origin", ["null", "*", "https://shop.example/", "shop.example", "https://a b"])
async def test_what_is_no_origin_is_never_repeated(idle: Client, origin: str) -> None:
    for reply in (
        await preflight(idle, idle.jobs, origin),
        await idle.get(headers={"Origin": origin}),
        await idle.get(auth=None, headers={"Origin": origin}),
        await idle.ask("GET", "/v1/limits", auth=None, headers={"Origin": origin}),
    ):
        assert ALLOW not in reply.headers


async def test_credentials_of_the_browser_are_never_allowed_and_other_addresses_say_nothing(idle: Client) -> None:
    page = {"Origin": PAGE}
    replies = [
        await preflight(idle, idle.jobs),
        await idle.get(headers=page),
        await idle.ask("GET", "/v1/formats", auth=None, headers=page),
    ]
    assert not [one for one in replies if "Access-Control-Allow-Credentials" in one.headers]
    assert ALLOW not in (await idle.ask("GET", "/livez", headers=page)).headers
    assert (await idle.ask("OPTIONS", "/livez", headers=page)).status == 405
