"""Owns starting a measurement in a process of its own, in a lane's environment. Never measures anything itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from sixpx.core.render import LANE_ENVIRONMENT


def told_by(module: str, *arguments: str) -> Mapping[str, Any]:
    """The line of JSON that `python -m module` prints. A child that fails shows why by itself."""
    command = [sys.executable, "-m", module, *arguments]
    environment = {**os.environ, **LANE_ENVIRONMENT}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment, check=True)
    return dict(json.loads(done.stdout))
