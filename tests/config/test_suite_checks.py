"""The suite's bad input: a line each, all at once; what the records of a data set depend on."""

import json
import subprocess
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from reglab import cli
from reglab.config import params, profiles, suite_checks, suite_digests, suite_sets
from reglab.config.usable_examples import loaded
from reglab.core.errors import UserError
from reglab.data import prepared, tensor_files
from reglab.experiments.suite.run import run_set

ROOT = Path(__file__).parent.parent.parent
CLAIM = {"says": "it helps", "over": "suite", "recipe": "dropout", "versus": "none", "direction": "helps"}
SMALL = {"train_size": 60, "validation_size": 20, "test_size": 20, "label_noise": 0.0}
HEAD = {"delimiter": ",", "decimal": ".", "encoding": "utf-8", **SMALL}


def table(root: Path, name: str, rows: np.ndarray, numeric: bool = False) -> None:
    """A profile of a table of two numbers with a target: a class, or an amount where it is `numeric`."""
    (root / "data/source").mkdir(parents=True, exist_ok=True)
    lines = [f"{a:.6f},{b:.6f},{a if numeric else int(a > 0)}" for a, b in rows]
    (root / f"data/source/{name}.csv").write_text("\n".join(["a,b,target", *lines]) + "\n", "utf-8")
    target = {"kind": "numeric"} if numeric else {"kind": "categorical", "levels": ["0", "1"]}
    columns = {"a": {"kind": "numeric"}, "b": {"kind": "numeric"}, "target": target}
    data = {"name": "table", "file": f"data/source/{name}.csv", "target": "target", "columns": columns} | HEAD
    profile = {"data": data, "claims": {}} | ({"evaluation": {"metric": "rmse"}} if numeric else {})
    for section in ("pretraining", "transfer", "semi_supervised", "multitask", "theory", "attacks", "regimes"):
        profile[section] = {}
    (root / "profiles").mkdir(exist_ok=True)
    with open(root / f"profiles/{name}.yaml", "w", encoding="utf-8") as file:
        YAML().dump(profile, file)


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A checkout whose suite has the data sets one and two."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for name in ("one", "two"):
        table(tmp_path, name, random.normal(size=(100, 2)))
    edit(tmp_path, sets=["one", "two"], recipes=["none", "dropout"], cocktails=[])
    return tmp_path


def edit(root: Path, claims: dict | None = None, **changes) -> None:
    """Change the section `suite`, and the claims where some are given; those of the lecture are left out."""
    source = root / "params.yaml" if (root / "params.yaml").exists() else ROOT / "params.yaml"
    settings = YAML(typ="safe").load(source)
    settings["suite"] |= {"baselines": {}} | changes
    settings["claims"] = claims or {}
    with open(root / "params.yaml", "w", encoding="utf-8") as file:
        YAML().dump(settings, file)


def lines(root: Path) -> list[str]:
    with pytest.raises(UserError) as refused:
        suite_checks.check(root, params.load(root / "params.yaml").suite)
    return refused.value.lines


def test_a_good_suite_has_no_problem(root):
    sets = suite_checks.check(root, params.load("params.yaml").suite)
    assert list(sets) == ["one", "two"]
    assert {each.seeds for each in sets.values()} == {6} and {each.model.width for each in sets.values()} == {64}


def test_what_contradicts_itself_is_reported_all_at_once(root):
    edit(
        root,
        sets=["one", "one"],
        recipes=["dropout", "dropuot"],
        search_seeds=9,
        baselines={"gradient_boosting": {"max_iter": [100, 20], "depth": [1, 2]}},
    )
    with pytest.raises(UserError) as refused:
        params.load("params.yaml")
    text = str(refused.value)
    for part in (
        "suite.sets: found one, named 2 times; allowed: each data set once",
        "suite.sets: found [one, one]; allowed: at least two data sets",
        "suite.recipes: found no none; allowed: none among them",
        "suite.search_seeds: found 9; allowed: at most 6",
        "did you mean dropout?",
        "suite.baselines.gradient_boosting.max_iter: found [100, 20]; allowed: two numbers, the lower first",
        "suite.baselines.gradient_boosting.depth: found depth",
    ):
        assert part in text.replace('"', ""), f"{part}\n\n{text}"


def test_claims_over_the_suite_stand_in_claims_and_are_checked_against_its_recipes_and_data_sets(root):
    lecture = {"says": "it helps", "lecture": "dropout", "recipe": "dropout", "versus": "none", "direction": "higher"}
    edit(root, {"here": lecture, "there": CLAIM | {"sets": ["two"], "metric": "nll"}})
    settings = params.load("params.yaml")
    assert (list(settings.claims), list(settings.suite_claims)) == (["here"], ["there"])
    bad = {
        "one": CLAIM | {"over": "suit"},
        "two": CLAIM | {"recipe": "mixup"},
        "three": CLAIM | {"sets": ["one", "other"]},
        "four": CLAIM | {"metric": "nil"},
        "five": CLAIM | {"recipe": "none"},
        "six": CLAIM | {"direction": "higher"},
    }
    edit(root, bad)
    with pytest.raises(UserError) as refused:
        params.load("params.yaml")
    for part in (
        'claims.one.over: found "suit"; allowed: one of: suite',
        'claims.two.recipe: found "mixup"; allowed: a recipe of the suite: none, dropout',
        'claims.three.sets: found "other"; allowed: data sets of the suite: one, two',
        'claims.four.metric: found "nil"; allowed: ',
        "claims.five.versus: found none, the recipe itself; allowed: another recipe of the suite",
        'claims.six.direction: found "higher"; allowed: one of: helps, hurts',
    ):
        assert any(part in line for line in refused.value.lines), f"{part}\n\n{refused.value}"
    assert len(refused.value.lines) == 6


def test_without_data_sets_nothing_is_claimed_over_them(root):
    edit(root, {"there": CLAIM | {"sets": ["two"]}}, sets=[])
    assert params.load("params.yaml").suite.sets == ()


def test_a_smaller_study_without_a_suite_has_no_claims_over_it(root):
    edit(root, {"there": CLAIM})
    settings = YAML(typ="safe").load(root / "params.yaml")
    settings["profiles"] = {"other": {"seeds": 5}}
    with open(root / "params.yaml", "w", encoding="utf-8") as file:
        YAML().dump(settings, file)
    assert profiles.load(root, "other").suite_claims == {}
    assert profiles.load(root, None, ["dropout"]).suite_claims == {}


def test_a_data_set_that_is_no_profile_is_reported(root):
    edit(root, sets=["one", "three"])
    [line] = lines(root)
    assert line == 'params.yaml: suite.sets: found "three"; allowed: one, quick, two'


def test_a_recipe_that_applies_to_none_of_the_data_sets_is_reported(root):
    edit(root, recipes=["none", "affine"])
    [line] = lines(root)
    assert line.startswith("params.yaml: suite: found affine, which is applicable to none of the data sets")
    table(root, "two", np.random.default_rng(1).normal(size=(100, 2)), numeric=True)
    edit(root, recipes=["none", "label_smoothing"])
    suite_checks.check(root, params.load("params.yaml").suite)  # one has classes


def test_two_data_sets_that_share_rows_are_reported(root):
    rows = np.random.default_rng(0).normal(size=(100, 2))
    table(root, "two", np.concatenate([rows[:50], rows[:50] + 9]))
    [line] = lines(root)
    assert line.startswith("params.yaml: suite.sets: found one and two, which share rows (50% of the smaller)")


def levelled(root: Path, name: str, rows: list[tuple[str, ...]], columns: tuple[str, ...], **data) -> None:
    """A profile of a table of levels, the target last."""
    (root / f"data/source/{name}.csv").write_text("\n".join(map(",".join, [columns, *rows])) + "\n", "utf-8")
    levels = {
        column: {"kind": "categorical", "levels": sorted({row[place] for row in rows})}
        for place, column in enumerate(columns)
    }
    source = {"file": f"data/source/{name}.csv", "target": columns[-1], "columns": levels} | data
    write_profile(root, name, {"data": {"name": "table"} | source | HEAD})


def write_profile(root: Path, name: str, profile: dict) -> None:
    """A profile without the sections of few examples."""
    for section in (
        "claims",
        "pretraining",
        "transfer",
        "semi_supervised",
        "multitask",
        "theory",
        "attacks",
        "regimes",
    ):
        profile.setdefault(section, {})
    with open(root / f"profiles/{name}.yaml", "w", encoding="utf-8") as file:
        YAML().dump(profile, file)


def test_the_same_answers_to_other_questions_are_other_rows(root):
    random = np.random.default_rng(0)
    rows = [tuple(row) for row in random.choice(["never", "often"], size=(100, 4)).tolist()]
    levelled(root, "one", rows, ("drinks", "runs", "sleeps", "smokes"))
    levelled(root, "two", rows[::-1], ("urban", "student", "owner", "votes"))
    suite_checks.check(root, params.load("params.yaml").suite)
    levelled(root, "two", [(c, a, b, d) for a, b, c, d in rows], ("sleeps", "drinks", "runs", "smokes"))
    [line] = lines(root)
    assert "found one and two, which share rows (100% of the smaller)" in line, "columns in another order"


def test_rows_are_shared_whatever_the_levels_of_the_rest_of_their_table(root):
    """A level has another number where the profile lists others before it."""
    rows = [(letter, f"n{number}", ("bad", "good")[number % 2]) for number in range(50) for letter in "bc"]
    more = [("a", f"n{number}", ("bad", "good")[number % 2]) for number in range(50)]
    levelled(root, "one", rows, ("letter", "number", "target"))
    levelled(root, "two", more + rows[:50], ("letter", "number", "target"))
    [line] = lines(root)
    assert "found one and two, which share rows (50% of the smaller)" in line


def test_texts_are_shared_whatever_the_words_of_the_others(root):
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice([f"word{number}" for number in range(200)], 12)) for _ in range(150)]
    for name, chosen, ngrams in (("one", texts[:100], 1), ("two", ["another beginning", *texts[50:149]], 2)):
        content = "\n".join(["text,topic", *(f"{text},{place % 2}" for place, text in enumerate(chosen))])
        (root / f"data/source/{name}.csv").write_text(content + "\n", "utf-8")
        file = {"name": "texts", "file": f"data/source/{name}.csv", "text": "text", "target": "topic", "ngrams": ngrams}
        write_profile(root, name, {"data": file | SMALL})
    [line] = lines(root)
    assert "found one and two, which share rows (50% of the smaller)" in line


def test_settings_that_the_data_of_a_set_cannot_have_are_reported_at_its_profile(root):
    for name, more in (
        ("one", {"evaluation": {"metric": "rmse"}}),
        ("two", {"model": {"name": "convnet", "width": 4, "depth": 1}}),
    ):
        profile = root / f"profiles/{name}.yaml"
        write_profile(root, name, YAML(typ="safe").load(profile) | more)
    metric, network = lines(root)
    assert metric.startswith("profiles/one.yaml: evaluation.metric: found rmse, for regression, and targets that are")
    assert network.startswith(
        "profiles/two.yaml: model.name: found convnet, which needs images; examples are rows of 2"
    )


def test_a_source_of_the_users_own_that_fails_is_left_to_its_stage_which_says_why(root, monkeypatch):
    (root / "broken_source.py").write_text("def load():\n    raise KeyError('no such column')\n", "utf-8")
    monkeypatch.syspath_prepend(root)
    write_profile(root, "two", {"data": {"name": "broken_source.load"} | SMALL})
    suite = params.load("params.yaml").suite
    sets = suite_checks.check(root, suite)
    monkeypatch.setenv("DVC_ROOT", str(root))
    place = profiles.where(root, "two")
    failed = run_set(sets["two"], suite, "two", {}, root / "out", lambda section, recipe: "", place, load=loaded)
    assert failed.startswith("broken_source.load(): found an error (KeyError: 'no such column'); allowed: a pair of")


def test_a_data_set_that_cannot_be_read_is_left_to_its_stage(root):
    (root / "data/source/two.csv").write_text("x\n1\n", "utf-8")
    said: list[str] = []
    assert list(suite_checks.check(root, params.load("params.yaml").suite, said.append)) == ["one", "two"]
    [line] = said
    assert line.startswith("params.yaml: suite.sets: two will be left out: data/source/two.csv")


def test_a_data_set_that_cannot_be_split_is_described_with_the_reason_at_its_profile(root, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(root))
    table(root, "two", np.random.default_rng(1).normal(size=(70, 2)))
    suite = params.load("params.yaml").suite
    settings, place = suite_sets.load(root, "two", suite), profiles.where(root, "two")
    failed = run_set(settings, suite, "two", {}, root / "out", lambda section, recipe: "", place)
    assert failed.startswith(
        "profiles/two.yaml: data: train_size + validation_size + test_size = 100, but table has 70"
    )
    assert json.loads((root / "out/data_set.json").read_text(encoding="utf-8")) == {"name": "two", "failed": failed}


def test_inputs_that_stay_in_their_file_are_there_until_all_recipes_are_trained(root, monkeypatch):
    """The file is mapped: another process gets its place, and not its content."""
    (root / "large_source.py").write_text(
        "import numpy as np\n\n\ndef load():\n    inputs = np.random.default_rng(0).normal(size=(100, 6))\n"
        "    return inputs.astype(np.float32), (inputs[:, 0] > 0).astype(np.int64)\n",
        "utf-8",
    )
    monkeypatch.syspath_prepend(root)
    monkeypatch.setenv("DVC_ROOT", str(root))
    monkeypatch.setattr(prepared, "STORED", 2_000)  # bytes, of which the inputs have 2,400
    monkeypatch.setattr(tensor_files, "MAPPED", 2_000)
    write_profile(root, "two", {"data": {"name": "large_source.load"} | SMALL})
    edit(root, recipes=["none"], cocktails=[], seeds=3, search_seeds=1, settings=2, epochs=1, width=4)
    suite = params.load("params.yaml").suite
    settings = suite_sets.load(root, "two", suite)
    assert run_set(settings, suite, "two", {}, root / "out", lambda section, recipe: "", "") == ""
    record = json.loads((root / "out/none/record.json").read_text(encoding="utf-8"))
    assert [seed["status"] for seed in record["seeds"].values()] == ["finished"] * 3
    assert not any((root / ".reglab/suite/data").iterdir())


def test_the_records_of_a_data_set_depend_on_its_files_and_recipes_and_not_on_other_data_sets(root):
    def known(name):
        suite_sets.file_digest.cache_clear()
        suite = params.load("params.yaml").suite
        return suite_sets.depends_on(root, name, suite_sets.load(root, name, suite), suite)

    before = known("one")
    table(root, "three", np.random.default_rng(5).normal(size=(100, 2)))
    edit(root, sets=["one", "two", "three"])
    assert known("one") == before
    table(root, "one", np.random.default_rng(6).normal(size=(100, 2)))
    assert known("one")["files"] != before["files"]
    edit(root, recipes=["none", "dropout", "mixup"])
    more = known("one")
    assert list(more["recipes"]["tuned"]) == ["none", "dropout", "mixup"]
    edit(root, {"there": CLAIM})
    assert known("one") == more


def test_the_digest_of_a_data_set_changes_with_its_profile_and_its_files_and_with_nothing_else(root):
    def noted() -> dict[str, str]:
        (root / "suite").mkdir(exist_ok=True)
        suite_sets.file_digest.cache_clear()  # which a process has for itself
        assert suite_digests.targets(root) == ["suite/dvc.yaml"]
        return json.loads((root / suite_digests.FILE).read_text(encoding="utf-8"))["sets"]

    before = noted()
    edit(root, seeds=3)
    assert noted() == before and list(before) == ["one", "two"]
    table(root, "one", np.random.default_rng(6).normal(size=(100, 2)))
    after = noted()
    assert after["one"] != before["one"] and after["two"] == before["two"]
    profile = root / "profiles/two.yaml"
    profile.write_text(profile.read_text(encoding="utf-8") + "training: {epochs: 3}\n", encoding="utf-8")
    assert noted() == {"one": after["one"], "two": noted()["two"]} and noted()["two"] != after["two"]
    (root / "data/source/one.csv").unlink()  # its stage says that the file is missing
    assert noted()["one"] not in (before["one"], after["one"])


def test_data_sets_that_dvc_has_no_stages_for_are_reported_by_the_pipeline(root):
    (root / "suite").mkdir()
    suite_digests.targets(root)
    suite_digests.check_listed(root, ("two", "one"))
    with pytest.raises(UserError, match=r"found one, two, where params.yaml has one, two, three; allowed: the same"):
        suite_digests.check_listed(root, ("one", "two", "three"))


def test_own_data_is_what_no_package_ships(root):
    suite = params.load("params.yaml").suite
    for name in ("segment", "digits_clean"):
        (root / f"profiles/{name}.yaml").write_bytes((ROOT / f"profiles/{name}.yaml").read_bytes())
    assert suite_sets.own_sets(root, replace(suite, sets=("one", "segment", "digits_clean"))) == ["one"]


def test_a_smaller_study_has_the_suite_that_its_profile_names_with_profiles_and_files(root):
    for command in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *command], cwd=root, check=True)
    settings = YAML(typ="safe").load(root / "params.yaml")
    settings["profiles"] = {"small": {"suite": {"seeds": 3}}, "other": {"seeds": 5}}
    with open(root / "params.yaml", "w", encoding="utf-8") as file:
        YAML().dump(settings, file)
    folder = profiles.prepare(root, "small")
    suite = params.load(folder / "params.yaml").suite
    assert (suite.sets, suite.seeds) == (("one", "two"), 3)
    assert list(suite_checks.check(folder, suite)) == ["one", "two"]
    assert (folder / "data/source/one.csv").read_bytes() == (root / "data/source/one.csv").read_bytes()
    assert profiles.load(root, "other").suite.sets == ()


def test_a_smaller_suite_is_without_baselines_that_are_null_and_claims_about_what_it_has_not(root):
    claim = CLAIM
    settings = YAML(typ="safe").load(root / "params.yaml")
    settings["suite"] |= {"sets": ["one", "two", "three"], "recipes": ["none", "dropout", "mixup"]}
    settings["claims"] = {
        "kept": claim,
        "gone": claim | {"recipe": "mixup"},
        "there": claim | {"sets": ["three"]},
    }
    settings["profiles"] = {"small": {"suite": {"sets": ["one", "two"], "recipes": ["none", "dropout"]}}}
    settings["suite"]["baselines"] = {"ridge_regression": {}, "logistic_regression": {}}
    settings["profiles"]["small"]["suite"]["baselines"] = {"ridge_regression": None}
    with open(root / "params.yaml", "w", encoding="utf-8") as file:
        YAML().dump(settings, file)
    small = profiles.load(root, "small")
    assert list(small.suite_claims) == ["kept"] and list(small.suite.baselines) == ["logistic_regression"]
    assert not small.claims


def test_every_data_set_of_params_yaml_is_a_profile_and_no_two_share_rows(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    try:
        code = cli.check(Namespace(profile=None, only=[], data=False, suite=True))
    except UserError as error:
        code = str(error)
    said = capsys.readouterr()
    if "installs those of the shipped profiles" in f"{said.err}{code}":
        pytest.skip("the packages of the data sets are not installed; make installs them")
    assert code == 0 and "no problem found" in said.out, code
