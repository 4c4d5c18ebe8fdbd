"""A job that is cancelled at any moment leaves nothing behind: no scratch file, and no picture once it is removed."""

from __future__ import annotations

import random
import time
from contextlib import suppress
from pathlib import Path

from tests.acceptance.photos import Photos
from tests.acceptance.service import Refusal, Service


def test_cancelled_and_removed_jobs_leave_no_file(tmp_path: Path) -> None:
    widths = [100, 400, 900, 1300]
    outputs = [
        {"tag": f"{width}", "ref": {"photo": False}, "methods": [{"method": "resize", "options": {"width": width}}]}
        for width in widths
    ]
    chance = random.Random(6)
    with Photos() as photos, Service.start(tmp_path, SIXPX_NETWORK_ALLOW="127.0.0.0/8") as service:
        for number in range(40):
            id = service.post({"input": {"photo": f"{photos.url}/{number}"}, "output": outputs})
            time.sleep(chance.uniform(0.001, 0.12))
            service.call("DELETE", f"/{id}")
            with suppress(Refusal):  # the first one found it ended
                service.call("DELETE", f"/{id}")
        until = time.monotonic() + 10
        while (left := leftovers(service)) and time.monotonic() < until:
            time.sleep(0.1)
        assert not left
        assert service.jobs() == []


def leftovers(service: Service) -> list[str]:
    folders = ("scratch", "hosted")
    return [str(path) for name in folders for path in (service.data / name).rglob("*") if path.is_file()]
