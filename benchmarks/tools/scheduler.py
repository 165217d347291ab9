"""A simulation of how trainings are handed out to workers. Given the same times it gives the same length.

It is what the code does. A pool of local processes, Dask and Slurm all give the next job of one list to the worker that is
free first (list scheduling: Graham, Bounds on Multiprocessing Timing Anomalies, 1969). `dvc repro` makes such a list for each
phase of each stage and waits for its last job; `reglab submit` makes one of the first phases of all stages, and then one of
the second phases.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from math import inf
from typing import NamedTuple


class Job(NamedTuple):
    """Processor seconds of a job on a worker, and the bytes of its files, which all go to one machine."""

    seconds: float
    size: float = 0.0


@dataclass(frozen=True)
class Cluster:
    """So many workers with a core each, or fewer `cores` that all of them share equally.

    One process hands out the jobs, one after another, in `dispatch` seconds each, while the workers go on. What a job leaves
    is sent over one line of `bandwidth` bytes in a second.
    """

    workers: int
    cores: float = inf
    dispatch: float = 0.0
    bandwidth: float = inf


def length(jobs: Iterable[Job], cluster: Cluster) -> float:
    """Seconds until the files of the last job have arrived.

    With n jobs at work each gets min(1, cores/n) of a core. So all advance alike, and the job that ends first is the one
    whose end comes first on the clock `advanced`, the processor seconds of a job that has been at work all the time.
    """
    left, running, ends = iter(jobs), [], []
    following = next(left, None)
    now = advanced = 0.0
    start = cluster.dispatch if following else inf  # when the job that is being handed out begins
    while running or following:
        share = min(1.0, cluster.cores / len(running)) if running else 1.0
        end = now + (running[0][0] - advanced) / share if running else inf
        moment = min(start, end)
        now, advanced = moment, advanced + (moment - now) * share
        if start <= end:
            heappush(running, (advanced + following.seconds, following.size))
            following, start = next(left, None), inf
        else:
            ends.append((now, heappop(running)[1]))
        if following and start == inf and len(running) < cluster.workers:
            start = now + cluster.dispatch
    arrived = 0.0
    for end, size in ends:
        arrived = max(arrived, end) + size / cluster.bandwidth
    return arrived


class TrainingStage(NamedTuple):
    """The trainings of a stage, in `phases` of which each needs what the one before has left, as a search and its best."""

    phases: Sequence[Sequence[Job]]


def stage_by_stage(stages: Iterable[TrainingStage], cluster: Cluster, around: float = 0.0) -> float:
    """Seconds of `dvc repro`: phase after phase, and `around` the trainings of each stage what no worker does."""
    return sum(around + sum(length(phase, cluster) for phase in stage.phases) for stage in stages)


def at_once(stages: Sequence[TrainingStage], cluster: Cluster, around: float = 0.0, collected: float = 0.0) -> float:
    """Seconds of `reglab submit`, which lists the jobs of a stage in `collected` seconds, and of `dvc repro` after it.

    It asks a stage before each of its phases, and once more, when it has no job left.
    """
    phases = max((len(stage.phases) for stage in stages), default=0)
    having = ([stage for stage in stages if len(stage.phases) > number] for number in range(phases))
    pools = ([job for stage in some for job in stage.phases[number]] for number, some in enumerate(having))
    trained = sum(length(pool, cluster) for pool in pools)
    return trained + sum((len(stage.phases) + 1) * collected + around for stage in stages)
