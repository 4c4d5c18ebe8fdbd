"""Owns the contract's wishes of owners: cancel, retry, remove, and what becomes of the bytes. Never a claim's law."""

from __future__ import annotations

import pytest

from sixpx.core.job import Job, Status, again, cancel
from sixpx.errors import Conflict
from sixpx.store.base import Once, Store
from tests.contract import changes
from tests.contract.conftest import Open
from tests.contract.jobs import ADA, BEN, NOW, after, ended, job_of
from tests.contract.test_store_claims import all_are_refused, claim_one
from tests.contract.test_store_jobs import fill

BLOBS = {"b" * 24: b"\x00\x01bytes", "c" * 24: bytes(range(256)) * 4000}


async def run_to(store: Store, status: Status, number: int = 1) -> Job:
    """A job that has ended."""
    await fill(store, job_of(number))
    claim = await claim_one(store)
    await store.save(claim, ended(claim.job, status), after(1))
    return ended(claim.job, status)


# --- cancel -----------------------------------------------------------------------------------------


async def test_a_cancelled_pending_job_has_failed_and_is_never_claimed(store: Store) -> None:
    await fill(store, job_of(1))
    expected = cancel(job_of(1), after(1))
    assert await changes.cancel(store, ADA, job_of(1).id, after(1)) == expected
    assert await store.job(ADA, job_of(1).id) == expected
    assert list(await store.claim("me", NOW, after(30), 1)) == []


async def test_a_job_cancelled_while_processing_is_lost_for_its_claimant(store: Store) -> None:
    await fill(store, job_of(1, tags=("one", "two")))
    claim = await claim_one(store)
    half = ended(claim.job, tags=frozenset({"one"}))
    await store.save(claim, half, after(1))
    cancelled = await changes.cancel(store, ADA, half.id, after(2))
    assert cancelled == cancel(half, after(2))
    assert [one.status for one in cancelled.processed] == [Status.COMPLETE, Status.FAILED]
    assert cancelled.processed[0].stored
    await all_are_refused(store, claim)
    assert await store.release(after(99), everything=True) == 0


@pytest.mark.parametrize("status", [Status.COMPLETE, Status.FAILED])
async def test_cancelling_an_ended_job_changes_nothing(store: Store, status: Status) -> None:
    job = await run_to(store, status)
    assert await changes.cancel(store, ADA, job.id, after(9)) == job
    assert await store.job(ADA, job.id) == job


async def test_nobody_cancels_a_job_that_is_not_his(store: Store) -> None:
    await fill(store, job_of(1))
    assert await changes.cancel(store, BEN, job_of(1).id, after(1)) is None
    assert await changes.cancel(store, ADA, "f" * 24, after(1)) is None
    assert await store.job(ADA, job_of(1).id) == job_of(1)


# --- retry ------------------------------------------------------------------------------------------


async def test_a_retried_job_is_pending_and_keeps_what_was_done(store: Store) -> None:
    await fill(store, job_of(1, tags=("one", "two")))
    claim = await claim_one(store)
    half = ended(claim.job, tags=frozenset({"one"}))
    failed = ended(half, Status.FAILED, tags=frozenset({"two"}))
    await store.save(claim, failed, after(1))
    retried = await changes.retry(store, ADA, failed.id, after(9))
    assert retried == again(failed, after(9))
    assert [one.status for one in retried.processed] == [Status.COMPLETE, Status.PENDING]
    assert await store.job(ADA, failed.id) == retried
    new = await claim_one(store)
    assert new.serial > claim.serial


async def test_a_cancelled_job_can_be_retried(store: Store) -> None:
    await fill(store, job_of(1))
    await changes.cancel(store, ADA, job_of(1).id, after(1))
    retried = await changes.retry(store, ADA, job_of(1).id, after(2))
    assert retried is not None
    assert (retried.status, retried.trouble) == (Status.PENDING, None)


async def test_a_job_without_failures_cannot_be_retried(store: Store) -> None:
    job = await run_to(store, Status.COMPLETE)
    with pytest.raises(Conflict):
        await changes.retry(store, ADA, job.id, after(9))
    assert await store.job(ADA, job.id) == job


async def test_a_job_that_has_not_ended_cannot_be_retried(store: Store) -> None:
    await fill(store, job_of(1))
    with pytest.raises(Conflict):
        await changes.retry(store, ADA, job_of(1).id, after(9))
    claim = await claim_one(store)
    with pytest.raises(Conflict):
        await changes.retry(store, ADA, job_of(1).id, after(9))
    await store.save(claim, ended(claim.job), after(1))


async def test_nobody_retries_a_job_that_is_not_his(store: Store) -> None:
    job = await run_to(store, Status.FAILED)
    assert await changes.retry(store, BEN, job.id, after(9)) is None
    assert await changes.retry(store, ADA, "f" * 24, after(9)) is None
    assert await store.job(ADA, job.id) == job


# --- remove, and the bytes of data URIs -------------------------------------------------------------


async def test_blobs_come_back_byte_for_byte(store: Store) -> None:
    await store.add_job(job_of(1), BLOBS, None, NOW)
    assert {key: await store.blob(key) for key in BLOBS} == BLOBS
    assert await store.blob("f" * 24) is None


async def test_a_removed_job_is_gone_with_its_blobs_and_no_other(store: Store) -> None:
    await store.add_job(job_of(1), {"b" * 24: b"mine"}, None, NOW)
    await store.add_job(job_of(2), {"c" * 24: b"his"}, None, NOW)
    await changes.cancel(store, ADA, job_of(1).id, after(1))
    assert await store.remove_job(ADA, job_of(1).id)
    assert await store.job(ADA, job_of(1).id) is None
    assert await store.blob("b" * 24) is None
    assert await store.blob("c" * 24) == b"his"
    assert await store.job(ADA, job_of(2).id) == job_of(2)
    assert not await store.remove_job(ADA, job_of(1).id)


async def test_blobs_outlive_the_end_of_their_job_for_a_retry(store: Store) -> None:
    await store.add_job(job_of(1), {"b" * 24: b"mine"}, None, NOW)
    claim = await claim_one(store)
    await store.save(claim, ended(claim.job, Status.FAILED), after(1))
    assert await store.blob("b" * 24) == b"mine"


async def test_a_job_that_has_not_ended_cannot_be_removed(store: Store) -> None:
    await fill(store, job_of(1))
    with pytest.raises(Conflict):
        await store.remove_job(ADA, job_of(1).id)
    claim = await claim_one(store)
    with pytest.raises(Conflict):
        await store.remove_job(ADA, job_of(1).id)
    assert await store.job(ADA, job_of(1).id) == claim.job


async def test_nobody_removes_a_job_that_is_not_his(store: Store) -> None:
    job = await run_to(store, Status.COMPLETE)
    assert not await store.remove_job(BEN, job.id)
    assert await store.job(ADA, job.id) == job


async def test_a_removed_jobs_folder_is_a_leftover_until_it_is_cleared(store: Store, another: Open) -> None:
    assert list(await store.leftovers()) == []
    for number in (1, 2):
        await store.remove_job(ADA, (await run_to(store, Status.COMPLETE, number)).id)
    folders = [f"{ADA}/{job_of(number).id}" for number in (1, 2)]
    assert sorted(await (await another()).leftovers()) == folders
    await store.cleared(folders[0])
    assert list(await store.leftovers()) == folders[1:]
    await store.cleared(folders[0])
    await store.cleared("who/what")
    assert list(await store.leftovers()) == folders[1:]


async def test_what_is_not_removed_leaves_nothing_over(store: Store) -> None:
    await fill(store, job_of(1))
    with pytest.raises(Conflict):
        await store.remove_job(ADA, job_of(1).id)
    assert not await store.remove_job(ADA, "f" * 24)
    job = await run_to(store, Status.COMPLETE, 2)
    assert not await store.remove_job(BEN, job.id)
    assert list(await store.leftovers()) == []


async def test_a_removed_jobs_key_is_free_again(store: Store) -> None:
    once, other = Once("key", "body-a", after(3600)), Once("key", "body-b", after(3600))
    await store.add_job(job_of(1), {}, once, NOW)
    await store.add_job(job_of(2), {}, Once("key-2", "body-a", after(3600)), NOW)
    await changes.cancel(store, ADA, job_of(1).id, after(1))
    await store.remove_job(ADA, job_of(1).id)
    assert await store.first_with(ADA, once, after(1)) is None
    assert await store.first_with(ADA, Once("key-2", "body-a", after(3600)), after(1)) == job_of(2).id
    assert await store.add_job(job_of(3), {}, other, after(1)) == job_of(3).id
