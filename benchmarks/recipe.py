"""What a recipe of eleven seeds costs from its first step to its record, relative to its plain loops, and what MLflow adds.

    python benchmarks/recipe.py

Two minutes. MLP 2x256 on 900 digits. The recipe and the eleven plain loops of `training.py` take turns, each in a fork that
has all imports, as stages have under `make repro`; then the record is mirrored to a new MLflow database. All count in
seconds of processor time, workers included: with two cores the recipe takes half of it.
"""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

import mlflow.tracking  # noqa: F401  # warm, as the forks are
import torch
from tools.ratios import cpu_seconds, forked, save, spread
from tools.study import DigitsStudy
from training import plain_training

from reglab.core import registry
from reglab.models.mlp import MLP
from reglab.tracking.mirror import runs
from reglab.tracking.mirror.store import open_store
from reglab.training import all_seeds
from reglab.training.one_seed import Recipe
from reglab.training.settings import Training

TURNS, SEEDS = 5, 11
NETWORK, TRAINING = MLP(width=256, depth=2), Training(epochs=25, learning_rate=0.005)


def main() -> None:
    torch.set_num_threads(1)
    with TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["DVC_ROOT"] = name
        os.chdir(folder)
        study = DigitsStudy(folder, SEEDS)

        def recipe() -> None:
            techniques = (registry.find("regularizers", "none")(),)
            stage = study.stage("regularizers", "none", SEEDS, folder / "runs")
            all_seeds.run(Recipe(techniques, NETWORK, TRAINING), study.data, stage)

        def loops() -> None:
            for seed in range(SEEDS):
                plain_training(study.data.split(seed), NETWORK, TRAINING)

        store = open_store(f"sqlite:///{folder}/mlflow.db", "benchmark", folder)

        def mirror() -> None:
            record = runs.read(folder / "runs" / "regularizers" / "none")
            runs.update(store, runs.recipe_from_record(record, folder), runs.Runs(), {})

        forked(recipe), forked(loops), mirror()
        turns = [(forked(recipe), forked(loops), cpu_seconds(mirror)) for _ in range(TURNS)]
    against = spread([(ours, plain) for ours, plain, _ in turns])
    with_mirror = spread([(ours + sent, ours) for ours, _, sent in turns])
    print(
        f"recipe {turns[-1][0]:.1f} s, loops {turns[-1][1]:.1f} s, MLflow {turns[-1][2]:.1f} s:", against, with_mirror
    )
    save({"recipe of 11 seeds, against plain loops": against, "recipe and MLflow, against the recipe": with_mirror})


if __name__ == "__main__":
    main()
