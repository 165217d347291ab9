"""The number of cores that this process may use; in a container the machine may have more."""

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def usable_cores(root: Path = Path("/")) -> int:
    """Cores that the affinity of this process allows, or fewer where a control group has a quota; at least 1.

    A quota of 1.5 cores counts as 2: what is left of it is used. `root` is where /proc and /sys are mounted.
    """
    return max(1, min([_allowed(), *map(math.ceil, _quotas(root))]))


def _allowed() -> int:
    """`os.process_cpu_count` of Python 3.13, for those before it."""
    if hasattr(os, "process_cpu_count"):
        return os.process_cpu_count() or 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _quotas(root: Path) -> Iterator[float]:
    """The quotas in cores of the control groups that this process is in (versions 1 and 2) and of those around them."""
    for line in _read(root / "proc" / "self" / "cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers == "":
            for group in _upwards(root / "sys" / "fs" / "cgroup", path):
                yield from _cores(*_read(group / "cpu.max").split()[:2])
        elif "cpu" in controllers.split(","):
            for group in _upwards(root / "sys" / "fs" / "cgroup" / controllers, path):
                yield from _cores(_read(group / "cpu.cfs_quota_us"), _read(group / "cpu.cfs_period_us"))


def _upwards(mounted: Path, path: str) -> Iterator[Path]:
    """The folder of a control group and of those around it; inside a container the path may be one of the host."""
    inside = PurePosixPath(path.lstrip("/"))
    yield from (mounted / group for group in (inside, *inside.parents))


def _cores(quota: str = "", period: str = "") -> Iterator[float]:
    """Quota by period, both in microseconds; nothing where there is no quota ("max" or -1) or no such file."""
    if quota.strip().isdigit() and period.strip().isdigit() and int(period) > 0:
        yield int(quota) / int(period)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
