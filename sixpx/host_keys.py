"""Owns which SSH host keys are trusted: pinned, listed in a known_hosts file, or remembered from first use. Never SSH.

SPEC section 9: a key that none of these knows is refused, with its fingerprint and the ways to trust it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sixpx.errors import PutFailed
from sixpx.threads import to_its_end


class HostKeyUnknown(PutFailed):
    """A server whose key nobody told us to trust, or another key than the trusted one."""

    code = "host_key_unknown"


@dataclass(slots=True)
class HostKeys:
    """`listed` is the operator's known_hosts file, if any; with `on_first_use` a server's first key is trusted and
    remembered in the file `remembered`, a line each: `host port fingerprint`."""

    listed: Path | None = None
    on_first_use: bool = False
    remembered: Path = Path("host_keys")
    _known: dict[tuple[str, int], str] | None = field(default=None, repr=False)

    async def load(self) -> None:
        """Reads what was remembered; `trust` needs it."""
        if self._known is None:
            self._known = await to_its_end(_read, self.remembered)

    def trust(self, host: str, port: int, seen: str, pin: str | None) -> bool:
        """Whether the key with the fingerprint `seen` may be the server's: by the pin where there is one, else by what
        was remembered; where nothing was, it may on first use."""
        assert self._known is not None
        if pin is not None:
            return same(pin, seen)
        return self.on_first_use and same(self._known.get((host, port), seen), seen)

    async def keep(self, host: str, port: int, seen: str, pin: str | None) -> None:
        """Remembers a key that was trusted, once its owner has proven it."""
        assert self._known is not None
        if pin is None and self.on_first_use and (host, port) not in self._known:
            self._known[host, port] = seen
            await to_its_end(_add, self.remembered, f"{host} {port} {seen}\n")

    def refusal(
        self, host: str, port: int, seen: str | None, pin: str | None, is_listed: bool = False
    ) -> HostKeyUnknown:
        """The sentence for a key that was not trusted; `seen` is its fingerprint, `is_listed` whether the operator's
        file has other keys for the host."""
        at = host if port == 22 else f"{host} port {port}"
        seen = seen or "of a certificate that cannot be read"
        if pin is not None:
            return HostKeyUnknown(f"{at} showed the host key {seen}, not the one of the option hostkey")
        if is_listed:
            return HostKeyUnknown(
                f"{at} showed the host key {seen}, not one that the service's known_hosts file has for it "
                "(sftp.known_hosts)"
            )
        if self._known and (host, port) in self._known:
            was = self._known[host, port]
            return HostKeyUnknown(
                f"{at} showed the host key {seen}; the one remembered is {was}. If the change is meant, take its line "
                "out of the file host_keys in the data folder, or add ?hostkey= to the connection string"
            )
        return HostKeyUnknown(
            f"the host key of {at}, {seen}, is not trusted: add ?hostkey={seen} to the connection string, or have it "
            "put into the service's known_hosts file (sftp.known_hosts)"
        )


def same(one: str, other: str) -> bool:
    """Whether two fingerprints are one; with or without `SHA256:` and padding."""
    return _bare(one) == _bare(other)


def _bare(fingerprint: str) -> str:
    return fingerprint.removeprefix("SHA256:").rstrip("=")


def _read(path: Path) -> dict[tuple[str, int], str]:
    lines = path.read_text().splitlines() if path.exists() else []
    parts = [line.split() for line in lines]
    return {(one[0], int(one[1])): one[2] for one in parts if len(one) == 3 and one[1].isdecimal()}


def _add(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(line)
