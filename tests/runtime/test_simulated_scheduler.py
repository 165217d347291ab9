"""The simulation of the scheduler behind docs/scaling.md: list scheduling within its bounds, and what has a closed form."""

import random
import runpy
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

TOOLS = Path(__file__).parent.parent.parent / "benchmarks" / "tools"
SCHEDULER = runpy.run_path(str(TOOLS / "scheduler.py"))
Job, Cluster, TrainingStage, length, stage_by_stage, at_once = (
    SCHEDULER[name] for name in ("Job", "Cluster", "TrainingStage", "length", "stage_by_stage", "at_once")
)


def jobs(*seconds: float) -> list:
    return [Job(each) for each in seconds]


@pytest.mark.parametrize("seed", range(20))
def test_no_run_is_shorter_than_its_longest_job_or_its_share_nor_longer_than_grahams_bound(seed):
    draw = random.Random(seed)
    seconds = [draw.expovariate(1.0) for _ in range(draw.randint(1, 60))]
    workers = draw.randint(1, 12)
    share, longest = sum(seconds) / workers, max(seconds)
    found = length(jobs(*seconds), Cluster(workers))
    assert max(share, longest) - 1e-9 <= found <= share + longest * (1 - 1 / workers) + 1e-9


@pytest.mark.parametrize("seed", range(20))
def test_workers_that_share_cores_take_the_time_of_the_cores_at_least_and_never_longer_than_one_worker(seed):
    draw = random.Random(seed)
    seconds = [draw.expovariate(1.0) for _ in range(draw.randint(1, 60))]
    workers, cores = draw.randint(2, 12), 2
    found = length(jobs(*seconds), Cluster(workers, cores))
    assert max(sum(seconds) / cores, max(seconds)) - 1e-9 <= found <= sum(seconds) + 1e-9
    assert found >= length(jobs(*seconds), Cluster(workers)) - 1e-9, "with a core each they are no slower"


@pytest.mark.parametrize(("count", "workers", "rounds"), [(11, 1, 11), (11, 4, 3), (11, 11, 1), (11, 100, 1)])
def test_equal_jobs_take_as_many_rounds_as_the_workers_need(count, workers, rounds):
    assert length(jobs(*[2.0] * count), Cluster(workers)) == pytest.approx(2.0 * rounds)


def test_on_shared_cores_all_jobs_advance_alike_and_gain_when_one_has_ended():
    assert length(jobs(1.0, 1.0, 1.0), Cluster(3, cores=2)) == pytest.approx(1.5)
    assert length(jobs(1.0, 1.0, 2.0), Cluster(3, cores=2)) == pytest.approx(1.5 + 1.0)
    assert length(jobs(1.0, 2.0, 3.0, 3.0), Cluster(4, cores=2)) == pytest.approx(2.0 + 1.5 + 1.0)


def test_the_next_job_of_the_list_goes_to_the_worker_that_is_free_first():
    assert length(jobs(5.0, 1.0, 1.0, 1.0), Cluster(2)) == pytest.approx(5.0)
    assert length(jobs(1.0, 1.0, 1.0, 5.0), Cluster(2)) == pytest.approx(6.0)


def test_a_pool_of_the_standard_library_hands_out_its_jobs_so():
    seconds, ran = [1.0, 0.05, 0.05, 0.05, 0.05], {}

    def run(number: int) -> None:
        ran.setdefault(threading.get_ident(), []).append(number)
        time.sleep(seconds[number])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, range(5)))
    longest = max(sum(seconds[number] for number in each) for each in ran.values())
    assert longest == pytest.approx(length(jobs(*seconds), Cluster(2))) == pytest.approx(1.0)


def test_where_handing_out_takes_longer_than_the_work_it_is_what_counts():
    assert length(jobs(*[0.5] * 1000), Cluster(1000, dispatch=0.01)) == pytest.approx(1000 * 0.01 + 0.5)
    assert length(jobs(*[1.0] * 5), Cluster(1, dispatch=0.25)) == pytest.approx(5 * 1.25), (
        "a worker waits for its next job"
    )


def test_a_line_that_is_full_is_what_counts():
    assert length([Job(1.0, 200.0)] * 50, Cluster(50, bandwidth=100.0)) == pytest.approx(1.0 + 50 * 2.0)
    alone = length([Job(1.0, 10.0)] * 5, Cluster(1, bandwidth=100.0))
    assert alone == pytest.approx(5.0 + 0.1), "files are sent while the worker goes on"


def test_a_stage_waits_for_the_last_training_of_the_one_before_and_submitted_trainings_do_not():
    stages = [TrainingStage([jobs(3.0, 1.0)]), TrainingStage([jobs(1.0, 1.0, 1.0)])]
    assert stage_by_stage(stages, Cluster(2), around=0.5) == pytest.approx((3.0 + 0.5) + (2.0 + 0.5))
    assert at_once(stages, Cluster(2), around=0.5, collected=0.25) == pytest.approx(2 * 2 * 0.25 + 4.0 + 2 * 0.5)


def test_the_second_phases_of_all_searches_are_trained_at_once_too():
    search, plain = TrainingStage([jobs(*[1.0] * 4), jobs(2.0)]), TrainingStage([jobs(3.0)])
    assert stage_by_stage([search, search, plain], Cluster(4)) == pytest.approx(2 * (1.0 + 2.0) + 3.0)
    assert at_once([search, search], Cluster(4)) == pytest.approx(2.0 + 2.0)
    assert at_once([search, search, plain], Cluster(9)) == pytest.approx(3.0 + 2.0)
    assert at_once([search, search], Cluster(4), collected=0.5) == pytest.approx(4.0 + 3 * 2 * 0.5)
    assert at_once([search, plain], Cluster(9), collected=0.5) == pytest.approx(3.0 + 2.0 + (3 + 2) * 0.5)


def test_nothing_to_train_takes_no_time():
    assert length([], Cluster(3, dispatch=1.0)) == 0.0
