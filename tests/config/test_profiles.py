import os
import shutil
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from reglab.config import data_checks, params, profiles, seed_counts
from reglab.core.errors import UserError
from reglab.core.outlines import outlines

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def root(tmp_path):
    """A checkout with this one's params.yaml and a file of each kind."""
    files = {
        "dvc.yaml": "stages: {}\n",
        "dvc.lock": "x",
        "looks.yaml": "x",
        ".gitignore": "/data/\n/profiles/\n",
        "tests/test_x.py": "",
    }
    files |= {"src/reglab/model.py": "one", "data/big": "x", "params.yaml": (ROOT / "params.yaml").read_text()}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    for command in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    edit(tmp_path, lambda all: all.update(profiles={"small": {"seeds": 5, "training": {"epochs": 3}}}))
    return tmp_path


def edit(root, change) -> None:
    settings = YAML(typ="safe").load(root / "params.yaml")
    change(settings)
    YAML().dump(settings, root / "params.yaml")


def held(folder) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_an_override_replaces_what_it_names_and_nothing_else(tmp_path):
    whole = {"seeds": 11, "training": {"epochs": 40, "rate": 0.1}, "list": [1, 2], "entry": None, "tracking": {}}
    override = {"training": {"epochs": 8}, "list": [3], "entry": {"size": 1}}
    wanted = {"seeds": 11, "training": {"epochs": 8, "rate": 0.1}, "list": [3], "entry": {"size": 1}}
    YAML().dump(whole | {"profiles": {"small": override}}, tmp_path / "params.yaml")
    merged = YAML(typ="safe").load(profiles.merged(tmp_path / "params.yaml", "small"))
    assert merged == wanted | {"profiles": {}, "tracking": {"uri": None}}


def test_the_settings_of_a_profile_are_those_of_the_study_with_its_own_merged_in(root):
    edit(root, lambda all: all["tracking"].update(uri="http://localhost:5000"))
    settings = profiles.load(root, "small")
    whole = YAML(typ="safe").load(root / "params.yaml")
    assert (settings.seeds, settings.training.epochs) == (5, 3)
    assert settings.training.batch_size == whole["training"]["batch_size"]
    assert settings.profiles == {} and settings.tracking.uri is None


def test_every_profile_of_params_yaml_is_without_fault():
    for name in YAML(typ="safe").load(ROOT / "params.yaml")["profiles"]:
        profiles.load(ROOT, name)


@pytest.mark.parametrize("name", ["breast_cancer", "digits_clean", "digits_full", "digits_robust", "documentation"])
def test_a_shipped_profile_of_no_package_has_no_problem(name):
    """tests/datasets has those of packages."""
    data_checks.check(profiles.load(ROOT, name))


@pytest.mark.parametrize(
    ("name", "recipe", "versus"),
    [
        ("digits_full", "affine", {"support_vector_machine", 0.992}),
        ("digits_robust", "adversarial_training", {"none", 0.985, 0.88}),
    ],
)
def test_a_seed_of_all_digits_is_a_fold_and_the_claims_are_about_them(name, recipe, versus):
    settings = profiles.load(ROOT, name)
    data = settings.data
    assert settings.seeds == data.folds == 10 and data.split == "k_fold" and data.label_noise == 0
    assert data.train_size + data.validation_size + data.test_size == 1797 - 1  # folds have 179 or 180 digits
    assert {claim.recipe for claim in settings.claims.values()} == {recipe}
    assert {claim.versus for claim in settings.claims.values()} == versus


def test_a_problem_is_reported_at_its_place_in_the_profile(root):
    edit(root, lambda all: all["profiles"]["small"].update(seeds=0, trainig={}))
    with pytest.raises(UserError) as raised:
        profiles.load(root, "small")
    first, second = sorted(raised.value.lines)
    assert first.startswith("params.yaml: profiles.small.seeds: found 0")
    assert second.startswith("params.yaml: profiles.small.trainig: found an unknown section")


def test_a_line_names_the_file_in_which_its_setting_is_written(root):
    (root / "profiles").mkdir()
    (root / "profiles" / "other.yaml").write_text("data: {train_size: 40}\ntraining: {epochs: 2}\n")
    other, whole = "profiles/other.yaml", "params.yaml"
    places = {"training.epochs": other, "training.momentum": whole, "seeds": whole, "text": whole}
    places |= {
        "data.train_size": other,
        "data.test_size": whole,
        "training.epoch": other,
    }  # in neither; it has the section
    lines = [f"params.yaml: {key}: found 0; allowed: 1" for key in places]
    placed = [line.split(": found")[0] for line in profiles.at_their_places(lines, "other", root)]
    assert placed == [f"{file}: {key}" for key, file in places.items()]
    assert profiles.at_their_places(lines, None, root) == lines


def test_a_line_about_the_data_of_a_profile_names_the_profile_also_where_params_yaml_has_such_a_setting(root):
    (root / "profiles").mkdir()
    (root / "profiles" / "other.yaml").write_text("data: {name: breast_cancer}\n")
    line = "params.yaml: data.train_size: found 0; allowed: 1"
    assert profiles.at_their_places([line], "other", root) == [
        "profiles/other.yaml: " + line.removeprefix("params.yaml: ")
    ]


def test_an_entry_that_is_null_in_a_profile_goes_with_what_refers_to_it(root):
    edit(root, lambda all: all["profiles"].update(small={"regularizers": {"dropout": None, "l1": {"strength": 0.5}}}))
    settings = profiles.load(root, "small")
    assert "dropout" not in settings.regularizers and settings.regularizers["l1"].strength == 0.5
    assert "dropout" not in settings.sweeps and "dropout" not in settings.regimes.recipes
    assert "dropout" not in settings.cocktails["stacked"].ingredients and "mixup" in settings.regularizers
    assert not any("dropout" in (claim.recipe, claim.versus) for claim in settings.claims.values())


@pytest.mark.parametrize(
    ("given", "key", "said"),
    [
        ({"small": None}, "profiles.small", "found null; allowed: a mapping of names to settings"),
        ({"small": 1}, "profiles.small", "found 1; allowed: a mapping of names to settings"),
        ({"small": {"trainig": {}}}, "profiles.small.trainig", 'found "trainig"; allowed: one of: data, seeds, '),
        ({"../small": {}}, 'profiles."../small"', 'found the name "../small"; allowed: lower-case letters'),
        (None, "profiles", "found null; allowed: a mapping of names to settings"),
    ],
    ids=str,
)
def test_a_profile_that_is_none_is_one_line_of_the_whole_study(root, given, key, said):
    edit(root, lambda all: all.update(profiles=given))
    with outlines(), pytest.raises(UserError) as raised:
        params.load(root / "params.yaml")
    [line] = raised.value.lines
    assert line.startswith(f"params.yaml: {key}: {said}")


def test_a_study_of_some_entries_lies_beside_the_whole_one_and_beside_the_profile(root):
    assert profiles.place(root, None, ["l1"]) == root / "profiles" / "only"
    assert profiles.place(root, "small", ["l1"]) == root / "profiles" / "small-only"
    folder = profiles.prepare(root, "small", ["l1"])
    made = YAML(typ="safe").load(folder / "params.yaml")
    assert list(made["regularizers"]) == ["none", "l1"] and made["seeds"] == 5 and made["ensembles"] == {}


def test_an_unknown_profile_is_a_users_mistake(root):
    with pytest.raises(UserError) as raised:
        profiles.load(root, "smal")
    assert str(raised.value).startswith('params.yaml: profiles: found "smal"; allowed: small')
    assert not (root / "profiles").exists()


def test_the_folder_holds_the_files_as_they_are_now_and_keeps_what_is_its_own(root):
    (root / "src" / "reglab" / "new.py").write_text("not known to git yet")
    folder = profiles.prepare(root, "small")
    wanted = {"dvc.yaml", ".gitignore", "looks.yaml", "params.yaml", "src/reglab/model.py", "src/reglab/new.py"}
    own = {".dvc/config.local", profiles.COPIED, profiles.WATCHED}
    assert held(folder) == wanted | own
    assert (folder / "looks.yaml").read_bytes() == seed_counts.NONE_YET
    (folder / "dvc.lock").write_text("own")
    (folder / "looks.yaml").write_text("own")
    before = (folder / "dvc.yaml").stat().st_mtime_ns
    (root / "src" / "reglab" / "new.py").unlink()
    (root / "src" / "reglab" / "model.py").write_text("two")
    edit(root, lambda all: all["profiles"]["small"].update(seeds=6))
    assert profiles.prepare(root, "small") == folder
    assert held(folder) == wanted - {"src/reglab/new.py"} | own | {"dvc.lock"}
    assert (folder / "src/reglab/model.py").read_text() == "two" and (folder / "dvc.lock").read_text() == "own"
    assert (folder / "looks.yaml").read_text() == "own"
    assert YAML(typ="safe").load(folder / "params.yaml")["seeds"] == 6
    assert (folder / "dvc.yaml").stat().st_mtime_ns == before


def test_a_folder_without_a_repository_has_profiles_of_the_same_files(root):
    (root / "src" / "reglab" / "né w.py").write_text("not known to git yet")
    known = held(profiles.prepare(root, "small"))
    shutil.rmtree(root / "profiles")
    shutil.rmtree(root / ".git")
    assert held(profiles.prepare(root, "small")) == known


@pytest.mark.parametrize("torn", [b"", b"src", b"src/reglab\0", b"src/reglab/model.py\0sr"])
def test_an_incomplete_list_of_copies_stops_no_later_run(root, torn):
    folder = profiles.prepare(root, "small")
    whole = held(folder)
    (folder / profiles.COPIED).write_bytes(torn)
    profiles.prepare(root, "small")
    assert held(folder) == whole


def test_a_kill_while_the_list_of_copies_is_written_leaves_the_former_one(root, monkeypatch):
    folder = profiles.prepare(root, "small")
    former = (folder / profiles.COPIED).read_bytes()

    def killed(*files):
        raise KeyboardInterrupt

    (root / "new.txt").write_text("x")
    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        profiles.prepare(root, "small")
    assert (folder / profiles.COPIED).read_bytes() == former


@pytest.mark.skipif(os.name != "posix", reason="names of files are bytes")
def test_a_file_whose_name_is_not_utf_8_is_copied_and_goes(root):
    name = b"odd \xe9.txt"
    try:
        Path(os.fsdecode(os.fsencode(root) + b"/" + name)).write_text("x")
    except OSError:
        pytest.skip("this file system wants UTF-8")
    copy = Path(os.fsdecode(os.fsencode(profiles.prepare(root, "small")) + b"/" + name))
    assert copy.read_text() == "x"
    Path(os.fsdecode(os.fsencode(root) + b"/" + name)).unlink()
    profiles.prepare(root, "small")
    assert not copy.exists()


@pytest.mark.parametrize("only", [(), ("none", "dropout")])
@pytest.mark.parametrize(
    ("profile", "said"),
    [
        (None, "small: found null"),
        (1, "small: found 1"),
        ([1], "small: found [1]"),
        ({"regularizers": ["none"]}, "small.regularizers: found"),
        ({"few_scenes": {"labelled": {"a": 1}}}, "small.few_scenes: found"),
    ],
)
def test_a_profile_of_another_kind_is_one_line(root, profile, said, only):
    edit(root, lambda all: all.update(profiles={"small": profile}))
    with outlines(), pytest.raises(UserError) as error:
        profiles.load(root, "small", only)
    [line] = error.value.lines
    assert line.startswith(f"params.yaml: profiles.{said}")


def test_a_profile_may_not_take_the_folder_of_only(root):
    edit(root, lambda all: all["profiles"].update(only={"seeds": 3}))
    with pytest.raises(UserError) as error:
        params.load(root / "params.yaml")
    [line] = error.value.lines
    assert line.startswith(
        "params.yaml: profiles.only: found the name of the folder that `--only` takes; allowed: another name"
    )


def test_a_file_is_a_profile_and_its_problems_are_reported_under_its_own_name(root):
    (root / "profiles").mkdir()
    file = root / "profiles" / "other.yaml"
    file.write_text("seeds: 4\n")
    assert profiles.load(root, "other").seeds == 4 and profiles.place(root, "other") == root / "profiles" / "other"
    file.write_text("seeds: 1\ntraning: {epochs: 2}\n")
    with pytest.raises(UserError) as error:
        profiles.load(root, "other")
    assert [line.split(": found")[0] for line in error.value.lines] == ["profiles/other.yaml: traning"]
    file.write_text("seeds: 1\nsedes: [\n")
    with pytest.raises(UserError, match=r"^profiles/other.yaml: found what is not YAML in line 3"):
        profiles.load(root, "other")
    file.write_text("seeds: 1\n")
    with pytest.raises(UserError, match=r"^profiles/other.yaml: seeds: found 1; allowed: a whole number from 2"):
        profiles.load(root, "other")


def test_a_profile_defined_twice_is_refused_and_an_unknown_one_is_answered_with_both_kinds(root):
    (root / "profiles").mkdir()
    (root / "profiles" / "small.yaml").write_text("seeds: 4\n")
    (root / "profiles" / "other.yaml").write_text("seeds: 4\n")
    with pytest.raises(
        UserError, match=r"profiles\.small: found a profile that the file profiles/small\.yaml defines too"
    ):
        profiles.load(root, "small")
    with pytest.raises(UserError, match="other, small"):
        profiles.load(root, "smaller")


def test_an_empty_section_of_a_profile_takes_out_every_entry_and_what_refers_to_them(root):
    empty = {"theory": {}, "ensembles": {}, "regimes": {}, "variance_sources": {}, "claims": {}}
    edit(root, lambda all: all.update(profiles={"small": empty}))
    settings = profiles.load(root, "small")
    assert settings.theory == settings.ensembles == settings.claims == {}
    assert settings.regimes.recipes == settings.variance_sources.recipes == () and "ensembles" not in settings.attacks
    assert not any(pair.recipe == "bagging" for pair in settings.comparisons.values())


def test_the_settings_of_a_source_go_when_a_profile_names_another_one(root):
    whole = {"data": {"name": "table", "file": "a.csv", "train_size": 5, "label_noise": 0.1}}
    merged = profiles.with_profile(whole, {"data": {"name": "digits", "train_size": 6}}, "params.yaml: profiles.small.")
    assert merged["data"] == {"name": "digits", "train_size": 6, "label_noise": 0.1}
    merged = profiles.with_profile(whole, {"data": {"train_size": 6}}, "params.yaml: profiles.small.")
    assert merged["data"] == whole["data"] | {"train_size": 6}


def test_claims_are_about_the_data_and_those_of_a_profile_take_the_place_of_others(root):
    whole = {"data": {"name": "digits", "train_size": 5}, "claims": {"lecture": {"says": "a"}}}
    place, with_claims = "params.yaml: profiles.small.", {"claims": {"mine": {"says": "b"}}}
    other = {"data": {"name": "sklearn", "dataset": "diabetes"}}
    assert profiles.with_profile(whole, other | with_claims, place)["claims"] == with_claims["claims"]
    assert profiles.with_profile(whole, other, place)["claims"] == {}
    for same in ({"data": {"train_size": 6}}, {"data": {"name": "digits", "train_size": 6}}):
        assert (
            profiles.with_profile(whole, same | with_claims, place)["claims"] == whole["claims"] | with_claims["claims"]
        )


def test_a_smaller_study_without_a_suite_has_no_pipeline_of_one(root):
    (root / "suite").mkdir()
    (root / "suite" / "dvc.yaml").write_text("stages: {set: {foreach: '${suite.sets}', do: {cmd: exec true}}}\n")
    subprocess.run(["git", "add", "-A"], cwd=root, check=True)
    assert not (profiles.prepare(root, "small") / "suite").exists()
