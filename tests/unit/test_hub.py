"""Owns the tests of the hub: who hears what, and for how long. Never a socket."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from sixpx.core.job import Status
from sixpx.hub import EVERY, Hub, JobEvent

EVENT = JobEvent("job", "user", Status.COMPLETE)


@pytest.mark.parametrize(("topic", "heard"), [("job", 1), ("user", 1), (EVERY, 1), ("other", 0)])
def test_a_listener_hears_the_events_of_its_topic(topic: str, heard: int) -> None:
    hub, got = Hub(), list[JobEvent]()
    with hub.listening(topic, got.append):
        hub.publish(EVENT)
    assert got == [EVENT] * heard


def test_nobody_hears_after_the_block_even_when_it_broke() -> None:
    hub, got = Hub(), list[JobEvent]()
    with pytest.raises(ZeroDivisionError), hub.listening("job", got.append):
        raise ZeroDivisionError
    hub.publish(EVENT)
    assert got == []
    assert hub._listeners == {}


def test_listeners_of_one_topic_hear_in_the_order_in_which_they_came() -> None:
    hub, got = Hub(), list[str]()
    with ExitStack() as stack:
        for name in "abc":
            stack.enter_context(hub.listening("job", lambda event, name=name: got.append(name)))
        hub.publish(EVENT)
    assert got == ["a", "b", "c"]


def test_the_same_listener_twice_hears_twice_and_leaves_one_at_a_time() -> None:
    hub, got = Hub(), list[JobEvent]()
    with hub.listening("job", got.append):
        with hub.listening("job", got.append):
            hub.publish(EVENT)
        hub.publish(EVENT)
    assert len(got) == 3


def test_a_listener_may_leave_while_it_is_told() -> None:
    hub, got = Hub(), list[str]()
    inner = ExitStack()

    def once(event: JobEvent) -> None:
        got.append("once")
        inner.close()

    with hub.listening("job", lambda event: got.append("before")):
        inner.enter_context(hub.listening("job", once))
        with hub.listening("job", lambda event: got.append("after")):
            hub.publish(EVENT)
            hub.publish(EVENT)
    assert got == ["before", "once", "after", "before", "after"]


def test_an_event_without_listeners_is_nothing() -> None:
    Hub().publish(EVENT)
