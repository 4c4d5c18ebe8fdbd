"""Owns the tests of one run: what is fetched, made, put and recorded, and what a fault costs. Never a real picture."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from sixpx.core.job import Job, Processed, Status, advance, again
from sixpx.core.render import Flaw
from sixpx.credentials import Vault, new_key
from sixpx.errors import FetchFailed, Lost, OutputFault, PutFailed, StoreDown
from sixpx.run import Run
from sixpx.scratch import Scratch
from sixpx.targets import Targets
from tests.contract.jobs import after
from tests.unit.fakes import INPUT_BYTES, MS, SIZE, World, asked, eventually


class Going:
    """A run under way: the saves it asked for, and its folder."""

    def __init__(self, world: World, job: Job, folder: Path) -> None:
        self.saves: list[Job] = []
        self.fault: Exception | None = None
        self.folder = folder / "scratch"
        self.folder.mkdir(exist_ok=True)
        self.run = Run(advance(job, Status.PROCESSING, after(0)), Scratch(self.folder, "run"), world.means, self._save)

    async def _save(self, job: Job) -> None:
        if self.fault is not None:
            raise self.fault
        self.saves.append(job)

    async def finish(self) -> Job:
        try:
            return await self.run.finish()
        finally:
            assert not list(self.folder.iterdir()), "scratch files are still there"


def record(job: Job, tag: str) -> Processed:
    return next(one for one in job.processed if one.tag == tag)


def states(job: Job) -> str:
    return " ".join(f"{one.tag}={one.status}" for one in job.processed)


async def test_a_job_ends_complete_with_every_picture_at_its_place(tmp_path: Path) -> None:
    world = World()
    job = await Going(world, asked({"a": "u/a", "b": "u/b"}, {"x": "a b", "y": "b"}), tmp_path).finish()
    assert (job.status, states(job)) == (Status.COMPLETE, "x=complete y=complete")
    assert list(record(job, "x").stored) == ["a", "b"]
    folder = f"{job.user_id}/{job.id}"
    assert record(job, "y").stored["b"].location == f"http://files.test/{folder}/y-b.png"
    assert sorted(one.name for one in world.target.puts) == ["x-a.png", "x-b.png", "y-b.png"]
    assert {(one.folder, one.type, one.size) for one in world.target.puts} == {(folder, "image/png", 4)}


async def test_each_distinct_url_is_downloaded_once(tmp_path: Path) -> None:
    world = World()
    inputs = {"a": "u/same", "b": "u/same", "c": "u/other"}
    job = await Going(world, asked(inputs, {"x": "a b c", "y": "a +b", "z": "c +a"}), tmp_path).finish()
    assert sorted(world.sources.asked) == ["u/other", "u/same"]
    assert job.status is Status.COMPLETE


async def test_one_render_makes_all_outputs_of_an_input(tmp_path: Path) -> None:
    world = World()
    await Going(world, asked({"a": "u/a"}, {"x": "a", "y": "a", "z": "a"}), tmp_path).finish()
    (render,) = world.lanes.renders
    assert [one.key for one in render.sheets] == ["x/a", "y/a", "z/a"]
    assert len({one.path for one in render.sheets}) == 3
    assert render.limits.render_ms == 1234


async def test_a_render_starts_when_its_own_inputs_are_there(tmp_path: Path) -> None:
    world = World()
    world.sources.gates.close("u/slow")
    going = Going(world, asked({"a": "u/a", "slow": "u/slow"}, {"x": "a", "y": "slow"}), tmp_path)
    finishing = asyncio.create_task(going.finish())
    await eventually(lambda: world.target.puts)
    assert [render.sheets[0].key for render in world.lanes.renders] == ["x/a"]
    world.sources.gates.open()
    assert (await finishing).status is Status.COMPLETE


async def test_layers_are_fetched_and_handed_to_the_lane(tmp_path: Path) -> None:
    world = World()
    job = await Going(world, asked({"a": "u/a", "logo": "u/logo"}, {"x": "a +logo"}), tmp_path).finish()
    assert set(world.lanes.renders[0].others) >= {"logo"}
    assert (job.status, list(record(job, "x").stored)) == (Status.COMPLETE, ["a"])


async def test_inputs_that_no_output_needs_are_not_fetched(tmp_path: Path) -> None:
    world = World()
    await Going(world, asked({"a": "u/a", "b": "u/b"}, {"x": "a"}), tmp_path).finish()
    assert world.sources.asked == ["u/a"]


# --- faults ---------------------------------------------------------------------------------------


async def test_an_input_that_cannot_be_fetched_fails_its_outputs_and_no_other(tmp_path: Path) -> None:
    world = World()
    world.sources.faults["u/bad"] = FetchFailed("gone", retryable=True)
    inputs = {"a": "u/a", "bad": "u/bad"}
    outputs = {"good": "a", "poor": "bad", "mixed": "a bad", "layered": "a +bad"}
    job = await Going(world, asked(inputs, outputs), tmp_path).finish()
    assert states(job) == "good=complete poor=failed mixed=failed layered=failed"
    assert job.status is Status.FAILED
    trouble = record(job, "mixed").trouble
    assert trouble is not None
    assert (trouble.code, trouble.stage, trouble.retryable, trouble.ref) == ("fetch_failed", "fetch", True, "bad")
    assert list(record(job, "mixed").stored) == ["a"]
    assert job.trouble is None


async def test_a_picture_that_the_lane_cannot_make_fails_its_output_alone(tmp_path: Path) -> None:
    world = World()
    world.lanes.flaws["y/a"] = Flaw("bad_step", "plan", "outside")
    job = await Going(world, asked({"a": "u/a"}, {"x": "a", "y": "a"}), tmp_path).finish()
    assert states(job) == "x=complete y=failed"
    trouble = record(job, "y").trouble
    assert trouble is not None
    assert (trouble.code, trouble.stage, trouble.detail, trouble.ref) == ("bad_step", "plan", "outside", "a")


async def test_a_destination_that_refuses_fails_its_output_alone(tmp_path: Path) -> None:
    world = World()
    world.target.faults["y-a.png"] = PutFailed("the disk is full", retryable=True)
    job = await Going(world, asked({"a": "u/a"}, {"x": "a", "y": "a"}), tmp_path).finish()
    assert states(job) == "x=complete y=failed"
    trouble = record(job, "y").trouble
    assert trouble is not None
    assert (trouble.code, trouble.stage, trouble.retryable, trouble.ref) == ("put_failed", "put", True, "a")


async def test_a_mistake_with_one_destination_is_its_outputs_trouble_alone_and_told_without_its_words(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World()
    world.target.faults["x-a.png"] = ValueError("ftp://user:swordfish@host/")
    job = await Going(world, asked({"a": "u/a"}, {"x": "a", "y": "a"}), tmp_path).finish()
    assert states(job) == "x=failed y=complete"
    trouble = record(job, "x").trouble
    assert trouble is not None
    assert (trouble.code, trouble.stage, trouble.retryable) == ("internal", "put", True)
    assert "ValueError" in caplog.text
    assert "swordfish" not in caplog.text + trouble.detail


async def test_a_connection_string_whose_key_is_gone_fails_its_output_alone(tmp_path: Path) -> None:
    world, vault = World(), Vault(new_key())
    world.means = replace(world.means, targets=Targets({"6px": lambda: world.target}, vault.open))
    asked_for = asked({"a": "u/a"}, {"x": "a", "y": "a"})
    sealed = Vault(new_key()).seal("6px")
    outputs = tuple(replace(one, sealed=sealed) if one.tag == "x" else one for one in asked_for.outputs)
    job = await Going(world, replace(asked_for, outputs=outputs), tmp_path).finish()
    assert states(job) == "x=failed y=complete"
    trouble = record(job, "x").trouble
    assert trouble is not None
    assert (trouble.code, trouble.detail) == (
        "put_failed",
        "the stored connection string was sealed with a key that is gone",
    )


async def test_an_unknown_destination_fails_before_anything_is_fetched_for_it(tmp_path: Path) -> None:
    world = World()
    job = asked({"a": "u/a", "b": "u/b"}, {"x": "a", "y": "b"})
    away = tuple(replace(one, destination="s3") if one.tag == "x" else one for one in job.outputs)
    done = await Going(world, replace(job, outputs=away), tmp_path).finish()
    assert (states(done), world.sources.asked) == ("x=failed y=complete", ["u/b"])
    trouble = record(done, "x").trouble
    assert trouble is not None
    assert (trouble.code, trouble.stage) == ("not_supported", "put")


async def test_a_job_with_unknown_destinations_only_ends_at_once(tmp_path: Path) -> None:
    world = World()
    job = asked({"a": "u/a"}, {"x": "a"})
    done = await Going(world, replace(job, outputs=(replace(job.outputs[0], destination="cf"),)), tmp_path).finish()
    assert (done.status, world.sources.asked, world.lanes.renders) == (Status.FAILED, [], [])


async def test_a_store_that_is_down_ends_the_run_and_all_its_work(tmp_path: Path) -> None:
    world = World()
    world.sources.gates.close("u/slow")
    world.sources.faults["u/a"] = StoreDown("no store")
    with pytest.raises(StoreDown):
        await Going(world, asked({"a": "u/a", "slow": "u/slow"}, {"x": "a", "y": "slow"}), tmp_path).finish()
    assert world.sources.cancelled == ["u/slow"]


async def test_a_mistake_in_the_lanes_ends_the_run(tmp_path: Path) -> None:
    world = World()
    world.lanes.faults["a"] = RuntimeError("ours")
    with pytest.raises(RuntimeError, match="ours"):
        await Going(world, asked({"a": "u/a"}, {"x": "a"}), tmp_path).finish()


async def test_a_job_that_is_lost_stops_where_it_is(tmp_path: Path) -> None:
    world = World()
    world.sources.gates.close("u/slow")
    going = Going(world, asked({"a": "u/a", "slow": "u/slow"}, {"x": "a", "y": "slow"}), tmp_path)
    going.fault = Lost("no longer ours")
    with pytest.raises(Lost):
        await going.finish()
    assert world.sources.cancelled == ["u/slow"]


@pytest.mark.parametrize("where", ["sources", "lanes", "target"])
async def test_a_cancelled_run_leaves_nothing_behind(tmp_path: Path, where: str) -> None:
    world = World()
    gates = {"sources": "u/a", "lanes": "a", "target": "x-a.png"}
    part = getattr(world, where)
    part.gates.close(gates[where])
    going = Going(world, asked({"a": "u/a", "b": "u/b"}, {"x": "a", "y": "b"}), tmp_path)
    finishing = asyncio.create_task(going.finish())
    await eventually(lambda: going.saves)  # y is done, x waits
    assert list(going.folder.iterdir())
    finishing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await finishing
    assert states(going.run.job) == "x=pending y=complete"


class SlowToClear(Scratch):
    """A disk that takes its time."""

    clearing = False

    async def clear(self) -> None:
        self.clearing = True
        await asyncio.sleep(60)


async def test_a_run_that_is_cancelled_twice_gives_its_room_back_all_the_same(tmp_path: Path) -> None:
    world, scratch = World(), SlowToClear(tmp_path, "run")
    world.sources.gates.close("u/a")
    going = Going(world, asked({"a": "u/a"}, {"x": "a"}), tmp_path)
    finishing = asyncio.create_task(Run(going.run.job, scratch, world.means, going._save).finish())
    await eventually(lambda: world.spool.held)
    finishing.cancel()
    await eventually(lambda: scratch.clearing)
    finishing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await finishing
    assert world.spool.held == 0


async def test_a_failed_download_that_nobody_waits_for_any_more_is_no_noise(tmp_path: Path) -> None:
    world = World()
    world.sources.faults = {"u/a": OutputFault("one"), "u/b": OutputFault("two"), "u/c": OutputFault("three")}
    outputs = {"x": "a +b +c", "y": "b +a", "z": "c"}
    job = await Going(world, asked({name: f"u/{name}" for name in "abc"}, outputs), tmp_path).finish()
    assert states(job) == "x=failed y=failed z=failed"


# --- the record -----------------------------------------------------------------------------------


async def test_what_is_done_is_saved_while_the_rest_goes_on_and_the_end_is_left_to_the_caller(tmp_path: Path) -> None:
    world = World()
    world.sources.gates.close("u/slow")
    going = Going(world, asked({"a": "u/a", "slow": "u/slow"}, {"x": "a", "y": "slow"}), tmp_path)
    finishing = asyncio.create_task(going.finish())
    await eventually(lambda: going.saves)
    assert [states(one) for one in going.saves] == ["x=complete y=pending"]
    assert going.saves[0].status is Status.PROCESSING
    world.sources.gates.open()
    await finishing
    assert len(going.saves) == 1


async def test_a_rerun_makes_what_is_missing_and_keeps_the_rest(tmp_path: Path) -> None:
    world = World()
    world.target.faults["y-b.png"] = PutFailed("full", retryable=True)
    first = await Going(world, asked({"a": "u/a", "b": "u/b"}, {"x": "a", "y": "b"}), tmp_path).finish()
    world = World()
    second = await Going(world, again(first, after(60)), tmp_path).finish()
    assert (second.status, world.sources.asked) == (Status.COMPLETE, ["u/b"])
    assert record(second, "x") == record(first, "x")


async def test_what_was_seen_of_each_input_is_noted_once(tmp_path: Path) -> None:
    world = World()
    first = await Going(world, asked({"a": "u/a", "b": "u/b"}, {"x": "a b", "y": "a"}), tmp_path).finish()
    assert sorted((one.name, one.width, one.height, one.type, one.bytes) for one in first.pictures) == [
        ("a", 10, 8, "image/jpeg", SIZE),
        ("b", 10, 8, "image/jpeg", SIZE),
    ]


async def test_a_download_counts_once_for_the_job_and_for_each_output_that_needs_it(tmp_path: Path) -> None:
    world = World()
    job = asked({"a": "u/same", "b": "u/same", "c": "u/c"}, {"x": "a b", "y": "c +a"})
    done = await Going(world, job, tmp_path).finish()
    assert done.total.download == round(2 * MS)
    assert (record(done, "x").span.download, record(done, "y").span.download) == (round(MS), round(2 * MS))


async def test_the_jobs_span_holds_those_of_its_outputs(tmp_path: Path) -> None:
    job = await Going(World(), asked({"a": "u/a", "b": "u/b"}, {"x": "a", "y": "b"}), tmp_path).finish()
    starts = [one.span.start for one in job.processed if one.span.start]
    ends = [one.span.end for one in job.processed if one.span.end]
    assert (job.total.start, job.total.end) == (min(starts), max(ends))
    assert job.total.start is not None
    assert job.created <= job.total.start
    assert job.total.total > 0


async def test_room_is_reserved_before_a_download_and_given_back_when_its_size_is_known(tmp_path: Path) -> None:
    world = World()
    world.sources.gates.close("u/b")
    world.lanes.gates.close("a")
    going = Going(world, asked({"a": "u/a", "b": "u/b"}, {"x": "a b"}), tmp_path)
    finishing = asyncio.create_task(going.finish())
    await eventually(lambda: world.lanes.renders)
    assert world.spool.held == SIZE + INPUT_BYTES
    world.sources.gates.open()
    world.lanes.gates.open()
    await finishing
    assert world.spool.held == 0


async def test_no_download_begins_without_room(tmp_path: Path) -> None:
    world = World(budget=INPUT_BYTES)
    await world.spool.reserve(1)
    going = Going(world, asked({"a": "u/a"}, {"x": "a"}), tmp_path)
    finishing = asyncio.create_task(going.finish())
    await asyncio.sleep(0.05)
    assert world.sources.asked == []
    world.spool.release(1)
    await finishing
    assert world.sources.asked == ["u/a"]


async def test_a_mistake_of_ours_with_one_input_is_its_outputs_trouble_alone(tmp_path: Path) -> None:
    world = World()
    world.sources.faults["u/b"] = UnicodeError("odd")  # what nobody thought of
    job = await Going(world, asked({"a": "u/a", "b": "u/b"}, {"x": "a", "y": "b"}), tmp_path).finish()
    assert states(job) == "x=complete y=failed"
    found = record(job, "y").trouble
    assert found is not None
    assert (found.code, found.stage, found.retryable) == ("internal", "fetch", True)


async def test_no_two_files_of_a_run_share_a_name(tmp_path: Path) -> None:
    """An input may be called `journal`, `0` or `input-0`."""
    world = World()
    inputs = {"journal": "u/a", "0": "u/b", "0-journal": "u/c", "input-0": "u/d"}
    await Going(world, asked(inputs, {"x": " ".join(inputs), "y": " ".join(inputs)}), tmp_path).finish()
    paths = [sheet.path for render in world.lanes.renders for sheet in render.sheets]
    paths += [str(render.journal) for render in world.lanes.renders] + [render.source for render in world.lanes.renders]
    assert len(set(paths)) == len(paths) == 8 + 4 + 4


async def test_a_rerun_keeps_the_time_of_what_it_does_not_fetch_again(tmp_path: Path) -> None:
    world = World()
    world.sources.faults["u/b"] = FetchFailed("gone")
    first = await Going(world, asked({"a": "u/a", "b": "u/b"}, {"x": "a", "y": "b"}), tmp_path).finish()
    del world.sources.faults["u/b"]
    second = await Going(world, again(first, after(900)), tmp_path).finish()
    assert first.total.download > 0
    assert second.total.download > first.total.download


async def test_pictures_stand_in_the_order_of_the_inputs(tmp_path: Path) -> None:
    world = World()
    world.sources.gates.close("u/z")
    going = Going(world, asked({"z": "u/z", "b": "u/b"}, {"x": "z", "y": "b"}), tmp_path)
    finishing = asyncio.create_task(going.finish())
    await eventually(lambda: going.saves)
    world.sources.gates.open()
    assert [one.name for one in (await finishing).pictures] == ["z", "b"]
