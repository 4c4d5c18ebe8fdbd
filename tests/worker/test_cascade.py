"""Which picture is made from which: pure arithmetic."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sixpx.core.geometry import Size
from sixpx.worker.cascade import KEPT, MARGIN, Stage, jpeg_shrink, plan_cascade, reaches, webp_scale

sides = st.integers(1, 4000)
sizes = st.builds(Size, sides, sides)
ORIGINAL = Size(4000, 3000)


def test_halves_follow_from_each_other() -> None:
    wanted = [Size(250, 188), Size(2000, 1500), Size(500, 375), Size(1000, 750)]
    assert plan_cascade(ORIGINAL, wanted) == (
        Stage(Size(2000, 1500)),
        Stage(Size(1000, 750), 0),
        Stage(Size(500, 375), 1),
        Stage(Size(250, 188), 1),
    )


def test_near_neighbours_come_from_the_decoded_picture() -> None:
    stages = plan_cascade(ORIGINAL, [Size(1000, 750), Size(900, 675), Size(400, 300)])
    assert [stage.parent for stage in stages] == [None, None, 1]


def test_a_stretched_picture_serves_none_that_is_longer() -> None:
    assert [stage.parent for stage in plan_cascade(ORIGINAL, [Size(1000, 100), Size(100, 400)])] == [None, None]


def test_an_enlarged_picture_serves_none() -> None:
    assert [stage.parent for stage in plan_cascade(ORIGINAL, [Size(9000, 6750), Size(2000, 1500)])] == [None, None]


@given(sizes, st.lists(sizes, max_size=8))
def test_every_size_is_made_once_from_one_large_enough(original: Size, wanted: list[Size]) -> None:
    stages = plan_cascade(original, wanted)
    assert sorted({(s.width, s.height) for s in wanted}) == sorted((s.size.width, s.size.height) for s in stages)
    for place, stage in enumerate(stages):
        if stage.parent is not None:
            assert stage.parent < place
            assert reaches(stages[stage.parent].size, stage.size, KEPT)


@given(sizes, st.lists(sizes, min_size=1, max_size=4))
def test_a_decoder_leaves_the_margin(stored: Size, wanted: list[Size]) -> None:
    shrink, scale = jpeg_shrink(stored, wanted), webp_scale(stored, wanted)
    assert 0 < scale <= 1
    for size in wanted:
        if shrink > 1:
            assert stored.width / shrink + 1 > size.width * MARGIN
            assert stored.height / shrink + 1 > size.height * MARGIN
        if scale < 1:
            assert stored.width * scale >= size.width * MARGIN * (1 - 1e-9)


def test_a_decoder_shrinks_as_far_as_it_may() -> None:
    assert jpeg_shrink(Size(4000, 3000), [Size(250, 188)]) == 8
    assert jpeg_shrink(Size(4000, 3000), [Size(250, 188), Size(600, 450)]) == 4
    assert jpeg_shrink(Size(4000, 3000), [Size(100, 1600)]) == 1
    assert jpeg_shrink(Size(1024, 768), [Size(2000, 1500)]) == 1
