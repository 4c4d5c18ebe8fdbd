"""Owns 200,000 jobs of one user as they look after a year of use: the same ones in every run. Never a store's tables.

Nearly all have ended; one in eight failed. Half of the pictures have a position: most of those lie around a few
towns, the others anywhere. `data` is what a shop would keep with its pictures.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sixpx.core.job import Input, Job, Output, Picture, Processed, Span, Status, Stored, Trouble
from sixpx.store.base import Store
from sixpx.store.document import steps_of

USER = f"{0x5EED:024x}"
FIRST = datetime(2025, 1, 1, tzinfo=UTC)
APART = timedelta(seconds=150)
"""Between two posts, on average."""
TOWNS = ((40.0176, -105.2797), (52.52, 13.405), (51.5072, -0.1276), (-17.7134, 178.065), (35.6762, 139.6503))
COLOURS = ("red", "green", "blue", "black", "white", "mauve")
WORDS = ("harbour", "autumn", "raccoon", "bicycle", "Zürich", "market", "lantern", "orchard", "Straße", "velvet")
AT_ONCE = 256


def jobs(count: int, seed: int = 7) -> Iterator[Job]:
    """So many, the oldest first; ids grow with time."""
    dice = random.Random(seed)
    created = FIRST
    for number in range(count):
        created += APART * dice.expovariate(1.0)
        created = created.replace(microsecond=created.microsecond // 1000 * 1000)
        yield job(dice, number, created, open_=number >= count * 0.999 or dice.random() < 0.002)


def job(dice: random.Random, number: int, created: datetime, open_: bool = False) -> Job:
    source = f"https://pictures.example.com/{created:%Y/%m/%d}/{dice.getrandbits(64):016x}.jpg"
    names = ("main",)
    outputs = tuple(_output(dice, place) for place in range(dice.choice((1, 1, 2, 3))))
    status = Status.PENDING if open_ else Status.FAILED if dice.random() < 0.125 else Status.COMPLETE
    start = created + timedelta(milliseconds=dice.randrange(5, 4000))
    span = Span() if open_ else Span(start, start + timedelta(milliseconds=int(dice.lognormvariate(6, 0.8))),
                                     dice.randrange(20, 900), dice.randrange(5, 400))  # fmt: skip
    records = tuple(_processed(dice, one, number, place, created, status, span) for place, one in enumerate(outputs))
    pictures = () if open_ else (_picture(dice, names[0]),)
    return Job(
        id=f"{int(created.timestamp()):08x}{number:016x}",
        user_id=USER,
        created=created,
        modified=records[-1].modified,
        inputs=(Input(names[0], source, download=span.download),),
        outputs=outputs,
        processed=records,
        status=status,
        callback={"url": "https://shop.example.com/hooks/6px"} if dice.random() < 0.5 else None,
        data=_data(dice, number),
        pictures=pictures,
        total=span,
    )


def _output(dice: random.Random, place: int) -> Output:
    width = dice.choice((80, 250, 640, 1280))
    methods = [
        {"method": "resize", "options": {"width": width, "height": width * 3 // 4}},
        {"method": "filter", "options": {"sepia": dice.randrange(100), "sharpen": dice.randrange(60)}},
    ][: dice.choice((1, 1, 2))]
    tag, name = f"size-{place}-{width}", f"{dice.getrandbits(96):024x}"
    asked = {"ref": {"main": False}, "tag": tag, "type": "image/jpeg", "methods": methods, "url": "6px"}
    return Output(tag, asked, {"main": name}, steps_of(asked), "image/jpeg")


def _processed(
    dice: random.Random, output: Output, number: int, place: int, created: datetime, status: Status, span: Span
) -> Processed:
    record = Processed(f"{number * 100 + place:024x}", output.tag, created, span.end or created)
    if not status.ended:
        return record
    if status is Status.FAILED and place == 0:
        trouble = Trouble("http_status", "fetch", "the server of the input answered 404", ref="main")
        return Processed(record.id, record.tag, created, record.modified, status, {}, span, trouble)
    location = f"https://6px.example.com/{USER}/{number:024x}/{output.names['main']}.jpg"
    stored = Stored(640, 480, int(dice.lognormvariate(11, 1)), "image/jpeg", location)
    return Processed(record.id, record.tag, created, record.modified, Status.COMPLETE, {"main": stored}, span)


def _picture(dice: random.Random, name: str) -> Picture:
    return Picture(name, 4000, 3000, "image/jpeg", dice.randrange(500_000, 9_000_000), _position(dice))


def _position(dice: random.Random) -> tuple[float, float] | None:
    if dice.random() < 0.5:
        return None
    if dice.random() < 0.2:
        return round(dice.uniform(-80, 80), 6), round(dice.uniform(-180, 180), 6)
    latitude, longitude = dice.choice(TOWNS)
    return round(latitude + dice.gauss(0, 0.2), 6), round((longitude + dice.gauss(0, 0.3) + 180) % 360 - 180, 6)


def _data(dice: random.Random, number: int) -> Mapping[str, Any]:
    """`id` is a number on every tenth job and a string on the others; both are ids of one job each."""
    customer = dice.randrange(5000)
    return {
        "id": number if number % 10 == 0 else f"item-{number:06d}",
        "order": f"A-{dice.randrange(1_000_000):06d}",
        "customer": {"id": customer, "name": f"Customer {customer}", "vip": dice.random() < 0.05},
        "title": " ".join(dice.choice(WORDS) for _ in range(5)) + f" {number}",
        "tags": [dice.choice(COLOURS) for _ in range(2)],
        "price": dice.randrange(100, 50_000) / 100,
    }


async def fill(store: Store, count: int) -> None:
    """Through the store's own `add_job`, so many at once that it can write them in groups."""
    coming = jobs(count)
    while group := [one for _, one in zip(range(AT_ONCE), coming, strict=False)]:
        await asyncio.gather(*(store.add_job(one, {}, None, one.created) for one in group))
