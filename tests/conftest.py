"""Owns what every test runs under: hypothesis profiles, garbage, and which tests only `make test-long` runs."""

from __future__ import annotations

import gc
import os

import pytest
from hypothesis import HealthCheck, settings

LONG = os.environ.get("SIXPX_TEST_LONG") == "1"

settings.register_profile("fast", max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("long", max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("long" if LONG else "fast")


def pytest_configure() -> None:
    gc.disable()  # until all is collected: modules and tests are no garbage


def pytest_collection_finish() -> None:
    """What was collected lives as long as the run: no collection of garbage needs to go through it again."""
    gc.enable()
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if LONG:
        return
    skip = pytest.mark.skip(reason="full counts run with `make test-long`")
    for item in items:
        if "long" in item.keywords:
            item.add_marker(skip)
