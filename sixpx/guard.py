"""Owns which addresses may be connected to, and the resolver and connector that obey. Never knows who asks, or why.

The law is `REFUSED`: special-purpose space of the IANA registries (RFC 6890) and every form of IPv6 that carries an
IPv4 address. It is written out, since `ipaddress.is_global` differs between patch releases of Python. It is applied to
the address in the very call that opens a socket, so neither a literal, nor a redirect, nor a name that changes its
answer between two lookups can go round it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import aiohappyeyeballs
from aiohttp import TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult

from sixpx.errors import BadSettings, Refused

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Lookup = Callable[..., list[Any]]  # the signature of socket.getaddrinfo

_TABLE = (
    ("0.0.0.0/8", "an unspecified address"),
    ("10.0.0.0/8", "a private address"),
    ("100.64.0.0/10", "a carrier-grade NAT address"),
    ("127.0.0.0/8", "a loopback address"),
    ("168.63.129.16/32", "a metadata address"),
    ("169.254.169.254/32", "a metadata address"),
    ("169.254.0.0/16", "a link-local address"),
    ("172.16.0.0/12", "a private address"),
    ("192.0.0.0/24", "a reserved address"),
    ("192.0.2.0/24", "a documentation address"),
    ("192.88.99.0/24", "a 6to4 relay address"),
    ("192.168.0.0/16", "a private address"),
    ("198.18.0.0/15", "a benchmarking address"),
    ("198.51.100.0/24", "a documentation address"),
    ("203.0.113.0/24", "a documentation address"),
    ("224.0.0.0/4", "a multicast address"),
    ("240.0.0.0/4", "a reserved address"),
    ("::/128", "an unspecified address"),
    ("::1/128", "a loopback address"),
    ("::ffff:0:0/96", "an IPv4-mapped address"),
    ("::/96", "an IPv4-compatible address"),
    ("64:ff9b::/96", "a NAT64 address"),
    ("64:ff9b:1::/48", "a NAT64 address"),
    ("100::/64", "a discard address"),
    ("2001::/32", "a Teredo address"),
    ("2001::/23", "a reserved address"),
    ("2001:db8::/32", "a documentation address"),
    ("2002::/16", "a 6to4 address"),
    ("3fff::/20", "a documentation address"),
    ("fc00::/7", "a private address"),
    ("fe80::/10", "a link-local address"),
    ("fec0::/10", "a site-local address"),
    ("ff00::/8", "a multicast address"),
    # What is left outside of 2000::/3, the only space assigned to global unicast (RFC 4291 section 2.4).
    ("::/3", "a reserved address"),
    ("4000::/2", "a reserved address"),
    ("8000::/1", "a reserved address"),
)
REFUSED: tuple[tuple[Network, str], ...] = tuple((ipaddress.ip_network(net), what) for net, what in _TABLE)
_RESOLVER_THREADS = 8


def _why_refused(address: Address) -> str | None:
    """What is wrong with connecting to `address`, or None where it is public."""
    for network, what in REFUSED:
        if address.version == network.version and address in network:
            return what
    # ISATAP (RFC 5214 section 6.1) hides IPv4 in the interface identifier, under any prefix; u and g bits vary.
    if address.version == 6 and (int(address) >> 32) & 0xFCFFFFFF == 0x00005EFE:
        return "an ISATAP address"
    return None


class Guard:
    """Refuses every address that is not public, but for the networks that the operator lists.

    `allow` holds networks in CIDR notation (a bare address is a network of one); an IPv4 network allows its
    IPv4-mapped IPv6 form too. Raises BadSettings for what is no network. `lookup` is `socket.getaddrinfo` or its like.
    """

    def __init__(self, allow: Iterable[str] = (), lookup: Lookup = socket.getaddrinfo) -> None:
        self._allow = _networks(allow)
        self._lookup = lookup
        self._resolver = Resolver(self.check, lookup)

    def check(self, address: str) -> None:
        """Raise Refused unless `address`, a literal as the system prints it (zone id included), may be connected to."""
        try:
            literal = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            raise Refused(f"{address[:64]!r} is not an IP address, so it is not connected to") from None
        what = _why_refused(literal)
        if what is not None and not self._allowed(literal):
            raise Refused(f"{address} is {what}, not a public one; the configuration can allow it in network.allow")

    def socket_factory(self, addr_info: tuple[Any, ...]) -> socket.socket:
        """A non-blocking socket for one entry of getaddrinfo, unless its address is refused (Refused)."""
        family, kind, proto, _, address = addr_info
        if family not in (socket.AF_INET, socket.AF_INET6):
            raise Refused(f"Expected an internet address to connect to, came address family {int(family)}")
        self.check(address[0])
        opened = socket.socket(family, kind, proto)
        opened.setblocking(False)
        return opened

    @property
    def resolver(self) -> AbstractResolver:
        """For a client of HTTP that makes its connector itself, besides `socket_factory`."""
        return self._resolver

    def connector(self, limit: int = 0, keepalive_s: float = 30.0, lookups: int | None = None) -> TCPConnector:
        """A connector for one aiohttp session: `limit` connections (0: any number), idle ones kept `keepalive_s`; with
        threads of its own for so many `lookups` at once, else with those that all share."""
        resolver = self._resolver if lookups is None else Resolver(self.check, self._lookup, lookups)
        return TCPConnector(
            socket_factory=self.socket_factory, resolver=resolver, limit=limit, keepalive_timeout=keepalive_s
        )

    async def connect(self, host: str, port: int) -> socket.socket:
        """A connected non-blocking TCP socket, for what is not HTTP. Raises Refused, or OSError from the network."""
        answers = await self._resolver.resolve(host, port, socket.AF_UNSPEC)
        infos = [_addr_info(answer) for answer in answers]
        return await aiohappyeyeballs.start_connection(
            infos, socket_factory=self.socket_factory, happy_eyeballs_delay=0.25
        )

    def _allowed(self, literal: Address) -> bool:
        mapped = literal.ipv4_mapped if isinstance(literal, ipaddress.IPv6Address) else None
        forms = (literal,) if mapped is None else (literal, mapped)
        return any(form.version == net.version and form in net for net in self._allow for form in forms)


class Resolver(AbstractResolver):
    """Looks names up in threads of its own and drops the answers that are refused.

    Of its own, because a getaddrinfo that hangs for half a minute would take the threads of the default executor away
    from everyone's file work; not a DNS library, because /etc/hosts and nsswitch count. Dropping is no second guard:
    connecting to several addresses at once (RFC 8305), aiohappyeyeballs loses an error that is no OSError, so a name
    with refused answers alone has to fail here to fail in clear words. The threads end with the object.
    """

    def __init__(
        self, check: Callable[[str], None], lookup: Lookup = socket.getaddrinfo, threads: int = _RESOLVER_THREADS
    ) -> None:
        self._check = check
        self._lookup = lookup
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="resolver")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The allowed addresses of `host`; Refused where there are only others, OSError where there are none."""
        ask = partial(self._lookup, host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        try:
            infos = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        except UnicodeError:  # what getaddrinfo says to a label that IDNA can't encode
            raise socket.gaierror(socket.EAI_NONAME, "not a host name") from None
        allowed, refused = [], None
        for found, _, proto, _, address in infos:
            try:
                self._check(address[0])
            except Refused as refusal:
                refused = refused or refusal
            else:
                allowed.append(_answer(host, found, proto, address))
        if not allowed:
            raise refused or socket.gaierror(socket.EAI_NONAME, "no address")
        return allowed

    async def close(self) -> None:
        """Let no further lookup begin; one under way ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _networks(allow: Iterable[str]) -> tuple[Network, ...]:
    networks: list[Network] = []
    faults: list[str] = []
    for text in allow:
        try:
            networks.append(ipaddress.ip_network(text))
        except ValueError as fault:
            faults.append(f"network.allow: expected a network such as 10.0.0.0/8, came {text!r} ({fault})")
    if faults:
        raise BadSettings(tuple(faults))
    return tuple(networks)


def _answer(host: str, family: socket.AddressFamily, proto: int, address: tuple[Any, ...]) -> ResolveResult:
    numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=host, host=address[0], port=address[1], family=family, proto=proto, flags=numeric)


def _addr_info(answer: ResolveResult) -> tuple[Any, ...]:
    end = (0, 0) if answer["family"] == socket.AF_INET6 else ()
    return (answer["family"], socket.SOCK_STREAM, answer["proto"], "", (answer["host"], answer["port"], *end))
