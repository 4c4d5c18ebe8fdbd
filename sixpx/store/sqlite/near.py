"""Owns jobs by their distance: the box around a position, and SQL that measures. Never a condition, never a row.

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
    """Degrees, all ends included; `spans` are of longitude, west to east: two where the 180th meridian is crossed."""

    south: float
    north: float
    spans: tuple[tuple[float, float], ...]


def box(near: Near, metres: float) -> Box:
    """All that is within so many metres lies in it; the whole round where a pole is within."""
    angle = metres / EARTH
    north, south = (near.latitude + sign * (math.degrees(angle) + SLACK) for sign in (1, -1))
    if north >= 90 or south <= -90:
        return Box(max(south, -90.0), min(north, 90.0), ((-180.0, 180.0),))
    across = math.degrees(math.asin(min(1.0, math.sin(angle) / math.cos(math.radians(near.latitude))))) + SLACK
    middle = (near.longitude + 180) % 360 - 180
    west, east = middle - across, middle + across
    if west < -180:
        return Box(south, north, ((west + 360, 180.0), (-180.0, east)))
    if east > 180:
        return Box(south, north, ((west, 180.0), (-180.0, east - 360)))
    return Box(south, north, ((west, east),))


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
    """Of rows of `place`: in the box. Its latitudes stand once, outside of any OR: the key is walked between them."""
    if metres >= HALF_ROUND:
        return "1"
    found = box(near, metres)
    spans = " OR ".join(f"lon BETWEEN {values.bind(west)} AND {values.bind(east)}" for west, east in found.spans)
    return f"lat BETWEEN {values.bind(found.south)} AND {values.bind(found.north)} AND ({spans})"
