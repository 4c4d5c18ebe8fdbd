"""Programs that use a service: `Client`, `AsyncClient` and what they speak of. Nothing of the server is imported."""

from sixpx.client.asynchronous import AsyncClient, Jobs
from sixpx.client.blocking import Client
from sixpx.client.callback import received
from sixpx.client.draft import Draft
from sixpx.client.result import JobFailed, Picture, Result, Trouble
from sixpx.client.wire import Identity, Unreachable
from sixpx.errors import Conflict, Invalid, Mistake, NotFound, OverQuota, SixpxError, Unauthorized
from sixpx.signature import Unverified

__all__ = [
    "AsyncClient",
    "Client",
    "Conflict",
    "Draft",
    "Identity",
    "Invalid",
    "JobFailed",
    "Jobs",
    "Mistake",
    "NotFound",
    "OverQuota",
    "Picture",
    "Result",
    "SixpxError",
    "Trouble",
    "Unauthorized",
    "Unreachable",
    "Unverified",
    "received",
]
