"""Owns Rackspace's identity and CDN services, and Keystone v3, in the shapes that their documentation gives, in front
of a real Swift whose tokens they hand out. Never the store: objects go to Swift, through a door that tests can tamper
with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from tests.servers import swift
from tests.servers.base import HOST
from tests.servers.swift import Swift

TENANT = "MossoCloudFS_0a1b"
US_REGIONS = ("DFW", "ORD", "IAD", "HKG", "SYD")
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Rackspace:
    """The running services. `us` and `uk` are Identity v2.0, `keystone` v3; `asked` lists the requests for tokens.

    What tests may change: `regions` and `users` of each identity service (`us`, `uk`, `v3`), how many of the next
    tokens are `stale`, `life` of a token in seconds, the addresses of `storage` and `cdn` in the catalogue, the
    `cdn_status` where it is to be a fault. Of `door`, the door to Swift: `answers` are given instead of Swift's, first
    to last; of the next `damaged` bodies one bit is changed; `lines` are the connections that were seen.
    """

    def __init__(self, behind: Swift) -> None:
        self._swift = behind
        self.asked: list[str] = []
        self.regions: dict[str, tuple[str, ...]] = {"us": US_REGIONS, "uk": ("LON",), "v3": ("RegionOne",)}
        self.users = {"us": {swift.USER}, "uk": {swift.USER}, "v3": {swift.USER}}
        self.default_region = "ORD"
        self.stale = 0
        self.life = 86_400.0
        self.storage = behind.storage
        self.cdn = ""
        self.cdn_asked: list[str] = []
        self.cdn_status: int | None = None
        self.published: dict[str, bool] = {}
        self.answers: list[Answer] = []
        self.damaged = 0
        self.lines: set[object] = set()
        self._tokens: set[str] = set()

    @classmethod
    async def started(cls, behind: Swift) -> Rackspace:
        self = cls(behind)
        app = web.Application()
        app.router.add_post("/{place:us|uk}/v2.0/tokens", self._v2)
        app.router.add_post("/v3/auth/tokens", self._v3)
        app.router.add_route("HEAD", f"/cdn/v1/{TENANT}/{{container}}", self._cdn_head)
        app.router.add_route("PUT", f"/cdn/v1/{TENANT}/{{container}}", self._cdn_put)
        app.router.add_route("*", f"/v1/AUTH_{swift.ACCOUNT}{{tail:.*}}", self._through)
        self._client = aiohttp.ClientSession(auto_decompress=False)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        self.us, self.uk, self.keystone = f"{self.url}/us/v2.0", f"{self.url}/uk/v2.0", f"{self.url}/v3"
        self.door = f"{self.url}/v1/AUTH_{swift.ACCOUNT}"
        self.cdn = f"{self.url}/cdn/v1/{TENANT}"
        return self

    async def end(self) -> None:
        await self._client.close()
        await self._runner.cleanup()

    # --- identity ---------------------------------------------------------------------------------

    async def _token(self, place: str, user: str, key: str) -> str | None:
        """Swift's token for a user that this service knows, None for another or a wrong key."""
        await asyncio.sleep(0.02)  # so that requests made together are here together
        if user not in self.users[place]:
            return None
        named = {"X-Auth-User": f"{swift.ACCOUNT}:{user}", "X-Auth-Key": key}
        async with self._client.get(self._swift.auth, headers=named) as reply:
            token = reply.headers.get("X-Auth-Token")
        if token and self.stale:
            self.stale -= 1
            token = "AUTH_tk0000000000000000000000000000gone"
        self._tokens |= {token or ""}
        return token

    async def _v2(self, request: web.Request) -> web.Response:
        place = request.match_info["place"]
        self.asked.append(place)
        auth = (await request.json())["auth"]
        if "RAX-KSKEY:apiKeyCredentials" in auth:
            said = auth["RAX-KSKEY:apiKeyCredentials"]
            user, key = said["username"], said["apiKey"]
        else:
            said = auth["passwordCredentials"]
            user, key = said["username"], said["password"]
            if auth["tenantName"] != swift.ACCOUNT:
                return _unauthorized()
        token = await self._token(place, user, key)
        return _unauthorized() if token is None else web.json_response(self._access(place, token, user))

    def _access(self, place: str, token: str, user: str) -> dict[str, Any]:
        regions = self.regions[place]
        storage = [
            {
                "region": one,
                "tenantId": TENANT,
                "publicURL": self.storage,
                "internalURL": "https://snet-storage101.test",
            }
            for one in regions
        ]
        cdn = [{"region": one, "tenantId": TENANT, "publicURL": self.cdn} for one in regions]
        return {
            "access": {
                "token": {
                    "id": token,
                    "expires": self._expires(),
                    "tenant": {"id": "123456", "name": "123456"},
                    "RAX-AUTH:authenticatedBy": ["APIKEY"],
                },
                "serviceCatalog": [
                    {
                        "name": "cloudServersOpenStack",
                        "type": "compute",
                        "endpoints": [{"publicURL": "https://x.test"}],
                    },
                    {"name": "cloudFilesCDN", "type": "rax:object-cdn", "endpoints": cdn if self.cdn else []},
                    {"name": "cloudFiles", "type": "object-store", "endpoints": storage},
                ],
                "user": {"id": "161418", "name": user, "roles": [], "RAX-AUTH:defaultRegion": self.default_region},
            }
        }

    def _expires(self) -> str:
        return (datetime.now(UTC) + timedelta(seconds=self.life)).isoformat(timespec="milliseconds")

    async def _v3(self, request: web.Request) -> web.Response:
        self.asked.append("v3")
        auth = (await request.json())["auth"]
        assert auth["identity"]["methods"] == ["password"]
        user, project = auth["identity"]["password"]["user"], auth["scope"]["project"]
        token = None
        if project == {"name": swift.ACCOUNT, "domain": {"name": "Default"}} and user["domain"] == project["domain"]:
            token = await self._token("v3", user["name"], user["password"])
        if token is None:
            said = {
                "error": {
                    "code": 401,
                    "message": "The request you have made requires authentication.",
                    "title": "Unauthorized",
                }
            }
            return web.json_response(said, status=401)
        endpoints = [
            {"id": "1", "interface": kind, "region": one, "region_id": one, "url": url}
            for one in self.regions["v3"]
            for kind, url in (("internal", "http://10.0.0.1:8080/v1/AUTH_x"), ("public", self.storage))
        ]
        catalog = [{"id": "2", "name": "swift", "type": "object-store", "endpoints": endpoints}]
        said = {"token": {"methods": ["password"], "expires_at": self._expires(), "catalog": catalog}}
        return web.json_response(said, status=201, headers={"X-Subject-Token": token})

    # --- CDN --------------------------------------------------------------------------------------

    async def _cdn_head(self, request: web.Request) -> web.Response:
        container = request.match_info["container"]
        self.cdn_asked.append(container)
        if self.cdn_status is not None:
            return web.Response(status=self.cdn_status)
        if request.headers.get("X-Auth-Token") not in self._tokens:
            return web.Response(status=401)
        if container not in self.published:
            return web.Response(status=404)
        return web.Response(status=204, headers=_cdn_headers(self.published[container]))

    async def _cdn_put(self, request: web.Request) -> web.Response:
        container = request.match_info["container"]
        self.published[container] = request.headers.get("X-Cdn-Enabled", "True").lower() == "true"
        return web.Response(status=201, headers=_cdn_headers(self.published[container]))

    # --- the door ---------------------------------------------------------------------------------

    async def _through(self, request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        self.lines.add(request.transport.get_extra_info("peername"))
        if self.answers:
            return await self.answers.pop(0)(request)
        body = await request.content.read()
        if self.damaged and body:
            self.damaged -= 1
            body = body[:-1] + bytes([body[-1] ^ 1])
        kept = {
            name: value for name, value in request.headers.items() if name.lower() not in ("host", "content-length")
        }
        url = URL(self._swift.url + request.raw_path, encoded=True)
        async with self._client.request(request.method, url, headers=kept, data=body) as reply:
            gone = ("transfer-encoding", "connection", *(() if request.method == "HEAD" else ("content-length",)))
            headers = {name: value for name, value in reply.headers.items() if name.lower() not in gone}
            return web.Response(status=reply.status, body=await reply.read() or None, headers=headers)


def _unauthorized() -> web.Response:
    said = {"unauthorized": {"code": 401, "message": "Unable to authenticate user with credentials provided."}}
    return web.json_response(said, status=401)


def _cdn_headers(enabled: bool) -> dict[str, str]:
    return {
        "X-Cdn-Enabled": str(enabled),
        "X-Ttl": "259200",
        "X-Log-Retention": "False",
        "X-Cdn-Uri": "http://081e40d3.r17.cf6.rackcdn.com",
        "X-Cdn-Ssl-Uri": "https://081e40d3.ssl.cf6.rackcdn.com",
    }
