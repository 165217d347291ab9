"""What an ensemble of 16 members costs where one of 8 was trained before, relative to training all 16.

    python benchmarks/ensembles.py

Three minutes. Bagging of MLPs 2x256 on 900 digits, four seeds, from the first step to the record. Both take turns, each in a
fork that has all imports, and each with an empty cache but for the 8 members of the first. All count in seconds of processor
time, workers included. Half of the training remains, and all of the evaluation.
"""

import os
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

import torch
from tools.ratios import forked, save, spread
from tools.study import DigitsStudy

from reglab.experiments.ensembles import run as ensembling
from reglab.experiments.ensembles.methods.bagging import Bagging
from reglab.models.mlp import MLP
from reglab.training.one_seed import Recipe
from reglab.training.settings import Training

TURNS, SEEDS = 3, 4
RECIPE = Recipe((), MLP(width=256, depth=2), Training(epochs=25, learning_rate=0.005))


def main() -> None:
    torch.set_num_threads(1)
    with TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["DVC_ROOT"] = name
        os.chdir(folder)
        study = DigitsStudy(folder, SEEDS)

        def ensemble(members: int) -> None:
            stage = study.stage("ensembles", "bagging", SEEDS, folder / "runs")
            ensembling.run(Bagging(members=members), RECIPE, study.data, stage)

        def trained(members: int) -> float:
            return forked(lambda: ensemble(members))

        def forget() -> None:
            shutil.rmtree(folder / ".reglab", ignore_errors=True)

        turns = []
        for _ in range(TURNS):
            forget()
            trained(8)
            after = trained(16)
            forget()
            turns.append((after, trained(16)))
    ratio = spread(turns)
    print(f"16 after 8: {turns[-1][0]:.1f} s, 16: {turns[-1][1]:.1f} s:", ratio)
    save({"ensemble of 16 after 8, against training 16": ratio})


if __name__ == "__main__":
    main()
