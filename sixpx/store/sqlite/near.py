"""Owns jobs by their distance: the boxes around a position, and SQL that measures. Never a condition, never a row.

The table `place` has the positions of each job's pictures; its triggers keep it so. A box in degrees finds what may be
near enough, the haversine formula (that of `core.matching`, operation by operation) decides.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from sixpx.core.matching import EARTH
from sixpx.core.query import Near
from sixpx.store.sqlite.query import Values

HALF_ROUND = math.pi * EARTH
SLACK = 1e-6
"""Degrees that a box is larger than its circle, for what rounding takes away: 10 cm."""
FIRST, GROWTH = 200.0, 2.0
"""The radius of the first ring in metres, and how much larger each next one is."""

SCHEMA = """
CREATE TABLE place (
    user_id TEXT NOT NULL, lat REAL NOT NULL, lon REAL NOT NULL, job_id TEXT NOT NULL,
    PRIMARY KEY (user_id, lat, lon, job_id)) WITHOUT ROWID;
CREATE TRIGGER job_placed AFTER INSERT ON job WHEN json_array_length(new.doc, '$.images') > 0 BEGIN
    INSERT OR IGNORE INTO place SELECT new.user_id, value ->> '$.latlon[0]', value ->> '$.latlon[1]', new.id
    FROM json_each(new.doc, '$.images') WHERE json_type(value, '$.latlon') = 'array';
END;
CREATE TRIGGER job_moved AFTER UPDATE OF doc ON job WHEN new.doc -> '$.images' IS NOT old.doc -> '$.images' BEGIN
    DELETE FROM place WHERE user_id = old.user_id AND job_id = old.id AND (lat, lon) IN (
        SELECT value ->> '$.latlon[0]', value ->> '$.latlon[1]' FROM json_each(old.doc, '$.images'));
    INSERT OR IGNORE INTO place SELECT new.user_id, value ->> '$.latlon[0]', value ->> '$.latlon[1]', new.id
    FROM json_each(new.doc, '$.images') WHERE json_type(value, '$.latlon') = 'array';
END;
CREATE TRIGGER job_gone AFTER DELETE ON job WHEN json_array_length(old.doc, '$.images') > 0 BEGIN
    DELETE FROM place WHERE user_id = old.user_id AND job_id = old.id AND (lat, lon) IN (
        SELECT value ->> '$.latlon[0]', value ->> '$.latlon[1]' FROM json_each(old.doc, '$.images'));
END;
INSERT OR IGNORE INTO place SELECT user_id, value ->> '$.latlon[0]', value ->> '$.latlon[1]', job.id
FROM job, json_each(doc, '$.images') WHERE json_type(value, '$.latlon') = 'array';
"""


@dataclass(frozen=True, slots=True)
class Box:
    """Degrees, both ends included."""

    south: float
    north: float
    west: float
    east: float


def boxes(near: Near, metres: float) -> list[Box]:
    """All that is within so many metres lies in these: two where the 180th meridian is crossed, the whole round where a
    pole is within."""
    angle = metres / EARTH
    north, south = (near.latitude + sign * (math.degrees(angle) + SLACK) for sign in (1, -1))
    if north >= 90 or south <= -90:
        return [Box(max(south, -90.0), min(north, 90.0), -180.0, 180.0)]
    across = math.degrees(math.asin(min(1.0, math.sin(angle) / math.cos(math.radians(near.latitude))))) + SLACK
    middle = (near.longitude + 180) % 360 - 180
    west, east = middle - across, middle + across
    if west < -180:
        return [Box(south, north, west + 360, 180.0), Box(south, north, -180.0, east)]
    if east > 180:
        return [Box(south, north, west, 180.0), Box(south, north, -180.0, east - 360)]
    return [Box(south, north, west, east)]


def rings(most: float) -> Iterator[float]:
    """Radii to look within, until enough is found; the last one is `most`."""
    radius = FIRST
    while radius < most:
        yield radius
        radius *= GROWTH
    yield most


def distance(near: Near, latitude: str, longitude: str, values: Values) -> str:
    """Metres, as `core.matching.metres` has them: the same operations in the same order, from the same C library."""
    here, there = f"radians({values.bind(near.latitude)})", f"radians({latitude})"
    across = f"pow(sin(({there} - {here}) / 2), 2)"
    along = f"pow(sin(radians({longitude} - {values.bind(near.longitude)}) / 2), 2)"
    root = f"sqrt({across} + cos({here}) * cos({there}) * {along})"
    return f"{2 * EARTH!r} * asin(min(1.0, {root}))"


def of_job(near: Near, values: Values) -> str:
    """Metres to the nearest picture of a row of `job`; NULL where there is none."""
    metres = distance(near, "(value ->> '$.latlon[0]')", "(value ->> '$.latlon[1]')", values)
    return f"(SELECT min({metres}) FROM json_each(doc, '$.images') WHERE json_type(value, '$.latlon') = 'array')"


def around(near: Near, metres: float, values: Values) -> str:
    """Of rows of `place`: in the boxes."""
    if metres >= HALF_ROUND:
        return "1"
    return f"({' OR '.join(_within(box, values) for box in boxes(near, metres))})"


def _within(box: Box, values: Values) -> str:
    south, north, west, east = map(values.bind, (box.south, box.north, box.west, box.east))
    return f"(lat BETWEEN {south} AND {north} AND lon BETWEEN {west} AND {east})"
