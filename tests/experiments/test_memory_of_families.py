"""The memory of each family does not grow with the images, which stay in their file."""

import json
import subprocess
import sys

import pytest
from fire import some_of

COUNTS = (2_000, 8_000)
SIDE = 64

PEAK = """
import json, sys, threading, warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from PIL import Image


def anonymous():  # kB that no file holds, of this process
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("RssAnon")).split()[1])


def peak(work):
    highest, ended = [anonymous()], threading.Event()

    def watch():
        while not ended.wait(0.01):
            highest.append(anonymous())

    watching = threading.Thread(target=watch)
    watching.start()
    work()
    ended.set()
    watching.join()
    return max(highest) - highest[0]


def write():
    random = np.random.default_rng(0)
    for number in range(count):
        path = Path("images", str(number % 2), f"{number:05}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (side, side, 3), np.uint8)).save(path, compress_level=0)


def prepare():
    data = Data("images", count // 2, count // 4, count // 4, source=Images("images", 3))
    examples = data.source.load()
    prepared.write(Path("study"), data, examples.inputs, examples.targets, 1, class_names=examples.classes)


def split():
    return prepared.read(Path("study")).split(0)


def training():
    train_seed(Recipe((), model, once), split(), 0, out)


def pretext():
    pretrain_seed(Orientation(epochs=1), Setting(model, Policy()), split(), split(), 0, out)


def contrastive():
    pretrain_seed(Contrastive(epochs=1), Setting(model, Policy()), split(), split(), 0, out)


def semi_supervised():
    settings = FewLabels(model, labels_per_class=(10,), epochs=1, steps=count // 64)
    study = FewLabelsStudy(settings, Policy(), "cpu", (0, 1))
    train_few(MeanTeacher(), study, few(split(), 10, study.classes), 0, out)


def baseline():
    predict(LogisticRegression(), split())


def ensemble():
    evaluate(Bagging(members=2), Recipe((), model, once), split(), 0, out)


def attack():
    data = split()
    network = learner_of(Recipe((), MLP(width=4, depth=1), once), data, 0).network.eval()
    settings = SimpleNamespace(norm="linf", epsilons=[0.01], examples=16)
    measure(lambda *_: network, out, data, 1, settings)


name, count, side = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
out = Path(f"trained-{name}")
out.mkdir(exist_ok=True)

from reglab.data import image_stack, prepared, tensor_files
from reglab.data.settings import Data
from reglab.data.sources.images import Images

prepared.STORED, tensor_files.MAPPED = 0, 2**20
if name == "prepare":
    write()
    print(json.dumps(peak(prepare)))
    sys.exit()

import sklearn.linear_model
import torch

from reglab.data.augmentation.policy import Policy
from reglab.experiments.baselines.methods import logistic_regression
from reglab.experiments.baselines.run import predict
from reglab.experiments.ensembles.methods.bagging import Bagging
from reglab.experiments.ensembles.run import evaluate
from reglab.experiments.few_labels.labelled import few
from reglab.experiments.few_labels.methods.mean_teacher import MeanTeacher
from reglab.experiments.few_labels.run import FewLabelsStudy, train_few
from reglab.experiments.few_labels.settings import FewLabels
from reglab.experiments.pretraining import base
from reglab.experiments.pretraining.base import Setting
from reglab.experiments.pretraining.methods.contrastive import Contrastive
from reglab.experiments.pretraining.methods.orientation import Orientation
from reglab.experiments.pretraining.run import pretrain_seed
from reglab.experiments.robustness import attacked_seed
from reglab.experiments.robustness.attacked_seed import measure
from reglab.models.convnet import ConvNet
from reglab.models.mlp import MLP
from reglab.runtime.memory import keep_freed_memory
from reglab.training.one_seed import Recipe, learner_of, train_seed
from reglab.training.settings import Training


class LogisticRegression(logistic_regression.LogisticRegression):
    def estimator(self):
        return sklearn.linear_model.LogisticRegression(max_iter=2)  # more take as much memory


base.PROBED, base.PIECE, attacked_seed.PIECE = 400, 200, 200  # the held-out parts of the smaller study have 500 examples
warnings.simplefilter("ignore")
torch.set_num_threads(1)
model, once = ConvNet(width=4, depth=2), Training(epochs=1)
keep_freed_memory()  # as processes that train
print(json.dumps(peak(globals()[name])))
"""


@pytest.fixture(scope="module")
def peak(tmp_path_factory):
    """The most memory, in MB without pages of files, that a family takes for so many images."""
    home = tmp_path_factory.mktemp("images")

    def measured(name: str, count: int) -> float:
        folder = home / str(count)
        folder.mkdir(exist_ok=True)
        command = [sys.executable, "-c", PEAK, name, str(count), str(SIDE)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) / 1_000

    prepared = {count: measured("prepare", count) for count in COUNTS}
    return lambda name, count: prepared[count] if name == "prepare" else measured(name, count)


@pytest.mark.stress
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    "name",
    some_of(["prepare", "training", "semi_supervised", "pretext", "contrastive", "baseline", "ensemble", "attack"], 3),
)
def test_four_times_as_many_images_take_the_same_memory_beyond_a_fifth_of_their_pixels(peak, name):
    few, many = (peak(name, count) for count in COUNTS)
    more_pixels = (
        (COUNTS[1] - COUNTS[0]) * 3 * SIDE**2 / 1e6 * (1 if name == "prepare" else 4)
    )  # MB as bytes, or as float32
    print(name, few, many, more_pixels)
    assert many - few < 0.2 * more_pixels
