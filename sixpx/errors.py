"""Owns the one exception tree: a stable code, words for the public, whether a retry may help. Never HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SixpxError(Exception):
    """Every error we raise on purpose. `detail` is one sentence that a user may read."""

    code = "internal"
    retryable = False

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


# --- what a client asked wrongly --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mistake:
    """One fault in a request body: `pointer` is a JSON pointer (RFC 6901), `detail` a sentence."""

    pointer: str
    detail: str


class Invalid(SixpxError):
    """The request cannot be understood; carries every mistake found at once."""

    code = "invalid"

    def __init__(self, detail: str, mistakes: tuple[Mistake, ...] = ()) -> None:
        super().__init__(detail)
        self.mistakes = mistakes


class Unauthorized(SixpxError):
    """Nobody who may ask this: not proven, or removed since."""

    code = "unauthorized"


class NotFound(SixpxError):
    code = "not_found"


class Conflict(SixpxError):
    """The thing is there but in a state that forbids the request."""

    code = "conflict"


class TooLarge(SixpxError):
    """A request body over its limit (bytes)."""

    code = "too_large"


class Busy(SixpxError):
    """Too much at once; nothing was accepted."""

    code = "busy"
    retryable = True


class KeyReused(SixpxError):
    """An Idempotency-Key that came before with another body."""

    code = "idempotency_key_reused"


class TooSlow(SixpxError):
    """A query that takes longer than queries may."""

    code = "query_too_slow"


class OverQuota(SixpxError):
    """More posts than the user's plan has; `wait`: seconds until there is room again."""

    code = "over_quota"
    retryable = True

    def __init__(self, detail: str, wait: int) -> None:
        super().__init__(detail)
        self.wait = wait


# --- what an output can fail with ---------------------------------------------------------------


class OutputFault(SixpxError):
    """Fails one output (or the input that feeds it), never the service."""


class NotSupported(OutputFault):
    """Something that the API knows and this installation cannot do."""

    code = "not_supported"


class BadImage(OutputFault):
    """The file is no image that we read, or a broken one."""

    code = "bad_image"


class BadStep(OutputFault):
    """A step cannot be applied to this picture: a crop outside of it, say."""

    code = "bad_step"


class OverLimit(OutputFault):
    """A limit of the configuration; the detail names the limit and the value."""

    code = "over_limit"


class FetchFailed(OutputFault):
    """An input could not be downloaded."""

    code = "fetch_failed"

    def __init__(self, detail: str, retryable: bool = False) -> None:
        super().__init__(detail)
        self.retryable = retryable


class Refused(OutputFault):
    """The network guard does not allow a connection to this address."""

    code = "address_refused"


class Again(StrEnum):
    """Why a further try may help at once, or soon."""

    BROKEN = "broken"
    """The connection was cut, refused or went silent: a fresh one is likely to work."""
    BUSY = "busy"
    """The other side says that it has too much to do, or that its disk is full: it needs time."""


class PutFailed(OutputFault):
    """A result could not be stored at its destination. `retryable`: the same request may work later. `again`: so soon
    that it is tried again within the run; `wait`: seconds that the destination asked for before that."""

    code = "put_failed"

    def __init__(
        self, detail: str, retryable: bool = False, again: Again | None = None, wait: float | None = None
    ) -> None:
        super().__init__(detail)
        self.retryable = retryable or again is not None
        self.again = again
        self.wait = wait


class Mistaken(OutputFault):
    """A mistake of ours that an output pays for; the log tells more."""

    code = "internal"
    retryable = True


# --- what goes wrong among ourselves --------------------------------------------------------------


class Lost(SixpxError):
    """A claim that is no longer ours: its lease ended or the job was cancelled."""

    code = "lost"


class StoreDown(SixpxError):
    """The store does not answer; nothing was accepted."""

    code = "store_down"
    retryable = True


class BadSettings(SixpxError):
    """The configuration cannot be used; `faults` are sentences, all of them at once."""

    code = "bad_settings"

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults
