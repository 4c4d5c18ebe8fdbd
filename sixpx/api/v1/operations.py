"""Owns the table of the API's operations as its description lists them: address, what may be asked, what is answered.
Never a handler; a test holds the table to the routes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sixpx.core.media import ENDINGS

JSON, STREAM, PICTURES = ("application/json",), ("text/event-stream",), tuple(ENDINGS)


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes where nothing is refused: when, the schema of its body (a name in `schemas/v1/reply.json`, `[]` for a
    list of them), the media types of a body, and the headers."""

    words: str
    schema: str = ""
    types: tuple[str, ...] = JSON
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """One method at one address. `refusals`: the statuses that come with a problem, beside the 500 that every one of
    them may come to; `body`: a file of `schemas/v1`; `proven`: whether it asks for a key."""

    name: str
    method: str
    path: str
    tag: str
    summary: str
    answers: Mapping[int, Answer]
    refusals: tuple[int, ...] = ()
    parameters: tuple[str, ...] = ()
    body: str = ""
    proven: bool = True
    deprecated: bool = False


TAGS: Mapping[str, str] = {
    "jobs": "Post them, look at them, search them.",
    "callbacks": "What was told to the `callback.url` of a job.",
    "events": "Hear of jobs as they change.",
    "user": "Key, plan and use.",
    "pictures": "The results that the service hosts itself.",
    "service": "What the service says of itself; none of it needs a key.",
}

USER = "/v1/users/{user_id}"
JOBS = f"{USER}/jobs"
JOB = f"{JOBS}/{{job_id}}"
OF_USER, OF_JOB = (401, 503), (401, 404, 503)
NOTHING: tuple[str, ...] = ()
LIMITED = ("RateLimit", "RateLimit-Policy")
COUNTED = ("X-Total-Count", "X-Total-Count-Capped", "Link")
HEARD = (
    'Say `{"auth": {"user_id": …, "key": …, "secret": …}}`, hear `{"auth": true}`, then `{"job_id": …, "status": …}`.'
)

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        name="postJob",
        method="post",
        path=JOBS,
        tag="jobs",
        summary="Post a job",
        answers={
            200: Answer("It is stored, and survives a power cut from here on.", "posted", JSON, ("Location", *LIMITED))
        },
        refusals=(400, 401, 408, 413, 422, 429, 503),
        parameters=("user", "version", "idempotency"),
        body="job",
    ),
    Operation(
        name="listJobs",
        method="get",
        path=JOBS,
        tag="jobs",
        summary="List and search jobs, newest first",
        answers={200: Answer("One page of them.", "job[]", JSON, COUNTED)},
        refusals=(400, *OF_USER, 422),
        parameters=("user", "version", "page", "per_page", "sort_by", "fields"),
    ),
    Operation(
        name="getJob",
        method="get",
        path=JOB,
        tag="jobs",
        summary="Get a job, or wait for its end",
        answers={200: Answer("The job as it is now.", "job")},
        refusals=(400, *OF_JOB),
        parameters=("user", "job", "version", "wait"),
    ),
    Operation(
        name="deleteJob",
        method="delete",
        path=JOB,
        tag="jobs",
        summary="Cancel a job that has not ended, remove one that has",
        answers={
            202: Answer("It is cancelled.", "cancelled"),
            204: Answer("It is gone, and the pictures of it that the service hosts with it.", types=NOTHING),
        },
        refusals=(*OF_JOB, 409),
        parameters=("user", "job"),
    ),
    Operation(
        name="retryJob",
        method="post",
        path=f"{JOB}/retry",
        tag="jobs",
        summary="Make the failed outputs of a job again",
        answers={200: Answer("It is pending again.", "posted")},
        refusals=(*OF_JOB, 409),
        parameters=("user", "job"),
    ),
    Operation(
        name="listDeliveries",
        method="get",
        path=f"{JOB}/deliveries",
        tag="callbacks",
        summary="List the callbacks of a job with their attempts",
        answers={200: Answer("All of them, the oldest first.", "delivery[]")},
        refusals=OF_JOB,
        parameters=("user", "job"),
    ),
    Operation(
        name="replayDelivery",
        method="post",
        path=f"{JOB}/deliveries/{{delivery_id}}/replay",
        tag="callbacks",
        summary="Send a callback once more",
        answers={202: Answer("It is due at once.", "delivery")},
        refusals=(*OF_JOB, 409),
        parameters=("user", "job", "delivery"),
    ),
    Operation(
        name="listen",
        method="get",
        path=f"{USER}/events",
        tag="events",
        summary="Hear of the user's jobs as they change (Server-Sent Events)",
        answers={200: Answer("`event: job` with `{job_id, status}`, and an `id` to go on from.", types=STREAM)},
        refusals=(400, *OF_USER),
        parameters=("user", "last", "last_event_id"),
    ),
    Operation(
        name="connect",
        method="get",
        path="/v1/socket",
        tag="events",
        summary="Hear of the user's jobs over a web socket",
        answers={101: Answer(HEARD, types=NOTHING)},
        refusals=(426,),
        proven=False,
    ),
    Operation(
        name="connectAsIn2014",
        method="get",
        path="/",
        tag="events",
        summary="The same web socket, where the clients of 2014 look for it",
        answers={101: Answer(HEARD, types=NOTHING)},
        refusals=(404,),
        proven=False,
        deprecated=True,
    ),
    Operation(
        name="checkAuth",
        method="post",
        path=f"{USER}/auth",
        tag="user",
        summary="Check key and secret",
        answers={200: Answer("They are right.", "auth")},
        refusals=OF_USER,
        parameters=("user",),
    ),
    Operation(
        name="getUsage",
        method="get",
        path=f"{USER}/usage",
        tag="user",
        summary="See what was posted, and what the plan has left",
        answers={200: Answer("This minute, this month, and the months before.", "usage")},
        refusals=OF_USER,
        parameters=("user",),
    ),
    Operation(
        name="getPicture",
        method="get",
        path="/{user_id}/{job_id}/{filename}",
        tag="pictures",
        summary="Get a picture that the service hosts; its address is the `location` in the job",
        answers={
            200: Answer("The picture.", types=PICTURES, headers=("Cache-Control", "ETag")),
            206: Answer("The part that `Range` asks for.", types=PICTURES, headers=("Cache-Control", "ETag")),
            304: Answer("It has not changed.", types=NOTHING, headers=("ETag",)),
            412: Answer("It is not the one that `If-Match` names.", types=NOTHING),
            416: Answer("It has no such part.", types=NOTHING),
        },
        refusals=(404,),
        parameters=("user", "job", "filename", "range", "etag"),
        proven=False,
    ),
    Operation(
        name="getLimits",
        method="get",
        path="/v1/limits",
        tag="service",
        summary="See every limit of this service",
        answers={200: Answer("By the names of its settings.", "limits")},
        proven=False,
    ),
    Operation(
        name="getFormats",
        method="get",
        path="/v1/formats",
        tag="service",
        summary="See what this installation reads and writes",
        answers={200: Answer("Found out by trial.", "formats")},
        refusals=(503,),
        proven=False,
    ),
    Operation(
        name="describe",
        method="get",
        path="/v1/openapi.json",
        tag="service",
        summary="This description",
        answers={200: Answer("OpenAPI 3.1.", "description", JSON, ("Cache-Control",))},
        proven=False,
    ),
    Operation(
        name="live",
        method="get",
        path="/livez",
        tag="service",
        summary="Whether the service is there",
        answers={200: Answer("It is.", "health")},
        proven=False,
    ),
    Operation(
        name="ready",
        method="get",
        path="/readyz",
        tag="service",
        summary="Whether the service can take jobs",
        answers={200: Answer("It can.", "health"), 503: Answer("It cannot; by part, what it lacks.", "health")},
        proven=False,
    ),
)
