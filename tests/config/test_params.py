"""params.yaml is read as DVC reads it, completely or not at all, and every problem is reported in a line of its own."""

import copy
import json
import pickle
import re
import shutil
import subprocess
import sys
from dataclasses import FrozenInstanceError, asdict, fields
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from reglab.config import entries, params
from reglab.core import plain, registry
from reglab.core.errors import UserError
from reglab.experiments.tuning.settings import points
from reglab.models.convnet import ConvNet
from reglab.training.settings import Training

ROOT = Path(__file__).parent.parent.parent
SHIPPED = (ROOT / "params.yaml").read_text(encoding="utf-8")
MISSING = ...  # as a value: the key is left out
SMALL_TEXT = """\
data: {name: digits, train_size: 100, validation_size: 50, test_size: 60, label_noise: 0.1}
seeds: 3
model: {name: mlp, width: 8, depth: 1}
training: {epochs: 2, optimizer: sgd, learning_rate: 0.1, momentum: 0.9}
baselines: {k_nearest_neighbours: {n_neighbors: 5}, logistic_regression: }
regularizers: {none: {}, dropout: {input_rate: 0.1}, l1: {strength: 0.01}, weight_decay: {}}
combinations: {both: [l1: {strength: 1}, dropout: {}]}
ensembles: {}
scenes: {size: 16, train_size: 8, validation_size: 8, test_size: 8}
text: {file: mine.txt}
augmentation: {study: {rotation: 10}, scenes: {}}
few_labels: {model: {name: mlp, width: 8}, labels_per_class: [1, 2]}
few_scenes: {labelled: [4, 8]}
pretraining: {scratch: {source: study}, masked: {source: study, epochs: 1}, supervised_base_classes: {source: study}}
transfer: {from_scratch: {start: scratch}, masked_frozen: {start: masked, backbone: frozen}}
semi_supervised: {}
multitask: {}
theory: {}
attacks: {}
tuning: {seeds: 2}
tuned: {l1: {strength: [0.1, 1.0]}, none: {}}
sweeps: {l1: {strength: [0.1, 1.0]}}
cocktails: {two: {trials: 2, ingredients: {dropout: {hidden_rate: [0.1, 0.5]}, l1: {}}}}
regimes: {recipes: [none, l1], train_size: [50, 100], label_noise: [0.0], width: [8]}
variance_sources: {recipes: [none]}
random_split: {recipes: []}
tuned_clean: {recipes: []}
tuned_other_network: {recipes: []}
comparisons: {l1_or_dropout: {recipe: l1, versus: dropout}}
claims: {}
profiles: {quick: {seeds: 2}}
evaluation: {confidence: 0.9, relevant_difference: 0.01}
tracking: {uri: null, experiment: mine}
processes: 2
"""
SECTIONS = params.section_names()
PLAIN = YAML(typ="safe", pure=True)
SMALL = PLAIN.load(SMALL_TEXT)


def read(folder: Path, given: dict | str | bytes) -> params.Params:
    path = folder / "params.yaml"
    text = json.dumps(given) if isinstance(given, dict) else given  # JSON is YAML
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return params.load(path)


def problems(folder: Path, given: dict | str | bytes) -> tuple[str, ...]:
    with pytest.raises(UserError) as error:
        read(folder, given)
    return error.value.lines


def changed(*changes: tuple[str, Any]) -> dict:
    """SMALL with other values at dotted keys; MISSING takes one away."""
    whole = copy.deepcopy(SMALL)
    for key, value in changes:
        *path, last = (int(part) if part.isdigit() else part for part in re.findall(r"\w+", key))
        at = whole
        for part in path:
            at = at[part]
        at[last] = value
        if value is MISSING:
            del at[last]
    return whole


def holds(whole: Any, part: Any) -> bool:
    """Whether all that `part` says stands in `whole` too; an empty entry says nothing."""
    if isinstance(part, dict):
        return all(name in whole and holds(whole[name], value) for name, value in part.items())
    if isinstance(part, list):
        return len(part) == len(whole) and all(map(holds, whole, part))
    return whole == part or (part is None and isinstance(whole, dict))


def as_written(loaded) -> dict:
    """The settings as params.yaml has them, where the claims over the suite stand among the others."""
    values = plain.settings(loaded)
    return values | {"claims": values["claims"] | plain.settings(loaded.suite_claims)}


def test_the_shipped_file_has_no_fault_and_all_that_it_says_arrives():
    values = as_written(params.load(ROOT / "params.yaml"))
    assert holds(values, PLAIN.load(SHIPPED)) and list(values) == SECTIONS


@pytest.mark.parametrize("given", [SMALL, SHIPPED], ids=["small", "shipped"])
def test_settings_written_and_read_again_are_the_same(tmp_path, given):
    first = read(tmp_path, given)
    with (tmp_path / "again.yaml").open("w") as file:
        YAML().dump(as_written(first), file)
    assert params.load(tmp_path / "again.yaml") == first
    assert pickle.loads(pickle.dumps(first)) == first


def test_what_is_left_out_has_its_default(tmp_path):
    loaded = read(tmp_path, changed(("data.label_noise", MISSING), ("training", {}), ("model", {"name": "mlp"})))
    assert loaded.data.label_noise == 0 and loaded.training == params.Training()
    assert loaded.model == registry.find("models", "mlp")()
    assert loaded.regularizers["dropout"] == registry.find("regularizers", "dropout")(input_rate=0.1)
    assert loaded.baselines["logistic_regression"] == registry.find("baselines", "logistic_regression")()
    fewer = read(tmp_path, changed(("processes", MISSING), ("evaluation", {}), ("tracking", {})))
    assert fewer.processes is None
    assert (fewer.evaluation, fewer.tracking) == (params.Evaluation(), params.Tracking())


@pytest.mark.parametrize("names", [["l1", "dropout", "mixup"], ["mixup", "l1", "dropout"]])
def test_techniques_are_applied_in_the_order_of_the_file(tmp_path, names):
    steps = [{name: {}} for name in names]
    loaded = read(tmp_path, changed(("combinations.both", steps), ("few_labels.regularizers", steps)))
    assert [plain.entry_name(technique) for technique in loaded.recipe("both")[1]] == names
    assert [plain.entry_name(technique) for technique in loaded.few_labels.regularizers] == names


def test_a_whole_number_serves_as_a_number_and_becomes_one(tmp_path):
    strength = read(tmp_path, SMALL).combinations["both"][0].strength
    assert strength == 1.0 and type(strength) is float


def test_settings_cannot_be_changed(tmp_path):
    loaded = read(tmp_path, SMALL)
    for holder, name in ((loaded, "seeds"), (loaded.training, "epochs"), (loaded.regularizers["l1"], "strength")):
        with pytest.raises(FrozenInstanceError):
            setattr(holder, name, 5)


def names_of(kind: type) -> str:
    return ", ".join(field.name for field in fields(kind))


WHOLE, SHARE = "a whole number from 1 to", "a number from 0 to below 1"
DATA, TRAINING = names_of(params.Data), names_of(params.Training)
MLP, L1 = names_of(registry.find("models", "mlp")), names_of(registry.find("regularizers", "l1"))
NAMED = "a mapping of names to settings, {} where there are none"
MODEL = "a mapping of a name and the settings that go with it"
STEP = "one technique and its settings, such as dropout: {}"
SOURCES = f"one of: {', '.join(registry.sources())}"
TECHNIQUES, BASELINES, MODELS = (
    f"one of: {', '.join(registry.names(family))}" for family in ("regularizers", "baselines", "models")
)
BAD = [  # key, value, found, allowed
    ("data", MISSING, "no such section", f"a mapping of {DATA}"),
    ("data.name", "digit", '"digit"', f"{SOURCES}; did you mean digits?"),
    ("data.name", "splits", '"splits"', SOURCES),
    ("data.name", MISSING, "nothing", SOURCES),
    ("data.train_size", MISSING, "nothing", f"{WHOLE} 10,000,000"),
    ("data.validation_size", 50.0, "50.0", f"{WHOLE} 10,000,000"),
    ("data.test_size", True, "true", f"{WHOLE} 10,000,000"),
    ("data.test_size", 0, "0", f"{WHOLE} 10,000,000"),
    ("data.label_noise", 1.5, "1.5", "a number from 0 to 1"),
    ("seeds", 1, "1", "a whole number from 2 to 1,000"),
    ("model", "mlp", '"mlp"', MODEL),
    ("model", MISSING, "no such section", MODEL),
    ("model.name", "mpl", '"mpl"', f"{MODELS}; did you mean mlp?"),
    ("model.widht", 3, "an unknown setting", f"one of: {MLP}; did you mean width?"),
    ("model.depth", 0, "0", f"{WHOLE} 100"),
    ("training", [], "[]", f"a mapping of {TRAINING}"),
    ("training.epoch", 3, "an unknown setting", f"one of: {TRAINING}; did you mean epochs?"),
    ("training.optimizer", "adma", '"adma"', "one of: adam, sgd; did you mean adam?"),
    ("training.learning_rate", 0, "0", "a number above 0"),
    ("training.learning_rate", "1e-3", '"1e-3"', "a number above 0"),
    ("training.momentum", 1, "1", SHARE),
    ("baselines", None, "null", NAMED),
    ("baselines.knn", {}, "an unknown name", BASELINES),
    ("baselines.logistic_regression", 3, "3", "a mapping of C"),
    ("baselines.k_nearest_neighbours.n_neighbors", 101, "101", "at most 100, the data.train_size"),
    ("regularizers.none", MISSING, "no such entry", "none: {}, with which every recipe is compared"),
    ("regularizers.none.rate", 1, "an unknown setting", "no settings: {}"),
    ("regularizers.dropuot", {}, "an unknown name", f"{TECHNIQUES}; did you mean dropout?"),
    ("regularizers.base", {}, "an unknown name", TECHNIQUES),
    ("regularizers.dropout.input_rate", -0.1, "-0.1", SHARE),
    ("regularizers.l1.strenght", 0.1, "an unknown setting", f"one of: {L1}; did you mean strength?"),
    ("regularizers.l1.step", "proximl", '"proximl"', "one of: proximal, subgradient; did you mean proximal?"),
    ("combinations.both", [], "[]", "a list of techniques, such as - dropout: {}"),
    ("combinations.both", {"l1": {}}, '{"l1": {}}', "a list of techniques, such as - dropout: {}"),
    ("combinations.both[0]", "l1", '"l1"', STEP),
    ("combinations.both[0]", {"l1": {}, "mixup": {}}, '{"l1": {}, "mixup": {}}', STEP),
    ("combinations.both[1].dropout.hidden_rate", 1, "1", SHARE),
    ("combinations.l1", [{"mixup": {}}], "a name that regularizers has already", "a name of its own"),
    ("evaluation.confidence", 1, "1", "a number above 0 and below 1"),
    ("tracking.uri", 5000, "5000", "text, not empty, or null"),
    ("tracking.experiment", "", '""', "text, not empty"),
    ("processes", 0, "0", f"{WHOLE} 1,024, or null"),
    ("trainings", {}, "an unknown section", f"{', '.join(SECTIONS)}; did you mean training?"),
]


@pytest.mark.parametrize(("key", "value", "found", "allowed"), BAD, ids=lambda part: str(part)[:40])
def test_a_bad_value_is_reported_in_one_line_with_key_found_and_allowed(tmp_path, key, value, found, allowed):
    assert problems(tmp_path, changed((key, value))) == (f"params.yaml: {key}: found {found}; allowed: {allowed}",)


@pytest.mark.parametrize("uri", ["http://me:hush0@host", "postgresql://me:hush0@db/x", "http://host?token=hush0"])
def test_a_password_in_params_yaml_is_refused_and_not_repeated(tmp_path, uri):
    [line] = problems(tmp_path, changed(("tracking.uri", uri)))
    assert line.startswith("params.yaml: tracking.uri: found a password or a token") and "MLFLOW_TRACKING_URI" in line
    [other] = problems(tmp_path, changed(("tracking", uri)))
    assert "hush0" not in line + other
    assert read(tmp_path, changed(("tracking.uri", "postgresql://me@db/x"))).tracking.uri == "postgresql://me@db/x"


def test_a_combination_names_each_technique_once_and_only_what_exists(tmp_path):
    [line] = problems(tmp_path, changed(("combinations.both[1]", {"l1": {}})))
    expected = "found a technique that the list has already; allowed: each technique once"
    assert line == f"params.yaml: combinations.both[1].l1: {expected}"
    [line] = problems(tmp_path, changed(("combinations.both[1]", {"dropuot": {}})))
    assert line.startswith(f"params.yaml: combinations.both[1].dropuot: found an unknown name; allowed: {TECHNIQUES}")
    assert line.endswith("; did you mean dropout?")


@pytest.mark.parametrize("name", ["a b", "A", "a-b", "a.b", "a/b", "", "ä", "a" * 81])
def test_the_name_of_a_combination_fits_a_folder_and_a_stage(tmp_path, name):
    given = changed(("combinations", {name: SMALL["combinations"]["both"]}))
    [line] = problems(tmp_path, given)
    assert line.startswith("params.yaml: combinations.") and "allowed: lower-case letters, digits and _" in line


@pytest.mark.parametrize(
    ("setting", "value", "allowed"),
    [
        ("epsilons", [0.1, 0.05], "numbers that rise"),
        ("epsilons", [0.1, 0.1], "numbers that rise"),
        ("epsilons", [0.0], "a list, each item a number above 0, not empty"),
        ("epsilons", [], "a list, each item a number above 0, not empty"),
        ("epsilons", [0.1] * 101, "at most 100 entries"),
        ("norm", "l1", "one of: linf, l2"),
        ("seeds", 4, "at most 3, the seeds that are trained"),
    ],
)
def test_an_impossible_attack_is_reported_in_a_line(tmp_path, setting, value, allowed):
    attack = {"examples": 60, "seeds": 3}
    assert read(tmp_path, changed(("attacks", {"regularizers": attack}))).attacks["regularizers"].epsilons[-1] == 0.1
    [line] = problems(tmp_path, changed(("attacks", {"regularizers": attack | {setting: value}})))
    assert line.startswith(f"params.yaml: attacks.regularizers.{setting}: found ") and allowed in line


def test_only_a_family_of_recipes_is_attacked(tmp_path):
    [line] = problems(tmp_path, changed(("attacks", {"regularizer": {}})))
    assert line.endswith("allowed: one of: regularizers, combinations, ensembles, transfer; did you mean regularizers?")
    loaded = read(tmp_path, changed(("attacks", {"combinations": {"examples": 10}})))
    assert ("attacks", "combinations") in loaded.expected()


def test_a_topic_may_bear_the_name_of_a_technique(tmp_path):
    name = "early_stopping"
    varied = [
        ("tuned", {}),
        ("sweeps", {}),
        ("cocktails", {}),
        ("regimes.recipes", []),
        ("comparisons", {}),
        ("claims", {}),
    ]
    loaded = read(tmp_path, changed(("regularizers", {"none": {}, name: {}}), ("theory", {name: {}}), *varied))
    assert [entry for entry in loaded.expected() if entry[1] == name] == [("regularizers", name), ("theory", name)]


def test_all_problems_are_reported_at_once(tmp_path):
    text = SMALL_TEXT.replace("digits", "digit").replace("test_size: 60", "test_size: 0").replace("none: {}, ", "")
    text = text.replace("sgd", "&a adam").replace("mine", "2024-01-01").replace("processes: 2", "processes: *a")
    keys = sorted(line.split(": ")[1] for line in problems(tmp_path, text.replace("\nseeds", "\nseed")))
    of_text, of_values = ["training.optimizer", "tracking.experiment", "processes"], ["data.name", "data.test_size"]
    assert keys == sorted([*of_text, *of_values, "regularizers.none", "seed"])


@pytest.mark.parametrize(
    ("training", "line"),
    [
        (
            "epochs: 2, optimizer: adam, learning_rate: 0.1, momentum: 0.9, nesterov: true",
            "training.nesterov: found true with optimizer: adam; allowed: nesterov: false, or optimizer: sgd with a "
            "momentum above 0",
        ),
        (
            "epochs: 2, optimizer: sgd, learning_rate: 0.1, nesterov: true",
            "training.nesterov: found true with momentum: 0; allowed: nesterov: false, or a momentum above 0, such as 0.9",
        ),
        (
            "epochs: 2, optimizer: sgd, learning_rate: 0.1, warmup_epochs: 2",
            "training.warmup_epochs: found 2; allowed: less than 2, the training.epochs",
        ),
        (
            "epochs: 2, optimizer: sgd, learning_rate: 0.1, batch_size: 5, trainer: {devices: 3, num_nodes: 2}",
            "training.trainer: found 6 processes; allowed: devices x num_nodes of at most 5, the training.batch_size, "
            "of which each has a share",
        ),
        (
            "epochs: 2, optimizer: sgd, learning_rate: 0.1, trainer: {devices: 2, strategy: dpp}",
            'training.trainer.strategy: found "dpp"; allowed: one of: auto, ddp, '
            "ddp_find_unused_parameters_true; did you mean ddp?",
        ),
    ],
)
def test_settings_of_a_training_that_contradict_each_other_are_refused(tmp_path, training, line):
    old = "epochs: 2, optimizer: sgd, learning_rate: 0.1, momentum: 0.9"
    assert problems(tmp_path, SMALL_TEXT.replace(old, training)) == (f"params.yaml: {line}",)
    allowed = f"{old}, nesterov: true, schedule: cosine, warmup_epochs: 1.5"
    assert read(tmp_path, SMALL_TEXT.replace(old, allowed)).training.warmup_epochs == 1.5


@pytest.mark.parametrize(
    ("metric", "relevant", "allowed"),
    [
        ("auroc", 200, "less than 1, for auroc is 0 to 1"),
        ("brier", 2, "less than 2, for brier is 0 to 2"),
        ("r2", 2000, "less than 1, for r2 is -inf to 1"),
        ("rmse", 2000, None),
        ("nll", 3, None),
    ],
)
def test_what_is_relevant_of_a_metric_is_less_than_its_range(tmp_path, metric, relevant, allowed):
    given = PLAIN.load(SMALL_TEXT) | {"evaluation": {"metric": metric, "relevant_difference": relevant}}
    start = f"params.yaml: evaluation.relevant_difference: found {relevant}; allowed: "
    if allowed:
        assert problems(tmp_path, given) == (start + allowed,)
    else:
        assert read(tmp_path, given).evaluation.relevant_difference == relevant


@pytest.mark.parametrize(("metric", "refused"), [("r2", ["validation_size", "test_size"]), ("rmse", [])])
def test_the_share_of_the_variance_needs_two_examples_in_a_part(tmp_path, metric, refused):
    given = PLAIN.load(SMALL_TEXT)
    given["data"] |= {"validation_size": 1, "test_size": 1}
    given["evaluation"] = {"metric": metric}
    lines = problems(tmp_path, given) if refused else ()
    assert lines == tuple(
        f"params.yaml: data.{key}: found 1 with evaluation.metric: r2, which one example does not have; allowed: 2 or more"
        for key in refused
    )


def test_a_warm_up_ends_before_the_training_of_a_booster_does(tmp_path):
    given = PLAIN.load(SMALL_TEXT)
    given["training"] |= {"epochs": 20, "warmup_epochs": 5}
    given["ensembles"] = {"boosting": {"epochs": 4}}
    [line] = problems(tmp_path, given)
    assert line == "params.yaml: training.warmup_epochs: found 5; allowed: less than 4, the ensembles.boosting.epochs"


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("seeds: 3", "seeds: *a", "seeds"),
        ("epochs: 2", "epochs: [*a]", "training.epochs[0]"),
        ("seeds: 3", "seeds: 3\nseeds: 4", "seeds"),
        ("digits", "*a", "data.name"),
        ("train_size: 100", "train_size: !!int 100", "data.train_size"),
        ("{name: mlp, width: 8, depth: 1}", "*a", "model"),
        ("momentum: 0.9", "momentum: .nan", "training.momentum"),
        ("{none: {}", "{none: 2024-01-01", "regularizers.none"),
        ("{none", "{<<: {}, none", "regularizers"),
        ("[l1: {strength: 1}, dropout: {}]", "[l1: {strength: '${seeds}'}]", "combinations.both[0].l1.strength"),
        ("dropout: {}]", "3: {}]", "combinations.both[1]"),
        ("dropout: {}]", "*a]", "combinations.both[1]"),
        ("theory: {}", "theory: &a {}", "theory"),
    ],
)
def test_a_problem_of_the_text_is_reported_once(tmp_path, old, new, key):
    assert old in SMALL_TEXT
    [line] = problems(tmp_path, SMALL_TEXT.replace(old, new))
    assert line.startswith(f"params.yaml: {key}: found ") and ", in line " in line and "; allowed: " in line


def test_recipes_and_entries_are_looked_up_and_the_nearest_name_is_suggested(tmp_path):
    loaded = read(tmp_path, SMALL)
    assert loaded.recipe("l1") == ("regularizers", (loaded.regularizers["l1"],))
    assert loaded.recipe("both") == ("combinations", loaded.combinations["both"])
    assert loaded.entry("baselines", "logistic_regression") is loaded.baselines["logistic_regression"]
    for call in (
        lambda: loaded.recipe("dropuot"),
        lambda: loaded.entry("regularizers", "dropuot"),
        lambda: registry.find("regularizers", "dropuot"),
    ):
        with pytest.raises(UserError) as error:
            call()
        [line] = error.value.lines
        assert 'found "dropuot"; allowed: ' in line and line.endswith("; did you mean dropout?")


def test_shared_settings_and_expected_records(tmp_path):
    loaded = read(tmp_path, SMALL)
    assert loaded.shared() == {
        "data": SMALL["data"] | {"test_set": "resampled", "split": "random", "folds": None},
        "model": {"name": "mlp"}
        | asdict(registry.find("models", "mlp")(**{name: SMALL["model"][name] for name in ("width", "depth")})),
        "training": {name: value for name, value in asdict(Training(**SMALL["training"])).items() if name != "trainer"},
    }
    families = ["baselines", "regularizers", "combinations", "augmentation", "pretraining", "transfer"]
    families += ["tuned", "sweeps", "cocktails"]
    of_lists = [(family, name) for family in ("regimes", "variance_sources") for name in SMALL[family]["recipes"]]
    assert loaded.expected() == [(family, name) for family in families for name in SMALL[family]] + of_lists
    values = plain.settings(loaded.combinations["both"])
    assert values == [
        {"l1": asdict(registry.find("regularizers", "l1")(strength=1.0))},
        {"dropout": values[1]["dropout"]},
    ]


def test_a_family_more_is_one_row(tmp_path):
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    folder = tmp_path / "src" / "reglab" / "experiments" / "references"
    folder.mkdir()
    row = (folder.parent / "baselines" / "__init__.py").read_text("utf-8")
    for old, new in (('section="baselines"', 'section="references"'), ('stage="baseline"', 'stage="reference"')):
        row = row.replace(old, new)
    (folder / "__init__.py").write_text(row.replace("order=10", "order=1"), encoding="utf-8")

    entries = {"params.yaml": {"logistic_regression": {"C": 3}}, "misspelt.yaml": {"logistic_regresion": {}}}
    for name, references in entries.items():
        with open(tmp_path / name, "w", encoding="utf-8") as file:
            YAML(typ="safe", pure=True).dump(changed(("baselines", {}), ("references", references)), file)
    script = (
        "from reglab.config import params; own = params.load(); print(own.references, own.expected()[0]); "
        "params.load('misspelt.yaml')"
    )
    path = {"PYTHONPATH": str(tmp_path / "src")}
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=path, capture_output=True, text=True)
    assert done.stdout.split("} ") == [
        "{'logistic_regression': LogisticRegression(C=3.0)",
        "('references', 'logistic_regression')\n",
    ]
    assert "did you mean logistic_regression?" in done.stderr


def test_what_is_searched_is_searched_with_one_budget_and_over_settings_that_there_are(tmp_path):
    expected = {
        "sweeps.dropout": ("sweeps", {"l1": {"strength": [1, 2]}, "dropout": {"hidden_rate": [0.1]}}),
        "sweeps.l2": ("sweeps", {"l2": {"strength": [1.0]}}),
        "sweeps.l1.strenght": ("sweeps", {"l1": {"strenght": [1.0]}}),
        "sweeps.l1.strength": ("sweeps", {"l1": {"strength": [1.0, -1.0]}}),
        "sweeps.l1": ("sweeps", {"l1": {"strength": 1.0}}),
        "cocktails.two.ingredients.l1.strength": ("cocktails.two.ingredients", {"l1": {"strength": [2.0, 1.0]}}),
        "cocktails.two.ingredients.l1.rate": ("cocktails.two.ingredients", {"l1": {"rate": [0.0, 1.0]}}),
        "cocktails.two.ingredients.l2": ("cocktails.two.ingredients", {"l2": {}}),
        "cocktails.two.trials": ("cocktails.two.trials", 1),
        "tuning.seeds": ("tuning.seeds", 4),
        "regimes.recipes": ("regimes.recipes", ["l1"]),
        "regimes.recipes[1]": ("regimes.recipes", ["none", "l2"]),
        "regimes.width": ("regimes.width", [8, 4]),
        "variance_sources.recipes[0]": ("variance_sources.recipes", ["nothing"]),
    }
    for key, change in expected.items():
        lines = problems(tmp_path, changed(change))
        assert len(lines) == 1 and lines[0].startswith(f"params.yaml: {key}: found "), (key, lines)


@pytest.mark.parametrize(
    ("key", "change", "found", "allowed"),
    [
        ("tuning.settings", ("tuning.settings", 1), "1", "a whole number from 2 to 10,000"),
        ("tuning.seeds", ("tuning.seeds", 4), "4", "at most 3, the seeds that are trained"),
        ("tuning.learning_rate", ("tuning.learning_rate", [0.1, 0.01]), "[0.1, 0.01]", "two numbers, the lower first"),
        ("tuning.learning_rate", ("tuning.learning_rate", [0, 0.1]), "[0, 0.1]", "a list of 2, each item a number above 0"),
        ("tuned.none", ("tuned", {"l1": {}}), "no such entry", "none: {}, with which every tuned recipe is compared"),
        ("tuned.l1.strength", ("tuned.l1", {"strength": [1.0, 0.1]}), "[1.0, 0.1]", "two numbers, the lower first"),
        ("tuned.l1.strength", ("tuned.l1", {"strength": [0.1, 0.1]}), "[0.1, 0.1]", "two numbers, the lower first, or words"),
        ("tuned.l1.strength", ("tuned.l1", {"strength": [0.1, 0.2, 0.3]}), "[0.1, 0.2, 0.3]", "two numbers, the lower first"),
        ("tuned.l1.strength", ("tuned.l1", {"strength": 0.1}), "0.1", "two numbers, the lower first, or words"),
        ("tuned.l1.strength", ("tuned.l1", {"strength": [-1.0, 0.1]}), "-1.0", "a number of at least 0"),
        ("tuned.l1.strenght", ("tuned.l1", {"strenght": [0.1, 1.0]}), "an unknown setting", "one of: strength, step"),
        ("tuned.l1.step", ("tuned.l1", {"step": [0.1, 1.0]}), "0.1", "one of: proximal, subgradient"),
        ("tuned.l1.step", ("tuned.l1", {"step": ["proximal", "newton"]}), '"newton"', "one of: proximal, subgradient"),
        ("tuned.l1", ("tuned.l1", 3), "3", "settings with their ranges, such as {strength: [0.001, 0.1]}, or {}"),
        ("tuned.l2", ("tuned", {"none": {}, "l2": {}}), '"l2"', "one of: none, dropout, l1, weight_decay"),
        ("tuned", ("tuned", [1]), "[1]", "a mapping"),
    ],
)  # fmt: skip
def test_what_cannot_be_tuned_is_one_line_with_its_key(tmp_path, key, change, found, allowed):
    [line] = problems(tmp_path, changed(change))
    assert line.startswith(f"params.yaml: {key}: found {found}; allowed: {allowed}"), line


NO_NETWORK = "one, such as {name: convnet, width: 16, depth: 2}, or recipes: []"


@pytest.mark.parametrize(
    ("key", "section", "found", "allowed"),
    [
        ("recipes", {"recipes": ["l1"], "model": {"name": "convnet"}}, "no none", "none among them"),
        ("recipes[1]", {"recipes": ["none", "l2"], "model": {"name": "convnet"}}, '"l2"', "one of: none, l1"),
        ("model", {"recipes": ["none", "l1"]}, "no network", NO_NETWORK),
        ("model", {"recipes": ["none", "l1"], "model": None}, "no network", NO_NETWORK),
        ("model", {"recipes": ["none", "l1"], "model": "convnet"}, '"convnet"', "a mapping of a name"),
        ("model.name", {"recipes": [], "model": {"name": "convnett"}}, '"convnett"', "one of: convnet, mlp, resnet"),
        ("model.width", {"recipes": [], "model": {"name": "mlp", "width": 0}}, "0", "a whole number from 1"),
    ],
)  # fmt: skip
def test_another_network_that_cannot_be_tuned_is_one_line_with_its_key(tmp_path, key, section, found, allowed):
    [line] = problems(tmp_path, changed(("tuned_other_network", section)))
    assert line.startswith(f"params.yaml: tuned_other_network.{key}: found {found}; allowed: {allowed}"), line


def test_the_network_of_an_entry_is_that_of_its_section_where_there_is_one(tmp_path):
    loaded = read(tmp_path, changed(("tuned_other_network", {"recipes": ["none"], "model": {"name": "convnet"}})))
    assert loaded.model_of("tuned_other_network") == ConvNet() and loaded.model_of("tuned_clean") is loaded.model


def test_a_technique_that_chooses_the_epoch_is_not_tuned_since_all_tuned_recipes_do(tmp_path):
    given = changed(("regularizers.early_stopping", {}), ("tuned.early_stopping", {"patience": [1, 9]}))
    [line] = problems(tmp_path, given)
    assert line == (
        "params.yaml: tuned.early_stopping: found a technique that chooses the epoch, which every tuned recipe does anyway; "
        "allowed: no tuned.early_stopping, for it would be tuned.none"
    )


def test_ranges_are_read_in_the_type_of_the_setting_and_words_are_choices(tmp_path):
    loaded = read(
        tmp_path, changed(("tuned.l1", {"strength": [0, 1], "step": ["subgradient", "proximal"]}), ("tuned.none", None))
    )
    assert loaded.tuned["l1"] == {"strength": (0.0, 1.0), "step": ("subgradient", "proximal")}
    assert loaded.tuned["none"] == {} and list(map(type, loaded.tuned["l1"]["strength"])) == [float, float]


def test_all_that_is_wrong_with_the_tuning_is_said_at_once(tmp_path):
    given = changed(("tuning.settings", 1), ("tuned.l1", {"strength": [2, 1]}), ("tuned.dropout", {"rate": [0, 1]}))
    keys = [line.split(": ")[1] for line in problems(tmp_path, given)]
    assert sorted(keys) == ["tuned.dropout.rate", "tuned.l1.strength", "tuning.settings"]


def test_a_grid_holds_every_combination_the_last_setting_varying_fastest(tmp_path):
    given = {"dropout": {"input_rate": [0, 0.2], "hidden_rate": [0.1, 0.3]}}
    grid = read(tmp_path, changed(("sweeps", given))).sweeps["dropout"]
    tried = [(point["input_rate"], point["hidden_rate"]) for point in points(grid)]
    assert tried == [(0.0, 0.1), (0.0, 0.3), (0.2, 0.1), (0.2, 0.3)]


@pytest.mark.parametrize("family", registry.BASES)
def test_every_file_of_a_family_is_found_by_its_name_and_describes_itself(family):
    for name in registry.names(family):
        kind, described = registry.find(family, name), entries.describe(family, name)
        assert kind.__module__ == f"reglab.{registry.FOLDERS[family].replace('/', '.')}.{name}"
        assert described["summary"].endswith(".") and "\n" not in described["summary"]
        assert described["settings"].keys() == {each.name for each in fields(kind)}
    assert not {"base", "__init__", "parameters"} & set(registry.names(family))


def test_a_description_says_what_is_allowed_and_the_default():
    described = entries.describe("regularizers", "l1")
    assert described["summary"].startswith("L1 regularization: the sum of absolute weights")
    default = registry.find("regularizers", "l1")()
    assert described["settings"]["strength"] == f"a number of at least 0; default {default.strength}"
    assert described["settings"]["step"] == f"one of: proximal, subgradient; default {default.step}"


def test_importing_params_imports_nothing_heavy():
    code = "import sys, reglab.config.params; print({'torch', 'mlflow', 'sklearn', 'matplotlib', 'scipy'} & set(sys.modules))"
    path = {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([sys.executable, "-c", code], env=path, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seeds", 1_000_000),
        ("processes", 1_000_000),
        ("data.train_size", 10**12),
        ("training.epochs", 10**9),
        ("training.batch_size", 10**9),
        ("model.width", 10**9),
        ("model.depth", 10**6),
        ("regularizers.dropout", {"masks": 10**9}),
    ],
)
def test_a_number_beyond_reason_is_one_line_with_its_bound(tmp_path, key, value):
    [line] = problems(tmp_path, changed((key, value)))
    assert line.startswith(f"params.yaml: {key}") and f"found {json.dumps(value).strip('{}').split(': ')[-1]}" in line
    assert re.search(r"; allowed: a whole number from [12] to [0-9,]+", line)


def test_a_grid_of_a_billion_settings_is_counted_and_not_made(tmp_path):
    rates = [number / 1000 for number in range(1000)]
    grid = {"input_rate": rates, "hidden_rate": rates, "masks": list(range(1, 1001))}
    [line] = problems(tmp_path, changed(("sweeps", {"dropout": grid})))
    assert (
        line
        == "params.yaml: sweeps.dropout: found 1,000,000,000 settings to try; allowed: at most 1,000, so shorter lists"
    )
