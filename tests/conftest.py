"""Owns what every test runs under: hypothesis profiles, and which tests only `make test-long` runs."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

LONG = os.environ.get("SIXPX_TEST_LONG") == "1"

settings.register_profile("fast", max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("long", max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("long" if LONG else "fast")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if LONG:
        return
    skip = pytest.mark.skip(reason="full counts run with `make test-long`")
    for item in items:
        if "long" in item.keywords:
            item.add_marker(skip)
