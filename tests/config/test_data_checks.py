"""Settings that the data cannot satisfy are reported before any work: file, key, what was found, what is allowed."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from reglab.config import params
from reglab.config.data_checks import check, relevance_notes
from reglab.core.errors import UserError
from reglab.data.augmentation.policy import Policy
from reglab.data.settings import Data, Scenes, Text
from reglab.data.source import Examples
from reglab.evaluation.settings import Evaluation
from reglab.experiments.few_labels.settings import Transfer
from reglab.experiments.pretraining.methods.contrastive import Contrastive
from reglab.experiments.pretraining.methods.masked import Masked
from reglab.experiments.pretraining.methods.supervised_base_classes import SupervisedBaseClasses
from reglab.experiments.regimes.settings import Regimes
from reglab.experiments.tuning.settings import TunedAgain, TunedOtherNetwork
from reglab.models.convnet import ConvNet
from reglab.models.mlp import MLP
from reglab.regularizers.cutmix import CutMix
from reglab.regularizers.input_noise import InputNoise
from reglab.regularizers.k_sparse import KSparse
from reglab.regularizers.label_smoothing import LabelSmoothing
from reglab.training.settings import TrainerSettings

SETTINGS = params.load(Path(__file__).parents[2] / "params.yaml")


def lines(**sections):
    with pytest.raises(UserError) as error:
        check(replace(SETTINGS, **sections))
    return error.value.lines


@pytest.fixture
def table(monkeypatch):
    """A source of a user's own, named `table`; the test says what it gives."""
    random = np.random.default_rng(0)
    examples = SimpleNamespace(inputs=random.random((300, 13), np.float32), labels=np.arange(300) % 3)
    monkeypatch.setitem(
        sys.modules, "reglab.data.sources.table", SimpleNamespace(load=lambda: (examples.inputs, examples.labels))
    )
    return examples


@pytest.fixture
def weighted(table, monkeypatch):
    """The same source, which gives `Examples` with the weights that the test says."""

    def load():
        return Examples(inputs=table.inputs, targets=table.labels, weights=table.weights)

    monkeypatch.setitem(sys.modules, "reglab.data.sources.table", SimpleNamespace(load=load))
    return table


@pytest.mark.parametrize(
    ("weights", "found"),
    [
        (np.ones(299), "weights float64 of shape (299,); allowed: an array (300,) of numbers, one for each input"),
        ([1.0] * 300, "weights list; allowed: an array (300,) of numbers"),
        (
            np.where(np.arange(300) == 7, np.nan, 1),
            "weights: nan in row 8 (index 7), one such weight; allowed: finite numbers",
        ),
        (np.zeros(300), "weights: the weight 0 in every row; allowed: some weights above 0"),
    ],
)
def test_weights_of_a_source_of_ones_own_are_checked(weighted, weights, found):
    weighted.weights = weights
    (line,) = lines(**TABLE)
    assert found in line


def test_a_training_part_whose_weights_are_all_0_is_refused_before_any_work(weighted):
    weighted.weights = (np.arange(300) == 0).astype(float)
    wanted = "params.yaml: data.weight: found weights that are 0 for all 150 training examples of seed "
    assert any(line.startswith(wanted) for line in lines(**TABLE))


@pytest.mark.parametrize(("metric", "named"), [("rmse", True), ("mae", True), ("r2", False)])
def test_without_a_relevant_difference_of_errors_of_amounts_the_note_names_one(metric, named):
    """One percent of the standard deviation of the targets, as `reglab new` writes it."""
    labels = np.arange(100) % 2 * 100.0
    notes = relevance_notes(Evaluation(metric=metric), labels)
    assert len(notes) == named and not relevance_notes(Evaluation(metric=metric, relevant_difference=0.3), labels)
    if named:
        assert (
            f"evaluation.relevant_difference: null is 0 for {metric}" in notes[0]
            and "; 0.5, say, one percent" in notes[0]
        )


def test_baselines_that_take_no_weights_are_named(weighted):
    few = {section: {} for section in ("pretraining", "transfer", "semi_supervised")}
    settings = replace(SETTINGS, **TABLE | few | {"augmentation": {}})
    weighted.weights = np.arange(300) + 1.0
    note = "params.yaml: data.weight: no effect on baselines that take no weights of examples: k_nearest_neighbours"
    assert note in check(settings)
    weighted.weights = None
    assert not any("weight:" in each for each in check(settings))


TABLE = {
    "data": Data(name="table", train_size=150, validation_size=50, test_size=50),
    "regimes": Regimes((), (), (), ()),
    "tuned_clean": TunedAgain(()),
    "tuned_other_network": TunedOtherNetwork(()),
    "attacks": {"regularizers": replace(SETTINGS.attacks["regularizers"], examples=10)},
    "combinations": {},
    "cocktails": {},
    "comparisons": {},
    "claims": {},
    "augmentation": SETTINGS.augmentation | {"study": replace(SETTINGS.augmentation["study"], noise=0.1)},
    "transfer": {name: entry for name, entry in SETTINGS.transfer.items() if not entry.classes},
    "few_labels": replace(SETTINGS.few_labels, labels_per_class=(1, 3)),
    "pretraining": SETTINGS.pretraining | {"supervised_base_classes": SupervisedBaseClasses(classes=2)},
}
WITHOUT_IMAGES = TABLE | {
    "regularizers": {
        name: technique for name, technique in SETTINGS.regularizers.items() if "images" not in technique.needs
    },
    **{section: {} for section in ("pretraining", "transfer", "semi_supervised", "augmentation", "tuned")},
}


def test_the_shipped_params_are_feasible_and_nothing_in_them_is_idle():
    numeric = "params.yaml: baselines: not applicable: ridge_regression: needs amounts; the targets are classes"
    blockless = [
        f"params.yaml: {section}: not applicable: stochastic_depth: needs residual blocks; the network mlp has none"
        for section in ("regularizers", "tuned", "tuned_clean")
    ]
    assert check(SETTINGS) == [numeric, *blockless]
    assert check(replace(SETTINGS, model=replace(SETTINGS.model, residual=True))) == [numeric]


FEW = {"few_labels": replace(SETTINGS.few_labels, model=MLP(width=8, depth=1), labels_per_class=(1, 3))}


def test_with_a_table_what_all_entries_share_must_not_need_images(table):
    few = replace(TABLE["few_labels"], regularizers=(InputNoise(), CutMix()))
    policy, model, techniques = lines(**TABLE | {"few_labels": few})
    assert policy == (
        "params.yaml: augmentation.study: found rotation, translation, scale, shear on examples of 13 numbers; allowed: "
        "images (channels x height x width); take them out"
    )
    assert model.startswith(
        "params.yaml: few_labels.model.name: found convnet on examples of 13 numbers; allowed: images "
    )
    result = "found cutmix, which needs images; examples are rows of 13 numbers; allowed: "
    assert techniques.startswith(f"params.yaml: few_labels.regularizers[1]: {result}")


def test_entries_of_their_own_that_need_images_are_notes_and_no_errors(table):
    few = {"few_labels": replace(TABLE["few_labels"], model=MLP(width=8, depth=1))}
    said = check(replace(SETTINGS, **TABLE | few | {"augmentation": {"study": Policy(noise=0.1)}}))
    assert [line.removeprefix("params.yaml: ") for line in said if "not applicable" in line] == [
        "baselines: not applicable: ridge_regression: needs amounts; the targets are classes",
        "regularizers: not applicable: stochastic_depth: needs residual blocks; the network mlp has none",
        "regularizers: not applicable: cutmix, affine, erasing: needs images; examples are rows of 13 numbers",
        "pretraining: not applicable: orientation, other_images: needs images; examples are rows of 13 numbers",
        "transfer: not applicable: orientation_tuned: orientation needs images; examples are rows of 13 numbers",
        "transfer: not applicable: scenes_tuned: other_images needs images; examples are rows of 13 numbers",
        "tuned: not applicable: stochastic_depth: needs residual blocks; the network mlp has none",
        "tuned: not applicable: cutmix, affine, erasing: needs images; examples are rows of 13 numbers",
    ]


@pytest.mark.parametrize(("ratio", "hidden"), [(0.03, "none"), (0.97, "all")])
def test_a_share_that_hides_all_features_of_a_table_or_none_is_one_line(table, ratio, hidden):
    [line] = lines(**WITHOUT_IMAGES | FEW | {"pretraining": {"masked": Masked(mask_ratio=ratio)}})
    assert line.startswith(
        f"params.yaml: pretraining.masked.mask_ratio: found {ratio}, which hides {hidden} of 13 features; allowed: "
    )


def test_views_that_are_all_the_same_are_a_warning(table):
    sections = WITHOUT_IMAGES | FEW | {"augmentation": {"study": Policy()}}
    sections |= {"pretraining": {"contrastive": Contrastive()}}
    [line] = [line for line in check(replace(SETTINGS, **sections)) if "not applicable" not in line]
    assert line == "params.yaml: augmentation.study: changes nothing, so that contrastive sees the same input twice"


def test_with_what_needs_images_taken_out_a_table_is_feasible(table):
    check(replace(SETTINGS, **WITHOUT_IMAGES))


def test_a_network_of_images_cannot_learn_a_table(table):
    [line] = lines(**WITHOUT_IMAGES, model=ConvNet())
    assert line.startswith("params.yaml: model.name: found convnet on examples of 13 numbers; allowed: images ")


def test_inputs_beyond_the_unit_range_can_be_attacked(table):
    table.inputs = 2 * table.inputs
    check(replace(SETTINGS, **WITHOUT_IMAGES | FEW))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"inputs": np.zeros((300, 13))}, "found inputs float64 of shape (300, 13); allowed: a float32 array"),
        ({"inputs": [[1.0]] * 300}, "found inputs list; allowed: a float32 array"),
        ({"inputs": np.zeros(300, np.float32)}, "found inputs float32 of shape (300,)"),
        (
            {"inputs": np.full((300, 2), np.nan, np.float32)},
            "found NaN or infinity in 300 rows, first in row 1 (index 0)",
        ),
        ({"labels": np.arange(299) % 3}, "found labels int64 of shape (299,); allowed: an array (300,), one for each"),
        (
            {"labels": np.arange(300, dtype=np.float32)},
            "found labels float32 of shape (300,); allowed: an array (300,)",
        ),
        ({"labels": np.arange(300) % 3 + 1}, "found the labels 1, 2, 3; allowed: two classes or more, numbered 0, 1"),
        ({"labels": np.zeros(300, np.int64)}, "found the labels 0; allowed: two classes or more"),
        ({"labels": None}, "found labels NoneType; allowed: an array (300,)"),
    ],
)
def test_a_source_that_nothing_can_be_learned_from_is_one_line(table, change, said):
    vars(table).update(change)
    [line] = lines(**WITHOUT_IMAGES)
    assert line.startswith(f"src/reglab/data/sources/table.py: load(): {said}")


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"groups": np.arange(7)}, "groups int64 of shape (7,); allowed: an array (300,) of whole numbers"),
        ({"groups": [1] * 300}, "groups list; allowed: an array (300,)"),
        ({"groups": np.full(300, "a")}, "groups <U1 of shape (300,); allowed: an array (300,) of whole numbers"),
        ({"times": np.full(300, "Monday")}, "times <U6 of shape (300,); allowed: an array (300,) of finite numbers"),
        ({"times": np.where(np.arange(300) == 7, np.nan, 1)}, "times that are not finite"),
        ({"parts": np.zeros(300)}, "parts float64 of shape (300,); allowed: an array (300,) of texts: train"),
        ({"classes": ("a",)}, "1 names of classes or labels; allowed: 3 or none"),
        ({"classes": ("a", "b", "c", "d")}, "4 names of classes or labels; allowed: 3 or none"),
    ],
)
def test_what_a_source_of_ones_own_gives_beside_inputs_and_targets_must_fit_them(table, monkeypatch, given, found):
    def load():
        return Examples(inputs=table.inputs, targets=table.labels, **given)

    monkeypatch.setitem(sys.modules, "reglab.data.sources.table", SimpleNamespace(load=load))
    [line] = lines(**WITHOUT_IMAGES)
    assert line.startswith(f"src/reglab/data/sources/table.py: load(): found {found}")


def test_a_source_that_ends_the_process_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "reglab.data.sources.table", SimpleNamespace(load=lambda: sys.exit(0)))
    [line] = lines(**WITHOUT_IMAGES)
    assert line.endswith("load(): found an end of the process (0); allowed: inputs and labels")


def test_a_source_that_fails_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "reglab.data.sources.table", SimpleNamespace(load=lambda: 1 / 0))
    [line] = lines(**WITHOUT_IMAGES)
    assert line.startswith(
        "src/reglab/data/sources/table.py: load(): found an error (ZeroDivisionError: division by zero)"
    )


def test_more_neighbours_than_examples_and_more_classes_than_the_data_has():
    spreading = replace(SETTINGS.semi_supervised["label_spreading"], n_neighbors=1098)
    [line] = lines(semi_supervised={"label_spreading": spreading})
    assert line.startswith(
        "params.yaml: semi_supervised.label_spreading.n_neighbors: found 1098; allowed: at most 1097, "
    )
    check(replace(SETTINGS, semi_supervised={"label_spreading": replace(spreading, n_neighbors=1097)}))
    others = replace(SETTINGS.pretraining["supervised_base_classes"], classes=11)
    [line] = lines(pretraining=SETTINGS.pretraining | {"supervised_base_classes": others})
    assert line.startswith("params.yaml: pretraining.supervised_base_classes.classes: found 11; allowed: at most 10")


def test_a_gpu_that_is_not_there(monkeypatch):
    gpu = replace(SETTINGS.training, accelerator="gpu")
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    [line] = lines(training=gpu)
    assert line.startswith('params.yaml: training.accelerator: found "gpu", but torch sees none; allowed here: cpu')
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    check(replace(SETTINGS, training=gpu))
    [line] = lines(training=replace(gpu, trainer=TrainerSettings(devices=2)))
    assert line == "params.yaml: training.trainer.devices: found 2; allowed here: at most 1, the GPUs"


def test_machines_that_cannot_find_each_other(monkeypatch):
    three = replace(SETTINGS.training, trainer=TrainerSettings(num_nodes=3))
    for name in ("NODE_RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    [line] = lines(training=three)
    assert line.startswith(
        "params.yaml: training.trainer.num_nodes: found 3, and no usable MASTER_PORT, NODE_RANK, MASTER_ADDR"
    )
    for name, value in {"NODE_RANK": "3", "MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "29500"}.items():
        monkeypatch.setenv(name, value)
    [line] = lines(training=three)
    assert "no usable NODE_RANK; allowed: in the environment of each machine NODE_RANK, from 0 to 2" in line
    monkeypatch.setenv("NODE_RANK", "2")
    check(replace(SETTINGS, training=three))


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"training": replace(SETTINGS.training, momentum=0.9)}, "training.momentum: 0.9 has no effect with adam"),
        (
            {"training": replace(SETTINGS.training, batch_size=901)},
            "training.batch_size: 901 is more than data.train_size",
        ),
        ({"model": MLP(depth=1, residual=True)}, "model.residual: has no effect with depth 1"),
        (
            {"regularizers": SETTINGS.regularizers | {"k_sparse": KSparse(active_units=256)}},
            "regularizers.k_sparse.active_units: 256 keeps all of the 256 units of a hidden layer",
        ),
        (
            {"combinations": {"mine": (KSparse(active_units=64),)}, "model": ConvNet(width=4, depth=2)},
            "combinations.mine[0].k_sparse.active_units: 64 keeps all of the 32 units",  # 4x4x4, then 8x2x2
        ),
    ],
)
def test_a_setting_that_changes_nothing_is_a_warning(sections, said):
    assert any(line.startswith(f"params.yaml: {said}") for line in check(replace(SETTINGS, **sections)))


def test_sizes_that_the_data_do_not_have_are_all_named_at_once():
    first, second, *attacked = lines(data=Data(name="digits", train_size=1600, validation_size=300, test_size=5))
    assert "= 1905, but digits has 1797 examples" in first and "data.test_size: found 5; allowed: at least 10" in second
    assert [line.partition(":")[2] for line in attacked] == [
        f" attacks.{family}.examples: found {attack.examples}; allowed: at most 5, the data.test_size"
        for family, attack in SETTINGS.attacks.items()
    ]


def test_what_regimes_labels_and_attacks_ask_for_too_much_is_said_beside_other_problems():
    said = lines(
        data=Data(name="digits", train_size=300, validation_size=300, test_size=60),
        regimes=replace(SETTINGS.regimes, train_size=(1600,)),
        few_labels=replace(SETTINGS.few_labels, labels_per_class=(200,)),
        attacks={"regularizers": replace(SETTINGS.attacks["regularizers"], examples=61)},
        transfer=SETTINGS.transfer | {"mine": Transfer("scratch", classes=(8, 12))},
    )
    places = [
        "transfer.mine.classes",
        "regimes.train_size",
        "few_labels.labels_per_class",
        "attacks.regularizers.examples",
    ]
    assert [line.split(": ")[1] for line in said] == places


def test_more_labels_than_the_smallest_class_has_in_any_seed():
    [line] = lines(few_labels=replace(SETTINGS.few_labels, labels_per_class=(1, 500)))
    assert line.startswith("params.yaml: few_labels.labels_per_class: found 500; allowed: at most ")


def few_labels_of_rows(labels_per_class: tuple[int, ...], techniques: tuple = ()) -> dict:
    """Sections of a study of rows that learns from few labels."""
    few = {"model": MLP(width=8, depth=1), "labels_per_class": labels_per_class, "regularizers": techniques}
    return TABLE | {
        "few_labels": replace(SETTINGS.few_labels, **few),
        "augmentation": {"study": Policy(noise=0.1)},
        "attacks": {},
    }


@pytest.mark.parametrize("metric", ["rmse", "multilabel_auroc"])
def test_of_amounts_and_labels_no_more_labels_are_allowed_than_there_are_training_examples(table, metric):
    random, many = np.random.default_rng(1), metric != "rmse"
    table.labels = (random.random((300, 3)) < 0.4).astype(np.uint8) if many else random.random(300)
    settings = {"evaluation": Evaluation(metric=metric)}
    check(replace(SETTINGS, **few_labels_of_rows((10, 150)) | settings))
    (line,) = lines(**few_labels_of_rows((10, 151)) | settings)
    assert line.startswith(
        "params.yaml: few_labels.labels_per_class: found 151; allowed: at most 150, the labelled examples"
    )


def test_what_all_entries_share_must_suit_amounts_where_any_of_them_trains(table):
    table.labels = np.random.default_rng(1).random(300)
    sections = few_labels_of_rows((10,), (LabelSmoothing(), InputNoise())) | {"evaluation": Evaluation(metric="rmse")}
    (line,) = lines(**sections)
    why = "needs classes or labels; the targets are amounts"
    assert line.startswith(f"params.yaml: few_labels.regularizers[0]: found label_smoothing, which {why}")
    none = {section: {} for section in ("pretraining", "transfer", "semi_supervised")}
    check(replace(SETTINGS, **sections | none))


def test_a_transfer_to_a_class_that_the_data_does_not_have():
    [line] = lines(transfer=SETTINGS.transfer | {"mine": Transfer("scratch", classes=(8, 12))})
    assert line.startswith("params.yaml: transfer.mine.classes: found [12]; allowed: classes of the data, 0 to 9")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such file"),
        (b"", "found no sentence"),
        (b"There is but one sentence in this file.", "found 1 sentence"),
        (b"\xff\xfe\xfa not text at all", "not UTF-8"),
    ],
)
def test_a_text_that_nothing_can_be_learned_from_names_the_key(tmp_path, content, said):
    path = tmp_path / "mine.txt"
    if content is not None:
        path.write_bytes(content)
    [line] = lines(text=Text(str(path)))
    assert line.startswith(f"params.yaml: text.file: {path}") and said in line


def test_a_text_that_never_ends_or_fills_the_memory_is_not_read(tmp_path):
    pipe, huge = tmp_path / "pipe", tmp_path / "huge.txt"
    os.mkfifo(pipe)
    with open(huge, "wb") as file:
        file.truncate(2**29)
    for path, said in (
        ("/dev/zero", "a device"),
        (pipe, "a device"),
        (tmp_path, "a folder"),
        (huge, "536,870,912 bytes"),
    ):
        [line] = lines(text=Text(str(path)))
        assert line.startswith(f"params.yaml: text.file: {path}: found ") and said in line


def test_scenes_that_fill_the_memory_are_refused():
    [line] = lines(scenes=Scenes(size=512, train_size=100_000))
    assert line.startswith(
        "params.yaml: scenes: found 100,384 scenes of 512 x 512 pixels, 490 GiB; allowed: at most 8 GiB"
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"patch_size": 8},
            "masked.patch_size: found 8; allowed: at most 7, for images of 8 x 8 pixels must be cut into two patches",
        ),
        ({"patch_size": 9, "mask_ratio": 0.9}, "masked.patch_size: found 9; allowed: at most 7"),
        (
            {"mask_ratio": 0.03},
            "masked.mask_ratio: found 0.03, which hides none of the 16 patches of images of 8 x 8 pixels",
        ),
        ({"mask_ratio": 0.97}, "masked.mask_ratio: found 0.97, which hides all of the 16 patches"),
        (
            {"patch_size": 7, "mask_ratio": 0.1},
            "none of the 4 patches of images of 8 x 8 pixels; allowed: more than 0.125 and less than",
        ),
    ],
)
def test_a_masked_pretext_that_would_hide_nothing_or_all_is_refused(changes, said):
    """With digits, 8 x 8: patches of 2 are 16, of 7 are 4, of 8 and more one alone."""
    masked = replace(SETTINGS.pretraining["masked"], **changes)
    [line] = lines(pretraining=SETTINGS.pretraining | {"masked": masked})
    assert line.startswith("params.yaml: pretraining.masked.") and said in line


@pytest.mark.parametrize(
    "changes",
    [
        {"patch_size": 7, "mask_ratio": 0.13},
        {"mask_ratio": 0.04},
        {"mask_ratio": 0.96},
        {"patch_size": 1, "mask_ratio": 0.01},
    ],
)
def test_a_masked_pretext_that_hides_a_patch_and_shows_one_is_taken(changes):
    masked = replace(SETTINGS.pretraining["masked"], **changes)
    assert check(replace(SETTINGS, pretraining=SETTINGS.pretraining | {"masked": masked})) == check(SETTINGS)
