"""Owns `make fuzz`: many mutants, in order, with progress; each that ends wrongly is kept. Never stops at one."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import time
from collections import Counter
from pathlib import Path

from tests.fuzz.runner import Outcome, outcomes

OUT = Path("fuzz-out")
EVERY = 100
"""Mutants from one line of progress to the next."""


def asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="names the row of mutants (default 1)")
    parser.add_argument("--from", type=int, default=0, dest="first", metavar="N", help="the first index (default 0)")
    parser.add_argument("--count", type=int, default=50_000, help="how many (default 50,000)")
    return parser.parse_args()


def kept(outcome: Outcome) -> Path:
    """The file of a finding, where it can be looked at again."""
    one = outcome.mutant
    path = OUT / f"{one.seed}-{one.index}.{one.format.lower()}"
    OUT.mkdir(exist_ok=True)
    path.write_bytes(one.content)
    return path


def told(outcome: Outcome) -> None:
    one = outcome.mutant
    print(f"\n{one.name}; {kept(outcome)}")
    for finding in outcome.findings:
        print(f"  {finding}")
    print(f"  again: python -m tests.fuzz --seed {one.seed} --from {one.index} --count 1", flush=True)


async def run(seed: int, first: int, count: int) -> int:
    """Prints findings and progress; how many mutants ended wrongly."""
    codes: Counter[str] = Counter()
    wrong, began, done, slowest = 0, time.monotonic(), 0, 0.0
    async for outcome in outcomes(seed, range(first, first + count)):
        codes.update(outcome.codes)
        slowest, done = max(slowest, outcome.seconds), done + 1
        if outcome.findings:
            wrong += 1
            told(outcome)
        if done % EVERY == 0 or done == count:
            rate = done / (time.monotonic() - began)
            print(f"{first + done:,}: {wrong} wrong, {rate:.0f}/s, slowest {slowest:.1f} s, {dict(codes)}", flush=True)
    return wrong


def main() -> None:
    logging.basicConfig(level=logging.ERROR)
    options = asked()
    print(f"{options.count:,} mutants of seed {options.seed} from {options.first:,}; go on with --from N", flush=True)
    sys.exit(1 if asyncio.run(run(options.seed, options.first, options.count)) else 0)


if __name__ == "__main__":
    main()
