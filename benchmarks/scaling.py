"""What more workers bring: a simulation of the scheduler, checked against runs of 1 to 4 local workers.

    python benchmarks/scaling.py

Two minutes on two free cores; it needs the extra dask. First fifteen real trainings in three stages run in 1 to 4 local
processes, stage by stage as by `dvc repro` and all at once as by `reglab submit`, and the simulation says how long that takes
from the processor seconds of each training. Then it says how long the stages of params.yaml that train recipes take with 1 to
1,000 workers. Every time is measured here but that of the network, and the start of a stage, which docs/performance.md has.
Prints the tables behind docs/scaling.md.

All seconds are of processor time, for the machine may be busy. The length of a run is reckoned as in `cores.py`: what it got
while one of its processes could work, half of what it got while several could, and the time in which none could.
"""

import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

import cores
import numpy as np
import torch
from tools import times
from tools.ratios import save
from tools.scheduler import Cluster, Job, TrainingStage, at_once, stage_by_stage
from tools.study import DigitsStudy

from reglab.config import params
from reglab.models.mlp import MLP
from reglab.runtime.compute.elsewhere import Futures, JobBuilder
from reglab.runtime.engines.local import Local
from reglab.runtime.processes import run_all
from reglab.training.one_seed import Recipe, train_seed
from reglab.training.settings import Training
from reglab.training.together import MOST, divided

CORES, LOCAL, TURNS = 2, (1, 2, 3, 4), 5
EPOCHS = ((40, 10, 10, 10, 10), (10, 10, 10, 30, 20), (20, 20, 10, 10, 10))  # of the trainings of three stages
WORKERS = (1, 8, 100, 1000)
NETWORK = 100e6  # bytes in a second that reach the machine of the study: one gigabit, which is an assumption
START = 0.25  # seconds of a stage before its first training: docs/performance.md


def train(recipe: Recipe, split, seed: int, folder: Path) -> None:
    """A training that leaves its processor seconds too."""
    begin = process_time()
    train_seed(recipe, split, seed, folder)
    (folder / f"seed-{seed}.seconds").write_text(str(process_time() - begin))


def nothing(recipe: Recipe, split, seed: int, folder: Path) -> None:
    """What is handed out as a training is, and takes no time."""


def calls(function: Callable, study: DigitsStudy, folder: Path) -> list[list[tuple]]:
    """The trainings of three stages; each has a seed of its own."""
    recipes = [[Recipe((), MLP(width=64, depth=2), Training(epochs=epochs)) for epochs in each] for each in EPOCHS]
    seeds = iter(range(100))
    return [[(function, recipe, study.data.split(0), next(seeds), folder) for recipe in each] for each in recipes]


def run_stages(stages: list[list[tuple]], workers: int) -> None:
    """As `dvc repro` runs them: a pool for each."""
    for stage in stages:
        run_all(stage, processes=workers)


def run_at_once(stages: list[list[tuple]], workers: int) -> None:
    """As `reglab submit` runs them: one pool for all."""
    flat = [call for stage in stages for call in stage]
    jobs = JobBuilder("train@none", "", Path.cwd()).jobs(flat, flat[0][-1])
    with Local().executor(workers) as executor:
        Futures(Local(), executor, dict(enumerate(jobs))).results()


MODES = {"stage by stage": run_stages, "all at once": run_at_once}


def watched(work: Callable[[], object], folder: Path) -> float:
    """Seconds that the work would take on two free cores; it runs in a fork whose folder is this."""
    if not (child := os.fork()):
        try:
            os.chdir(folder)
            work()
            os._exit(0)
        finally:
            os._exit(1)
    watch, ended = cores.Watch(folder), []

    def is_over() -> bool:
        number, status, usage = os.wait4(child, os.WNOHANG)
        if number:
            ended.append((status, usage.ru_utime + usage.ru_stime))
        return bool(number)

    watch.until(is_over)
    [(status, spent)] = ended
    if status:
        sys.exit("a run has failed")
    unseen = max(0.0, spent - watch.seconds["one"] - watch.seconds["several"])  # after the last look
    return watch.seconds["one"] + unseen + watch.seconds["several"] / CORES + watch.seconds["none"]


def observed(study: DigitsStudy, folder: Path) -> list[dict]:
    """Runs of every mode with 1 to 4 workers, in turns: their lengths, and the processor seconds of each training."""
    rows = []
    for _ in range(TURNS):
        for workers in LOCAL:
            for mode, run in MODES.items():
                empty, place = times.emptied(folder, "idle"), times.emptied(folder, "run")
                begin = watched(partial(run, calls(nothing, study, empty), workers), folder)
                seconds = watched(partial(run, calls(train, study, place), workers), folder)
                spent = [float((place / f"seed-{seed}.seconds").read_text()) for seed in range(sum(map(len, EPOCHS)))]
                rows.append({"mode": mode, "workers": workers, "begin": begin, "seconds": seconds, "spent": spent})
    return rows


def simulated(mode: str, workers: int, spent: Sequence[float]) -> float:
    """The length of such a run in the simulation."""
    left, cluster = iter(spent), Cluster(workers, CORES)
    stages = [TrainingStage([[Job(next(left)) for _ in each]]) for each in EPOCHS]
    return stage_by_stage(stages, cluster) if mode == "stage by stage" else at_once(stages, cluster)


def checked(rows: list[dict]) -> list[dict]:
    """For each mode and number of workers the medians of what was measured and simulated, and the deviations in percent.

    Simulated twice: from the seconds that the trainings took with one worker, and from those of the same run.
    """
    alone = np.median([row["spent"] for row in rows if row["workers"] == 1], axis=0)
    found = []
    for mode in MODES:
        for workers in LOCAL:
            same = [row for row in rows if (row["mode"], row["workers"]) == (mode, workers)]
            begin, seconds = (median(row[key] for row in same) for key in ("begin", "seconds"))
            before = begin + simulated(mode, workers, alone)
            after = median(begin + simulated(mode, workers, row["spent"]) - row["seconds"] for row in same)
            found.append(
                {"mode": mode, "workers": workers, "begin": begin, "measured": seconds, "simulated": before}
                | {"lowest": min(row["seconds"] for row in same), "highest": max(row["seconds"] for row in same)}
                | {"deviation": 100 * (before / seconds - 1), "same_run": 100 * after / seconds}
                | {"slower": 100 * (sum(np.median([row["spent"] for row in same], axis=0)) / sum(alone) - 1)}
            )
    return found


def study_stages(workers: int, measured: dict) -> list[TrainingStage]:
    """The stages of params.yaml that train recipes, in stacks for so many workers as `training/together.py` makes them."""
    settings = params.load(Path(__file__).parent.parent / "params.yaml")
    seeds, tuning = settings.seeds, settings.tuning
    sizes, seconds = zip(*sorted(measured["stack"].items()), strict=True)

    def phase(count: int) -> list[Job]:
        members = [len(part) for part in divided(range(count), min(MOST, -(-count // workers)))] if count else []
        cost = [float(np.interp(each, sizes, seconds)) * max(1, each / sizes[-1]) for each in members]
        return [
            Job(of + measured["around_job"], each * measured["size"]) for of, each in zip(cost, members, strict=True)
        ]

    searches = len(settings.tuned) + len(settings.tuned_clean.recipes) + len(settings.cocktails)
    cells = len(settings.regimes.train_size) * len(settings.regimes.label_noise) * len(settings.regimes.width)
    values = [sum(map(len, ranges.values())) for ranges in settings.sweeps.values()]
    phases = [(seeds,)] * (len(settings.regularizers) + len(settings.combinations))
    phases += [(tuning.settings * tuning.seeds, seeds - tuning.seeds)] * searches
    phases += [(count * tuning.seeds, seeds - tuning.seeds) for count in values]
    phases += [(cells * seeds,)] * len(settings.regimes.recipes)
    return [TrainingStage([phase(count) for count in each]) for each in phases]


def scaled(measured: dict, factor: float) -> list[dict]:
    """The lengths with 1 to 1,000 workers of a study whose trainings take so many times as long."""
    of_study = measured | {"stack": {size: seconds * factor for size, seconds in measured["stack"].items()}}
    around, collected, found = START + measured["around"], START + measured["collected"], []
    for workers in WORKERS:
        stages = study_stages(workers, of_study)
        cluster = Cluster(workers, dispatch=measured["dispatch"], bandwidth=NETWORK)
        trained = [job for stage in stages for phase in stage.phases for job in phase]
        one, all_of_them = (
            stage_by_stage(stages, cluster, around),
            at_once(stages, cluster, around, collected),
        )
        found.append(
            {"workers": workers, "jobs": len(trained), "training": sum(job.seconds for job in trained)}
            | {"stage by stage": one, "all at once": all_of_them}
            | {"busy": 100 * sum(job.seconds for job in trained) / (workers * all_of_them)}
            | {"around": around * len(stages)}
            | {"collected": sum(len(stage.phases) + 1 for stage in stages) * collected}
        )
    return found


def table(rows: list[dict]) -> str:
    """A table of Markdown with two decimals."""
    cells = [[f"{value:,.2f}" if isinstance(value, float) else str(value) for value in row.values()] for row in rows]
    lines = [list(rows[0]), ["---"] * len(rows[0]), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    torch.set_num_threads(1)
    with TemporaryDirectory() as name:
        folder = Path(name).resolve()
        rows = checked(observed(DigitsStudy(folder, 1), folder))
        print(table(rows))
    with TemporaryDirectory() as name:
        measured = times.measured(Path(name).resolve())
    print(measured)
    for factor, what in ((1, "as they are"), (2000, "that take 2,000 times as long")):
        print(f"\nTrainings {what}\n\n{table(scaled(measured, factor))}")
    deviations = [row["simulated"] / row["measured"] for row in rows]
    save(
        {
            "simulated scheduler, against runs of 1 to 4 local workers": dict(
                zip(
                    ("median", "lowest", "highest"),
                    (round(of(deviations), 3) for of in (median, min, max)),
                    strict=True,
                )
            )
        }
    )


if __name__ == "__main__":
    main()
