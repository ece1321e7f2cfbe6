"""Memory while events come: `python -m benchmarks.stream_memory --minutes 10`, 1,000 events a second.

Samples the embedded AWS and Flink every five seconds, and draws docs/explanation/stream-memory.svg. Exit code 1 where
the last third of the time has more memory than the second by over a tenth.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean

import psutil

from benchmarks.stream import event
from benchmarks.stream_lake import STREAM, StreamLake
from benchmarks.worktrees import ROOT
from tests.local_aws.conftest import free_port

RATE = 1000
PAUSE = 5.0
GROWTH_TARGET = 1.1
PLOT = ROOT / "docs/explanation/stream-memory.svg"
Sample = dict[str, float]
"""Seconds since the first event, and MB of each process."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stream_memory")
    parser.add_argument("--minutes", type=int, default=10)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="stream-") as folder:
        samples = _sampled(Path(folder), options.minutes * 60)
    draw(samples)
    grown = [_growth(samples, name) for name in samples[0] if name != "seconds"]
    return int(max(grown) > GROWTH_TARGET)


def _sampled(folder: Path, seconds: int) -> list[Sample]:
    file = folder / "events.jsonl"
    with file.open("w") as lines:
        lines.writelines(json.dumps(event(seq)) + "\n" for seq in range(1, RATE * seconds + 1))
    lake = StreamLake(folder / "lake", free_port())
    try:
        lake.deploy()
        producer = lake.lake("send", STREAM, str(file), "--rate", str(RATE))
        begun, samples = time.monotonic(), list[Sample]()
        while producer.poll() is None:
            samples.append({"seconds": time.monotonic() - begun, **_memory(lake)})
            time.sleep(PAUSE)
        print(f"{lake.sent():,} events sent in {time.monotonic() - begun:.0f} s")
        return samples
    finally:
        lake.stop()


def _memory(lake: StreamLake) -> Sample:
    found: dict[str, psutil.Process | None] = {"embedded AWS": lake.server(), "Flink": lake.java()}
    return {name: process.memory_info().rss / 1e6 for name, process in found.items() if process}


def _growth(samples: list[Sample], name: str) -> float:
    """The mean of the last third against that of the second."""
    third = len(samples) // 3
    before, after = (
        mean(sample[name] for sample in part) for part in (samples[third : 2 * third], samples[2 * third :])
    )
    print(f"{name}: {before:.0f} MB, then {after:.0f} MB, at most {max(sample[name] for sample in samples):.0f} MB")
    return after / before


def draw(samples: list[Sample]) -> None:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 3), layout="constrained")
    for name in samples[0]:
        if name != "seconds":
            axes.plot([each["seconds"] / 60 for each in samples], [each[name] for each in samples], label=name)
    axes.set(xlabel="minutes", ylabel="memory, MB", ylim=0)
    axes.legend(frameon=False)
    figure.savefig(PLOT, metadata={"Date": None})


if __name__ == "__main__":
    sys.exit(main())
