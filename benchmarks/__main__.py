"""`python -m benchmarks` runs every benchmark; exit code 1 if one misses its target."""

from __future__ import annotations

import sys

from benchmarks import athena, athena_facts, demo, embedded, etl, loop, matches, preview, restart, stream, synth

BENCHMARKS = (etl, matches, preview, synth, athena_facts, athena, embedded, restart, stream, loop, demo)

if __name__ == "__main__":
    sys.exit(max(benchmark.main() for benchmark in BENCHMARKS))
