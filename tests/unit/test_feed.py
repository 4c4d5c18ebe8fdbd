"""Owns the law of what listeners are told, and when. Never a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from sixpx.core.job import Status
from sixpx.feed import LINE_MOST, Feed, Line
from sixpx.hub import Hub, JobEvent

ADA, BEN, JOB, OTHER = "ada", "ben", "job", "other"
PENDING, WORKING, DONE = (JobEvent(JOB, ADA, one) for one in (Status.PENDING, Status.PROCESSING, Status.COMPLETE))
SOON = 0.05


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
async def feed(hub: Hub) -> AsyncIterator[Feed]:
    made = Feed(hub, once_more=SOON)
    yield made
    await made.close()


@pytest.fixture
def line(feed: Feed) -> Iterator[Line]:
    with feed.listening(ADA) as heard:
        yield heard


async def next_of(line: Line, within: float = 2.0) -> JobEvent | None:
    async with asyncio.timeout(within):
        return await line.next()


async def quiet(line: Line, seconds: float = 3 * SOON) -> bool:
    """Whether nothing comes for so long."""
    with pytest.raises(TimeoutError):
        await next_of(line, seconds)
    return True


async def test_a_listener_hears_of_his_jobs_in_order_and_of_nobody_elses(hub: Hub, line: Line) -> None:
    for event in (PENDING, JobEvent(OTHER, BEN, Status.COMPLETE), WORKING, DONE):
        hub.publish(event)
    assert [await next_of(line) for _ in range(3)] == [PENDING, WORKING, DONE]


async def test_the_end_is_told_once_more(hub: Hub, line: Line) -> None:
    hub.publish(DONE)
    assert [await next_of(line), await next_of(line)] == [DONE, DONE]
    assert await quiet(line)


async def test_who_listens_only_when_it_is_told_once_more_hears_it_too(hub: Hub, feed: Feed) -> None:
    hub.publish(DONE)
    with feed.listening(ADA) as late:
        assert await next_of(late) == DONE


async def test_an_end_that_was_read_is_not_told_to_who_listens_since_and_once_more_to_the_others(
    hub: Hub, feed: Feed, line: Line
) -> None:
    hub.publish(DONE)
    feed.read(JOB)
    with feed.listening(ADA) as late:
        assert [await next_of(line), await next_of(line)] == [DONE, DONE]
        assert await quiet(late)


async def test_a_listener_without_repeats_hears_each_end_once(hub: Hub, feed: Feed) -> None:
    with feed.listening(ADA, repeats=False) as heard:
        hub.publish(DONE)
        assert await next_of(heard) == DONE
        assert await quiet(heard)


async def test_an_end_that_is_undone_is_not_told_again(hub: Hub, line: Line) -> None:
    hub.publish(DONE)
    hub.publish(PENDING)
    assert [await next_of(line), await next_of(line)] == [DONE, PENDING]
    assert await quiet(line)


async def test_nothing_of_a_held_job_is_told_until_it_is_let_go_and_then_in_order(
    hub: Hub, feed: Feed, line: Line
) -> None:
    other = JobEvent(OTHER, ADA, Status.PENDING)
    with feed.holding(JOB):
        for event in (PENDING, WORKING, DONE, other):
            hub.publish(event)
        assert await next_of(line) == other
        assert await quiet(line)
    assert [await next_of(line) for _ in range(4)] == [PENDING, WORKING, DONE, DONE]


async def test_a_held_job_is_told_also_where_the_reply_could_not_be_written(hub: Hub, feed: Feed, line: Line) -> None:
    def broken() -> None:
        with feed.holding(JOB):
            hub.publish(DONE)
            raise ConnectionError

    with pytest.raises(ConnectionError):
        broken()
    assert await next_of(line) == DONE


async def test_who_does_not_take_his_events_is_overrun_and_nothing_is_kept_for_him(hub: Hub, line: Line) -> None:
    for _ in range(LINE_MOST + 1):
        hub.publish(WORKING)
    assert line.overrun
    assert await next_of(line) is None
    hub.publish(DONE)
    assert await next_of(line) is None


async def test_whoever_has_left_is_told_nothing(hub: Hub, feed: Feed) -> None:
    with feed.listening(ADA) as left:
        pass
    hub.publish(WORKING)
    assert await quiet(left)


async def test_a_user_has_work_under_way_until_his_last_job_ends(hub: Hub, feed: Feed) -> None:
    assert not feed.working_for(ADA)
    for event in (PENDING, JobEvent(OTHER, ADA, Status.PROCESSING), DONE):
        hub.publish(event)
        assert feed.working_for(ADA)
    hub.publish(JobEvent(OTHER, ADA, Status.FAILED))
    assert not feed.working_for(ADA)


async def test_a_closed_feed_tells_nothing_more(hub: Hub) -> None:
    feed = Feed(hub, once_more=SOON)
    with feed.listening(ADA) as heard:
        hub.publish(DONE)
        assert await next_of(heard) == DONE
        await feed.close()
        hub.publish(WORKING)
        assert await quiet(heard)
