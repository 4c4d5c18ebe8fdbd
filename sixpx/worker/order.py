"""Owns the order in which planned steps are applied, so that each works on the fewest pixels. Never changes a result.

A step that changes each pixel by itself gives the same after a cut or a quarter turn as before it, on fewer pixels.
Steps that can be one are applied as one: a picture goes to arrays and back once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sixpx.methods.base import Fusing, Picking, Plan
from sixpx.worker.chain import Step


def ordered(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The same steps: whatever picks pixels before what is pointwise, neighbours that fuse as one."""
    moved: list[Step] = []
    for step in steps:
        moved.insert(_place(moved, step.plan), step)
    return _fused(moved)


def _place(before: Sequence[Step], plan: Plan) -> int:
    """Where a step may stand at the earliest, after those before it."""
    place = len(before)
    while place and _picks(plan) and _pointwise(before[place - 1].plan):
        place -= 1
    return place


def _picks(plan: Plan) -> bool:
    return isinstance(plan, Picking) and plan.picks_pixels


def _pointwise(plan: Plan) -> bool:
    return isinstance(plan, Fusing) and plan.pointwise


def _fused(steps: Iterable[Step]) -> tuple[Step, ...]:
    made: list[Step] = []
    for step in steps:
        last = made[-1] if made else None
        plan = last.plan.then(step.plan) if last is not None and isinstance(last.plan, Fusing) else None
        if last is None or plan is None:
            made.append(step)
        else:
            made[-1] = replace(last, where=f"{last.where.removesuffix(': ')} and {step.where}", plan=plan)
    return tuple(made)
