"""Owns the monsters of mongoose-api-query as the `data` of jobs, and which of them each search finds. Never a store.

The searches are those of the package's own tests and of its readme (npm `mongoose-api-query`, GitHub
`ajb/mongoose-api-query`), with `data.` before each field and `latlon` for the monsters' `loc`, which is where a job's
picture was taken. ELSEWHERE says what SPEC section 5 has otherwise, and why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sixpx.core.job import Job, Picture
from tests.contract.jobs import after, job_of

EATER, BESSIE, CLAY, FRANK, BIGGIE, SECOND, AZ = "eater", "bessie", "clay", "frank", "biggie", "second", "az"

KALE = {"name": "Kale", "vegetarian": True, "calories": 20}
BEETS = {"name": "Beets", "vegetarian": True, "calories": 70}
ARMS = {"name": "Arms", "vegetarian": False, "calories": 300}
LEGS = {"name": "Legs", "vegetarian": False, "calories": 400}


def _monster(name: str, number: int | None, last: str, eats: bool | None, *foods: Mapping[str, Any]) -> dict[str, Any]:
    made = {"name": name, "no": number, "object_id": f"530088897c979cdb49475d9{last}", "eats_humans": eats}
    return {**{key: value for key, value in made.items() if value is not None}, "foods": list(foods)}


MONSTERS: Mapping[str, tuple[dict[str, Any], tuple[float, float] | None]] = {
    EATER: (
        {**_monster("Big Purple People Eater", 1, "a", True, BEETS, KALE), "mood": "sad", "MODE": "kill"},
        (38.8977, -77.0366),
    ),
    BESSIE: ({**_monster("Bessie the Lochness Monster", 200, "b", True), "mood": "ecstatic"}, (38.9, -77.1)),
    CLAY: ({**_monster("Clay Johnson", 200, "c", True), "hands": "14"}, (38.9, -77.2)),
    FRANK: (_monster("Frankenstein", 301, "d", False, KALE), (38.9, -77)),
    BIGGIE: (_monster("Biggie Smalls", 100439, "e", False, ARMS), (38.87, -77.04)),
    SECOND: (_monster("Biggie Smalls the 2nd", 9420432, "f", False, LEGS), (38.86, -77.05)),
    AZ: (_monster("AZ124584545", None, "g", None), None),
}
"""Each with its `data` and where its picture was taken."""


def jobs() -> dict[str, Job]:
    """A job for each monster, by its name here; ids and dates grow in the order above."""
    return {
        name: replace(
            job_of(number, created=after(number)),
            data=data,
            pictures=(Picture("main", 4, 3, "image/png", 120, place),),
        )
        for number, (name, (data, place)) in enumerate(MONSTERS.items(), 1)
    }


ALL = set(MONSTERS)

SETS: Mapping[str, set[str]] = {
    # the package's tests
    "": ALL,
    "data.name=people": {EATER},
    "data.no={gt}200{lt}100439": {FRANK},
    "data.no={ne}200": ALL - {BESSIE, CLAY},
    "data.name={ne}biggie": ALL - {BIGGIE, SECOND},
    "data.mood=sad": {EATER},
    "data.mood=SAD": {EATER},
    "data.MODE=kill": {EATER},
    "data.hands=14": {CLAY},
    "data.name=big%20purple": {EATER},
    "data.name={exact}big%20purple": set(),
    "data.name={exact}big%20pUrple%20People%20Eater": set(),
    "data.name={exact}Big%20Purple%20People%20Eater": {EATER},
    "data.name=biggie%20smalls": {BIGGIE, SECOND},
    "data.no=301": {FRANK},
    "data.no=30": set(),
    "data.no={mod}150,1": {EATER, FRANK},
    "data.no={gt}100439": {SECOND},
    "data.no={gte}100439": {BIGGIE, SECOND},
    "data.no={lt}200": {EATER},
    "data.no={lte}200": {EATER, BESSIE, CLAY},
    "data.no=1,301": {EATER, FRANK},
    "data.no={nin}1,301": ALL - {EATER, FRANK},
    "data.name={nin}Purple,Enstein": ALL - {EATER, FRANK},
    "data.foods.name={nin}kale,beets": ALL - {EATER, FRANK},
    "data.no={all}1,301": set(),
    "data.eats_humans=true": {EATER, BESSIE, CLAY},
    "data.eats_humans=t": {EATER, BESSIE, CLAY},
    "data.eats_humans=yes": {EATER, BESSIE, CLAY},
    "data.eats_humans=y": {EATER, BESSIE, CLAY},
    "data.eats_humans=": ALL,
    "data.foods.name=kale": {EATER, FRANK},
    "data.foods.name={all}kale,beets": {EATER},
    "data.foods.name=kale,beets": {EATER, FRANK},
    "data.foods.calories={gt}350": {SECOND},
    "data.foods.vegetarian=t": {EATER, FRANK},
    "data.object_id=530088897c979cdb49475d9c": {CLAY},
    "data.name=AZ1": {AZ},
    # its readme
    "data.eats_humans=y&data.mood=sad": {EATER},
    "data.foods.name={exact}KALE": set(),
    "data.no={gte}30&data.foods.calories={lt}50": {FRANK},
    "data.no={gte}30{lt}50": set(),
    "data.no={all}200": {BESSIE, CLAY},
    "data.no={in}1,200": {EATER, BESSIE, CLAY},
    "data.name={all}big,small": {BIGGIE, SECOND},
    "data.name={in}clay,frank": {CLAY, FRANK},
    "data.name={not}biggie": ALL - {BIGGIE, SECOND},
    # beyond it: places in arrays, several conditions on them, negations where there is nothing, escapes
    "data.foods.0.name=kale": {FRANK},
    "data.foods.1.name=kale": {EATER},
    "data.foods.calories={gt}50{lt}25": {EATER},
    "data.foods.calories={ne}20": ALL - {EATER, FRANK},
    "data.foods.vegetarian={ne}true": ALL - {EATER, FRANK},
    "data.foods.vegetarian=no": {BIGGIE, SECOND},
    "data.hands={ne}14": ALL - {CLAY},
    "data.hands={gt}5": set(),
    "data.hands={gt}12a": {CLAY},
    "data.name={nin}big,%20the,z": {CLAY, FRANK},
    "data.name=b.g": set(),
    "data.name={not}%5C{gt}5": ALL,
    "data.name=the%202nd&data.name=biggie": {SECOND},
}
"""Which monsters each search finds."""

ELSEWHERE: Mapping[str, set[str]] = {
    "coffee=black": set(),  # there: a field that the schema has not is ignored; here: no job has it
    "data.eats_humans=kljahsdflakjsf": set(),  # there: any other word is false; here: false is said with f, no, n
    "data.eats_humans=1": set(),  # there (by its readme): true; here: 1 is a number or a text, unless a field is known
    "data.name={ne}BIG,small": ALL - {EATER, BIGGIE, SECOND},  # there: a list makes `in` of it
}

ORDERED: Mapping[str, list[str]] = {
    "sort_by=data.name": [AZ, BESSIE, EATER, BIGGIE, SECOND, CLAY, FRANK],
    "sort_by=data.no,-1": [SECOND, BIGGIE, FRANK, CLAY, BESSIE, EATER, AZ],
    "sort_by=data.no,desc&per_page=2&page=2": [FRANK, CLAY],
    "sort_by=data.foods.name,1": [BESSIE, CLAY, AZ, BIGGIE, EATER, FRANK, SECOND],
    "sort_by=data.foods.name,desc": [SECOND, FRANK, EATER, BIGGIE, AZ, CLAY, BESSIE],
    "sort_by=data.eats_humans": [AZ, FRANK, BIGGIE, SECOND, EATER, BESSIE, CLAY],
    "sort_by=created&per_page=4&page=2": [BIGGIE, SECOND, AZ],
    "per_page=3": [AZ, SECOND, BIGGIE],
    "latlon={near}38.8977,-77.0366": [EATER, BIGGIE, FRANK, SECOND, BESSIE, CLAY],
    "latlon={near}38.8977,-77.0366,1": [EATER],
    "latlon={near}38.8977,-77.0366,3": [EATER, BIGGIE, FRANK, SECOND],
    "latlon={near}38.8977,-77.0366,3&sort_by=data.name": [EATER, BIGGIE, FRANK, SECOND],
    "latlon={near}38.8977,-77.0366&data.name=biggie": [BIGGIE, SECOND],
    "latlon={near}38.8977,-77.0366&per_page=2&page=2": [FRANK, SECOND],
    "images.latlon={near}38.8977,-77.0366,0": [EATER],
}
"""Which monsters each search finds on its page, in this order."""
