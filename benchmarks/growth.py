"""How time and memory grow with what a study has more of: docs/growth.svg.

    python benchmarks/growth.py [AXIS ...]

Ten minutes. Tiny trainings, so that what is around them counts too. Each point is measured in a fork that has all imports,
in seconds of processor time, worker processes included, and in megabytes of the largest process; the points of an axis take
turns, and the median counts. `slope` is d log(seconds) / d log(size) between the two largest sizes: 1 is linear growth, and
less where what is done once still counts.
"""

import json
import os
import subprocess
import sys
from functools import partial
from math import isqrt, log
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

import torch
from table import table
from tools.ratios import RESULTS, save
from tools.study import DigitsStudy
from training import digits

from reglab.core.figures import COLORS, canvas, svg
from reglab.experiments.ensembles import run as ensembling
from reglab.experiments.ensembles.methods.bagging import Bagging
from reglab.experiments.tuning import sweep
from reglab.models.convnet import ConvNet
from reglab.models.mlp import MLP
from reglab.regularizers.none import NoRegularizer
from reglab.regularizers.weight_decay import WeightDecay
from reglab.runtime.memory import keep_freed_memory
from reglab.training import all_seeds
from reglab.training.one_seed import Recipe, train_seed
from reglab.training.settings import Training

TURNS, MOST_SEEDS, RUNS = 3, 50, Path("runs")
SIZES = {"train_size": 200, "validation_size": 50, "test_size": 100}
DRAWING = Path(__file__).resolve().parent.parent / "docs" / "growth.svg"
TINY, EPOCHS_3 = MLP(width=16, depth=1), Training(epochs=3, batch_size=32)
ONE_EPOCH = Training(epochs=1, batch_size=256)
PIPELINE = {
    "stages": {
        "bare": {
            "foreach": "${entries}",
            "do": {
                "cmd": "exec cp code.txt ${key}.txt",
                "params": ["entries.${key}"],
                "deps": ["code.txt"],
                "outs": ["${key}.txt"],
            },
        }
    }
}


def measured(work) -> tuple[float, float]:
    """Seconds of processor time and megabytes of the largest process of the work, done in a fork with a stage's memory."""
    if not (child := os.fork()):
        code = 1
        try:
            keep_freed_memory()
            work()
            code = 0
        finally:
            os._exit(code)
    _, status, usage = os.wait4(child, 0)
    assert status == 0
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


class Study(DigitsStudy):
    """200 digits, and the work that grows with them; each call has a folder of its own."""

    def train(self, name: str, seeds: int) -> None:
        recipe = Recipe((NoRegularizer(),), TINY, EPOCHS_3)
        all_seeds.run(recipe, self.data, self.stage("regularizers", name, seeds, RUNS))

    def recipes(self, number: int) -> None:
        for each in range(number):
            self.train(f"none_{each}", 2)

    def seeds(self, number: int) -> None:
        self.train("none", number)

    def settings(self, number: int) -> None:
        grid = [{"strength": 10 ** (-5 + 4 * point / number)} for point in range(number)]
        stage = self.stage("sweeps", "weight_decay", 2, RUNS)
        sweep.run(Recipe((WeightDecay(),), TINY, EPOCHS_3), grid, 2, self.data, stage)

    def members(self, number: int) -> None:
        stage = self.stage("ensembles", "bagging", 2, RUNS)
        ensembling.run(Bagging(members=number), Recipe((), TINY, EPOCHS_3), self.data, stage)


def trained(split, architecture, training: Training) -> None:
    train_seed(Recipe((NoRegularizer(),), architecture, training), split, 0, Path.cwd())


def rows(number: int):
    return partial(trained, table(number), MLP(width=64, depth=2), ONE_EPOCH)


def pixels(number: int):
    return partial(trained, digits(isqrt(number)), ConvNet(width=16, depth=2), Training(epochs=1))


def stages(number: int):
    """An unchanged repro in the folder of now, after a first one that is not counted."""
    folder = Path.cwd()
    Path("dvc.yaml").write_text(json.dumps(PIPELINE))
    Path("code.txt").write_text("code\n")
    Path("params.yaml").write_text(json.dumps({"entries": {f"entry_{each}": each for each in range(number)}}))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}

    def run(*module: str) -> None:
        command = [sys.executable, "-m", *module]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, env=environment)

    run("dvc", "init", "--no-scm")
    run("reglab.runtime.dvc_process", "repro")
    return partial(run, "reglab.runtime.dvc_process", "repro")


def axes(study: Study) -> dict:
    """By name the sizes, and what prepares the work of a size."""
    works = {
        "recipes": lambda number: partial(study.recipes, number),
        "seeds": lambda number: partial(study.seeds, number),
        "settings": lambda number: partial(study.settings, number),
        "members": lambda number: partial(study.members, number),
        "rows": rows,
        "pixels of an image": pixels,
        "stages": stages,
    }
    sizes = [
        (5, 20, 60),
        (1, 11, 50),
        (1, 12, 60),
        (1, 16, 64),
        (10**3, 10**4, 10**5, 10**6),
        (8**2, 32**2, 64**2),
        (10, 100, 200),
    ]
    return dict(zip(works, zip(sizes, works.values(), strict=True), strict=True))


def grow(sizes, prepare, home: Path) -> dict[str, list[float] | float]:
    works = []
    for size in sizes:
        place = home / str(size)
        place.mkdir(parents=True)
        os.chdir(place)
        works.append((place, prepare(size)))
    points = {size: [] for size in sizes}
    for turn in range(TURNS):
        for size, (place, work) in zip(sizes, works, strict=True):
            folder = place / f"turn_{turn}"
            folder.mkdir()
            os.chdir(folder)
            os.environ["DVC_ROOT"] = str(folder)
            points[size].append(measured(work))
    middle = [[median(column) for column in zip(*each, strict=True)] for each in points.values()]
    seconds, megabytes = ([round(point[of], 3 - 3 * of) for point in middle] for of in (0, 1))
    slope = log(seconds[-1] / seconds[-2]) / log(sizes[-1] / sizes[-2])
    return {"sizes": list(sizes), "seconds": seconds, "megabytes": megabytes, "slope": round(slope, 2)}


def draw(growths: dict[str, dict]) -> None:
    figure, panels = canvas(8.6, 4.4, rows=2, columns=4)
    for panel, (name, growth) in zip(panels.flat, growths.items(), strict=False):
        sizes, seconds = growth["sizes"], growth["seconds"]
        panel.loglog(sizes, [seconds[-1] * size / sizes[-1] for size in sizes], ":", color="gray", linewidth=1)
        panel.loglog(sizes, seconds, "o-", color=COLORS[0], markersize=3)
        panel.minorticks_off()
        panel.set_xticks(sizes, [f"{size // 1000}k" if size >= 10_000 else f"{size}" for size in sizes])
        panel.set_xlabel(name)
        panel.set_title(f"slope {growth['slope']:.2f}", fontsize=9)
        memory = panel.twinx()
        memory.plot(sizes, growth["megabytes"], "s--", color=COLORS[1], markersize=3, linewidth=1)
        memory.set_ylim(0, 1.3 * max(growth["megabytes"]))
        memory.tick_params(labelsize=7, colors=COLORS[1])
        panel.tick_params(labelsize=7)
    for panel in panels.flat[len(growths) :]:
        panel.axis("off")
        panel.text(
            0, 0.5, "line: seconds\ndotted: linear growth\ndashed: megabytes of the\nlargest process", fontsize=8
        )
    DRAWING.write_text(svg(figure).replace("currentColor", "#555555"), encoding="utf-8")


def main() -> None:
    torch.set_num_threads(1)
    with TemporaryDirectory() as name:
        known = axes(Study(Path(name), MOST_SEEDS, SIZES))
        for axis in sys.argv[1:] or known:
            growth = grow(*known[axis], Path(name) / axis)
            print(axis, growth, flush=True)
            save({f"growth of {axis}": growth})
        os.chdir("/")
    kept = json.loads(RESULTS.read_text())
    draw({axis: kept[f"growth of {axis}"] for axis in known if f"growth of {axis}" in kept})


if __name__ == "__main__":
    main()
