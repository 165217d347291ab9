"""`seeds: {first, most}` and looks.yaml: which recipes may get more seeds, and how many they have."""

import re
from functools import cache
from pathlib import Path

import pytest

from reglab.config import params, seed_counts
from reglab.config.problems import Problems
from reglab.core.errors import UserError
from reglab.core.plain import settings as plain
from reglab.evaluation.looks import Looks

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def load(tmp_path_factory):
    """The shipped settings with other `seeds`."""
    folder, text = tmp_path_factory.mktemp("params"), (ROOT / "params.yaml").read_text(encoding="utf-8")

    @cache
    def with_seeds(seeds: str) -> params.Params:
        (folder / "params.yaml").write_text(re.sub(r"(?m)^seeds: \d+", f"seeds: {seeds}", text), encoding="utf-8")
        return params.load(folder / "params.yaml")

    return with_seeds


def test_without_most_a_mapping_is_the_number_alone(load):
    number, mapping = load("11"), load("{first: 11}")
    assert number == mapping and number.looks is None and number.most_seeds == number.seeds == 11


def test_with_most_the_study_has_looks_and_all_other_settings_are_those_of_the_first_seeds(load):
    number, mapping = load("11"), load("{first: 11, most: 44}")
    assert mapping.looks == Looks(first=11, most=44) and mapping.seeds == 11 and mapping.most_seeds == 44
    assert plain(mapping) == plain(number)
    assert "looks" not in params.section_names()


@pytest.mark.parametrize(
    ("seeds", "line"),
    [
        ({"first": 11, "most": 8}, "seeds.most: found 8; allowed: more than 11, the seeds.first"),
        ({"first": 11, "most": 11}, "seeds.most: found 11; allowed: more than 11, the seeds.first"),
        ({"most": 44}, "seeds.first: found nothing; allowed: a whole number from 2 to 1,000"),
        ({"first": 11, "most": 4.5}, "seeds.most: found 4.5; allowed: a whole number from 2 to 1,000"),
        ({"first": 11, "most": 44, "looks": 1}, "seeds.looks: found 1; allowed: a whole number from 2 to 10"),
        (
            {"first": 11, "most": 13, "looks": 4},
            "seeds.looks: found 4; allowed: at most 3, for each look has at least one seed more than the one before",
        ),
        (
            {"first": 11, "most": 44, "first_share": 1},
            "seeds.first_share: found 1; allowed: a number above 0 and below 1",
        ),
        ({"first": 11, "looks": 3}, "seeds.looks: found 3 without most; allowed: most, or no looks"),
        (
            {"first": 11, "most": 44, "last": 3},
            "seeds.last: found an unknown setting; allowed: one of: first, most, looks, first_share",
        ),
    ],
)
def test_a_schedule_that_cannot_be_is_one_clear_line(seeds, line):
    problems = Problems("params.yaml")
    params.seeds_at_looks(seeds, problems)
    assert problems.lines == [f"params.yaml: {line}"]


def test_networks_and_tuned_recipes_may_get_more_seeds_and_an_ensemble_of_their_networks_may_not(load):
    settings = load("{first: 11, most: 44}")
    growing = seed_counts.growing(settings)
    assert {section for section, _ in growing} == {
        "regularizers",
        "combinations",
        "ensembles",
        "tuned",
        "tuned_clean",
        "tuned_other_network",
    } & {section for section, _ in settings.expected()}
    assert ("ensembles", "bagging") in growing and ("ensembles", "heterogeneous") not in growing
    assert ("regularizers", "none") in growing and ("tuned", "none") in growing
    assert seed_counts.growing(load("11")) == []


def test_what_is_written_is_read_again_and_only_what_has_grown_is_written(load, tmp_path):
    settings = load("{first: 11, most: 44}")
    counts = seed_counts.read(tmp_path, settings)
    assert {seeds for names in counts.values() for seeds in names.values()} == {11}
    seed_counts.write(tmp_path, settings, counts)
    assert (tmp_path / "looks.yaml").read_bytes() == seed_counts.NONE_YET == (ROOT / "looks.yaml").read_bytes()
    counts["regularizers"] |= {"none": 44, "dropout": 22}
    seed_counts.write(tmp_path, settings, counts)
    assert seed_counts.content(tmp_path) == {"regularizers": {"dropout": 22, "none": 44}}
    assert seed_counts.read(tmp_path, settings) == counts
    assert seed_counts.of(tmp_path, settings, "regularizers", "dropout") == 22
    assert seed_counts.of(tmp_path, settings, "baselines", "dropout") == 11
    assert seed_counts.by_stage(tmp_path, settings) == {"train@none": 44, "train@dropout": 22}


def test_counts_of_another_schedule_begin_again(load, tmp_path):
    (tmp_path / "looks.yaml").write_text("regularizers: {dropout: 22, none: many}\ntuned: 7\n")
    assert seed_counts.by_stage(tmp_path, load("{first: 10, most: 40}")) == {}
    assert seed_counts.by_stage(tmp_path, load("{first: 11, most: 44}")) == {"train@dropout": 22}


@pytest.mark.parametrize("text", ["[1]", "a: [", "7"])
def test_a_file_that_was_edited_to_something_else_is_a_users_mistake(load, tmp_path, text):
    (tmp_path / "looks.yaml").write_text(text)
    with pytest.raises(UserError, match=r"^looks.yaml: found .*; allowed: what reglab repro has written there"):
        seed_counts.read(tmp_path, load("{first: 11, most: 44}"))
    assert seed_counts.read(tmp_path, load("11")) == {}
