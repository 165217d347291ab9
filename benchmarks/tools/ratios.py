"""Ratios of processor time, and benchmarks/results.json, which keeps those of the last run of each benchmark."""

import json
import os
import resource
from collections.abc import Callable
from pathlib import Path
from statistics import median

RESULTS = Path(__file__).parent.parent / "results.json"


def cpu_seconds(work: Callable[[], object]) -> float:
    """Seconds of processor time, of this process and of those that it started and waited for."""
    begin = spent()
    work()
    return spent() - begin


def spent() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def forked(work: Callable[[], object]) -> float:
    """Seconds of processor time of the work, done in a fork that has all imports, as a stage has under `make repro`."""

    def wait() -> None:
        if not (child := os.fork()):
            try:
                work()
            finally:
                os._exit(0)
        os.waitpid(child, 0)

    return cpu_seconds(wait)


def spread(turns: list[tuple[float, float]]) -> dict[str, float]:
    """Median, lowest and highest of the ratios first/second, turn by turn."""
    ratios = [one / other for one, other in turns]
    return {"median": round(median(ratios), 3), "lowest": round(min(ratios), 3), "highest": round(max(ratios), 3)}


def save(rows: dict[str, dict]) -> None:
    """Replace these rows of results.json."""
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps(dict(sorted((kept | rows).items())), indent=2) + "\n")
