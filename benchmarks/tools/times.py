"""The times that the simulation of docs/scaling.md is given: seconds of processor time, each the median of some turns."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

import psutil
from tools.ratios import cpu_seconds, forked
from tools.study import DigitsStudy

from reglab.models.mlp import MLP
from reglab.runtime.compute.elsewhere import JobBuilder
from reglab.runtime.compute.engine import find
from reglab.runtime.compute.spool import Spool
from reglab.training import all_seeds
from reglab.training.one_seed import Recipe
from reglab.training.settings import Training
from reglab.training.together import SeedTraining, train_together

RECIPE = Recipe((), MLP(width=256, depth=2), Training(epochs=25, learning_rate=0.005))  # `none` of params.yaml
STACKS, SEEDS, TURNS = (1, 4, 11), 11, 3
STAGES = 75  # bare ones: about as many as those of params.yaml that train recipes
JOBS = 40
PIPELINE = """\
stages:
  bare:
    foreach: ${entries}
    do:
      cmd: exec cp code.txt ${key}.txt
      outs: ["${key}.txt"]
"""


def measured(folder: Path) -> dict:
    """All times, and the bytes of a training, with the folder for what is written."""
    study = DigitsStudy(folder, SEEDS)
    alone = folder / "alone"
    alone.mkdir()
    train_together([SeedTraining(RECIPE, study.data.split(0), 0, alone)])
    size = (alone / "seed-0.safetensors").stat().st_size
    return {
        "stack": {members: turns(lambda members=members: stack(study, RECIPE, members, folder)) for members in STACKS},
        "size": size,
        "around": around(study, folder) + dvc_repro(folder),
        "collected": turns(lambda: forked(lambda: collect(study, folder))),
        **dask_jobs(size, folder),
    }


def turns(measure: Callable[[], float]) -> float:
    return median(measure() for _ in range(TURNS))


def emptied(folder: Path, name: str) -> Path:
    """A new folder, for a training that is there is not trained again."""
    numbers = (folder / f"{name}-{number}" for number in range(10_000))
    made = next(path for path in numbers if not path.exists())
    made.mkdir()
    return made


def stack(study: DigitsStudy, recipe: Recipe, members: int, folder: Path) -> float:
    """Seconds of so many trainings in one stack."""
    place = emptied(folder, "stack")
    trainings = [SeedTraining(recipe, study.data.split(seed), seed, place) for seed in range(members)]
    return forked(lambda: train_together(trainings))


def around(study: DigitsStudy, folder: Path) -> float:
    """Seconds of a stage of 11 seeds without its trainings: that of one epoch, less the trainings of one epoch."""
    short = replace(RECIPE, training=replace(RECIPE.training, epochs=1))

    def whole() -> float:
        stage = study.stage("regularizers", "none", SEEDS, emptied(folder, "runs"))
        os.environ["DVC_ROOT"] = str(stage.runs)
        return forked(lambda: all_seeds.run(short, study.data, stage))

    return turns(whole) - turns(lambda: stack(study, short, SEEDS, folder))


def dvc_repro(folder: Path) -> float:
    """Seconds of `dvc repro` for each stage that it runs, of bare stages that do nothing."""
    place = emptied(folder, "pipeline")
    (place / "dvc.yaml").write_text(PIPELINE)
    (place / "params.yaml").write_text("entries:\n" + "".join(f"  stage{number}: 1\n" for number in range(STAGES)))
    (place / "code.txt").write_text("code\n")
    command = [sys.executable, "-m", "dvc"]
    subprocess.run([*command, "init", "--no-scm", "--quiet"], cwd=place, check=True)
    return cpu_seconds(lambda: subprocess.run([*command, "repro", "--quiet"], cwd=place, check=True)) / STAGES


def collect(study: DigitsStudy, folder: Path) -> None:
    """What `reglab submit` does for a stage: it runs until its trainings are listed, and ends there."""
    place = emptied(folder, "spool")
    os.environ["DVC_ROOT"] = str(place)
    stage = study.stage("regularizers", "none", SEEDS, place / "runs")
    spool = Spool(emptied(folder, "jobs"), SEEDS, JobBuilder("train@none", "", folder))
    all_seeds.run(RECIPE, study.data, replace(stage, compute=spool))


def leave(size: int, folder: Path, number: int) -> None:
    """A training that takes no time: it leaves as many bytes."""
    (folder / f"seed-{number}.safetensors").write_bytes(os.urandom(size))


def dask_jobs(size: int, folder: Path) -> dict[str, float]:
    """Seconds of a job around its training: of a Dask worker, and of the scheduler and the command, here one process."""
    from distributed import LocalCluster

    from reglab.runtime.compute.elsewhere import Futures

    (folder / "params.yaml").touch()
    os.chdir(folder)
    place = emptied(folder, "entry")
    calls = [(leave, size, place, number) for number in range(JOBS)]
    jobs = JobBuilder("train@none", "", folder).jobs(calls, place)
    local = LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None, host="127.0.0.1")
    with local as cluster:
        engine = find("dask")(cluster.scheduler_address)
        with engine.executor(None) as executor:
            for number in (0, 1):  # the first one starts the warm process of the worker
                begun, here = spent_below(), psutil.Process().cpu_times()
                chosen = [jobs[0]] if number == 0 else jobs[1:]
                with Futures(engine, executor, dict(enumerate(chosen))).cancelled_on_error() as futures:
                    futures.results()
                ended, now = spent_below(), psutil.Process().cpu_times()
        count = len(jobs) - 1
        return {
            "around_job": (ended - begun) / count,
            "dispatch": (now.user + now.system - here.user - here.system) / count,
        }


def spent_below() -> float:
    """Seconds of processor time of all processes below this one."""
    times = [process.cpu_times() for process in psutil.Process().children(recursive=True)]
    return sum(each.user + each.system + each.children_user + each.children_system for each in times)
