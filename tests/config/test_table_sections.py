"""What `reglab new` keeps of the study for a table: all that passes the checks of the data, and nothing beyond."""

import numpy as np
import pytest
from ruamel.yaml import YAML

from reglab.config import data_checks, profiles
from reglab.config.new_profile import create
from reglab.config.params import Params
from reglab.config.targets import unused
from reglab.core.plain import entry_name
from reglab.experiments import left_out
from reglab.experiments.applicability import Facts

ROWS = 240


@pytest.fixture
def checkout(tmp_path, monkeypatch, request):
    (tmp_path / "params.yaml").write_bytes((request.config.rootpath / "params.yaml").read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made(checkout, classes: np.ndarray, columns: int = 3, of: str = "answer", **options) -> Params:
    """The settings of the profile for a table with these classes, which passes the checks of the data."""
    numbers = np.random.default_rng(0).normal(size=(len(classes), columns)).round(3)
    names = [f"x{number}" for number in range(columns)]
    lines = [",".join([*names, "clinic", "seen", "answer"])]
    for number, (row, target) in enumerate(zip(numbers, classes, strict=True)):
        lines.append(",".join([*map(str, row), f"c{int(number**0.8) // 3}", str(2000 + number / 8), f"class {target}"]))
    (checkout / "rows.csv").write_text("\n".join(lines) + "\n")
    create(checkout, "rows.csv", of, **options)
    settings = profiles.load(checkout, "rows")
    data_checks.check(settings)
    return settings


def test_what_works_on_rows_is_kept_with_sizes_of_the_data(checkout):
    settings = made(checkout, np.arange(ROWS) % 2)
    assert {"adversarial_training", "trades"} <= set(settings.regularizers)
    assert set(settings.attacks) == {"regularizers", "combinations", "ensembles", "transfer"}
    assert max(attack.examples for attack in settings.attacks.values()) == settings.data.test_size == 48
    assert set(settings.pretraining) == {"scratch", "raw_inputs", "masked", "denoising", "contrastive", "orientation"}
    assert {"masked_tuned", "contrastive_frozen"} <= set(settings.transfer) and len(settings.semi_supervised) == 4
    assert settings.regimes.recipes and settings.regimes.train_size == (48, settings.data.train_size)
    assert not settings.random_split.recipes


def test_images_are_not_turned_and_rows_are_augmented(checkout):
    policy = made(checkout, np.arange(ROWS) % 2).augmentation["study"]
    assert (policy.swap, policy.noise, policy.needs_images) == (0.2, 0.1, False)


def test_with_ten_classes_new_classes_are_kept_for_transfer(checkout):
    settings = made(checkout, np.arange(2 * ROWS) % 10)
    assert "supervised_base_classes" in settings.pretraining and "new_classes_tuned" in settings.transfer


@pytest.mark.parametrize(("rare", "variants"), [(20, (1, 2, 5)), (8, (1, 2)), (3, (1,))])
def test_no_more_labels_a_class_are_asked_for_than_the_smallest_class_has(checkout, rare, variants):
    settings = made(checkout, (np.arange(ROWS) < rare).astype(int)[np.random.default_rng(1).permutation(ROWS)])
    assert settings.few_labels.labels_per_class == variants


def test_small_data_have_no_regimes(checkout):
    assert not made(checkout, np.arange(60) % 3).regimes.recipes


def test_a_single_column_cannot_be_hidden_in_part(checkout):
    options = {"kinds": ["clinic=identifier", "seen=identifier"]}
    settings = made(checkout, np.arange(ROWS) % 2, columns=1, **options)
    assert "masked" not in settings.pretraining and "masked_tuned" not in settings.transfer


@pytest.mark.parametrize(
    ("options", "split"),
    [({"group": "clinic"}, "group"), ({"time": "seen"}, "time"), ({"group": "clinic", "time": "seen"}, "time")],
)
def test_where_groups_or_times_are_declared_a_random_split_is_studied_too(checkout, options, split):
    settings = made(checkout, np.random.default_rng(2).integers(0, 2, ROWS), **options)
    assert settings.data.split == split and settings.random_split.recipes == ("none",)


def test_amounts_have_few_labels_in_numbers_of_examples_and_their_networks_are_attacked(checkout):
    settings = made(checkout, np.arange(ROWS) % 2, of="seen", kinds=["answer=categorical"])
    assert settings.evaluation.metric == "rmse"
    assert set(settings.attacks) == {"regularizers", "combinations", "ensembles", "transfer"}
    assert settings.few_labels.labels_per_class == (10, 30, 100)
    assert [entry_name(each) for each in settings.few_labels.regularizers] == ["weight_averaging"]
    assert set(settings.pretraining) == {"scratch", "raw_inputs", "masked", "denoising", "contrastive", "orientation"}
    assert {"masked_tuned", "contrastive_frozen"} <= set(
        settings.transfer
    ) and "mean_teacher" in settings.semi_supervised
    assert not any(entry.classes for entry in settings.transfer.values())


def test_fewer_examples_than_a_number_of_labels_leave_it_out(checkout):
    settings = made(checkout, np.arange(90) % 2, of="seen", kinds=["answer=categorical"])
    assert settings.few_labels.labels_per_class == (10, 30) and settings.data.train_size < 100


def test_the_study_of_a_table_renders_no_scenes(checkout):
    """A pretext that learns from scenes is taken out, and with it the last use of the stage that makes them."""
    settings = made(checkout, np.arange(ROWS) % 2)
    assert "other_images" not in settings.pretraining and "scenes_tuned" not in settings.transfer
    assert not settings.multitask and "scenes" not in settings.augmentation
    given = YAML(typ="safe").load(profiles.merged(checkout / "params.yaml", "rows"))
    assert "scenes" in unused(given)


def test_what_needs_images_keeps_its_place_and_is_not_applicable(checkout):
    settings = made(checkout, np.arange(ROWS) % 2)
    inapplicable = set(left_out.by_facts(settings, Facts((3,))))
    assert {("regularizers", "cutmix"), ("transfer", "orientation_tuned")} < inapplicable
    assert ("comparisons", "moved_or_noisy_inputs") in inapplicable and "dropout_or_input_noise" in settings.comparisons
    assert settings.tuning.seeds <= settings.seeds


def test_what_is_gone_takes_along_what_refers_to_it(checkout):
    settings = made(checkout, np.arange(ROWS) % 2)
    assert "supervised_base_classes" not in settings.pretraining and "new_classes_tuned" not in settings.transfer
