"""A study of a shipped profile at small size: its data and preprocessing, with fewer examples and a small network."""

import math
import re
from argparse import Namespace
from contextlib import chdir
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.csv
from scipy.stats import spearmanr

from reglab import cli
from reglab.config import profiles
from reglab.data import load_examples, prepared
from reglab.data.prepared import Prepared, Split
from reglab.data.source import Examples
from reglab.data.sources.table import Table
from reglab.data.splitting import duplicates
from reglab.data.tables.files import read
from reglab.evaluation.predicted import predicted_metrics
from reglab.training.one_seed import Recipe, finished_seed, train_seed

ROOT = Path(__file__).parent.parent.parent
PACKAGE = re.compile(r"package:(\w+)/")
WRITE_IMAGES = re.compile(r"reglab write-images (\S+) (\S+) --size (\d+) (\d+)")
NAMES = sorted(file.stem for file in (ROOT / "profiles").glob("*.yaml") if PACKAGE.search(file.read_text("utf-8")))
SEEDS = 2


@dataclass(frozen=True)
class Study:
    """A profile, in a folder where the commands that its comments name have been run."""

    name: str
    folder: Path

    @property
    def text(self) -> str:
        return (ROOT / "profiles" / f"{self.name}.yaml").read_text("utf-8")

    @property
    def packages(self) -> list[str]:
        return PACKAGE.findall(self.text)

    def missing(self) -> list[str]:
        """The packages that it needs and that are not installed."""
        return [package for package in self.packages if find_spec(package) is None]

    def write_images(self) -> None:
        for file, folder, *size in WRITE_IMAGES.findall(self.text):
            Path(folder).parent.mkdir(exist_ok=True)
            cli.write_images(Namespace(file=file, folder=folder, size=[int(side) for side in size]))

    @cached_property
    def settings(self):
        return profiles.load(ROOT, self.name)

    @cached_property
    def examples(self) -> Examples:
        with chdir(self.folder):
            return load_examples(self.settings.data)

    @cached_property
    def data(self) -> Prepared:
        """The examples, split as the profile says; the split in time has whole years."""
        sizes = {"phishing": (250, 100, 900), "wage_panel_time": (600, 545, 545), "trump_approval": (500, 100, 400)}
        return self.prepared(self.examples, *sizes.get(self.name, (600, 100, 1500)))

    @cached_property
    def shuffled(self) -> Split:
        """The examples with their labels in random order, split without regard to them.

        The labels of a table are shuffled in its file. Identical examples are in one part.
        """
        random, targets, source = np.random.default_rng(0), self.examples.targets, self.settings.data.source
        if isinstance(source, Table):
            columns = read(source.file).columns
            order = random.permutation(len(targets))
            columns |= {name: columns[name].combine_chunks().take(order) for name in source.target_names}
            pyarrow.csv.write_csv(pa.table(columns), self.folder / "shuffled.csv")
            examples = replace(source, file=str(self.folder / "shuffled.csv")).load()
        else:
            examples = replace(self.examples, targets=random.permutation(targets))
        alone = np.arange(len(targets))
        same = duplicates.of_inputs(self.examples.inputs)
        place = random.permutation(len(targets))[alone if same is None else same]
        parts = np.empty(len(targets), "<U10")
        for part, start, end in (("train", 0, 0.15), ("validation", 0.15, 0.2), ("test", 0.2, 1)):
            parts[(start * len(targets) <= place) & (place < end * len(targets))] = part
        sizes = [int((parts == part).sum()) for part in ("train", "validation", "test")]
        sizes[0] = min(sizes[0], 200)
        return self.prepared(replace(examples, groups=None, times=None, parts=parts), *sizes, split="column").split(0)

    def prepared(self, examples: Examples, train: int, validation: int, test: int, **changes) -> Prepared:
        sizes = {"train_size": train, "validation_size": validation, "test_size": test}
        source = self.settings.data.source
        if "split" in changes:  # by columns that the profile does not name
            others = {key: None for key in ("group", "time") if getattr(source, key, None)}
            changes |= {"source": replace(source, **others)}
        with TemporaryDirectory() as folder:
            data = replace(self.settings.data, **sizes, **changes)
            prepared.write(Path(folder), data, examples.inputs, examples.targets, SEEDS, **examples.structure())
            return prepared.read(Path(folder))

    def predictions(self, technique: str, split: Split, folder: Path, *, epochs: int, seed: int = 0) -> dict:
        """Those (n, outputs) on each part after a training with the technique."""
        training, model = replace(self.settings.training, epochs=epochs), replace(self.settings.model, width=32)
        recipe = Recipe((self.settings.regularizers[technique],), model, training)
        folder.mkdir(exist_ok=True)
        train_seed(recipe, split, seed, folder, log_every_epoch=False)
        outcome, tensors = finished_seed(folder, seed)
        assert outcome["status"] == "finished"
        return {part: tensors[f"predictions/{part}"] for part in ("labelled", "validation", "test")}


def as_classes(predictions: np.ndarray, labels: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """The predicted class and the class (n,) of each example; in a regression, whether each lies above its median; of several
    labels a pair each, where as many examples are predicted to have it as have it.
    """
    if labels.ndim == 2:
        counts = labels.sum(0, dtype=int)
        order = np.argsort(-predictions, axis=0, kind="stable").argsort(axis=0)
        return [((order[:, k] < count).astype(int), labels[:, k].astype(int)) for k, count in enumerate(counts)]
    if predictions.shape[1] > 1:
        return [(predictions.argmax(1), labels)]
    return [tuple((values > np.median(values)).astype(int) for values in (predictions[:, 0], labels))]


def above_chance(predictions: np.ndarray, labels: np.ndarray) -> float:
    """The share of matches of `as_classes` beyond that expected by `chance`, the mean over labels if there are several."""
    pairs = as_classes(predictions, labels)
    return float(np.mean([(predicted == classes).mean() - chance(predicted, classes) for predicted, classes in pairs]))


def deviations_above_chance(predictions: np.ndarray, labels: np.ndarray) -> float:
    """How many standard deviations of labels in random order predictions (n, outputs) of the test part are above chance.

    Of classes, and of several labels (n, outputs), the AUROC counts, 1/2 by chance, with the variance (n + 1) / (12 c (n -
    c)) of Mann and Whitney's statistic for a class of c examples; the standard deviation of their mean is at most the mean
    of theirs. Of amounts it is Spearman's correlation, 0 by chance, with the variance 1 / (n - 1).
    """
    total = len(labels)
    if predictions.shape[1] == 1:
        return spearmanr(predictions[:, 0], labels).statistic * math.sqrt(total - 1)
    several = labels.ndim == 2
    counts = labels.sum(0, dtype=int) if several else np.bincount(labels)
    return (predicted_metrics(predictions, labels)["multilabel_auroc" if several else "auroc"] - 0.5) / np.sqrt(
        (total + 1) / (12 * counts * (total - counts))
    ).mean()


def chance(predictions: np.ndarray, labels: np.ndarray) -> float:
    """The expected share of matches of (n,) and (n,) if the labels stand in random order: sum_k p_k c_k / n^2."""
    classes = max(predictions.max(), labels.max()) + 1
    return np.bincount(predictions, minlength=classes) @ np.bincount(labels, minlength=classes) / len(labels) ** 2


def largest_deviation(examples: int, probability: float) -> float:
    """t with P(|accuracy - chance| >= t) <= probability, if the labels of n test examples stand in random order.

    Let the labels become known one after the other. Exchanging two labels changes at most two matches, so each of them moves
    the expected number of matches within an interval of length 2. Of several labels, an example counts the share of them that
    match, which is at most 1 as well. By Azuma and Hoeffding's inequality P <= 2 exp(-n t^2 / 2),
    whatever is predicted, and however many classes there are and however imbalanced.
    Source: C. McDiarmid, "On the method of bounded differences", Surveys in Combinatorics, 1989.
    """
    return math.sqrt(2 * math.log(2 / probability) / examples)
