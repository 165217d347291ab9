"""What a search tried shows up as nested runs that can be compared, each once."""

import pytest

from reglab.tracking.mirror import content, trials
from reglab.tracking.mirror.store import Store

GRID = [
    {"settings": {"hidden_rate": 0.1}, "validation_accuracy": [0.8, 0.9], "validation_nll": [0.5, 0.7]},
    {"settings": {"hidden_rate": 0.5}, "validation_accuracy": [0.9, None], "validation_nll": [0.4, None]},
]
SWEPT = {"family": "sweeps", "grid": GRID, "chosen": {"number": 0, "settings": {"hidden_rate": 0.1}}}
TRIALS = [
    {"number": 0, "settings": {}, "validation_accuracy": [0.8]},
    {"number": 1, "settings": {"mixup": {"alpha": 0.4}, "placebo": {}}, "validation_accuracy": [0.9]},
]


def test_every_point_of_a_sweep_is_a_nested_run_with_its_setting_and_its_mean_over_the_search_seeds(study):
    study.publish("dropout", **SWEPT)
    study.sync("sweeps/dropout")
    first, second = study.run("dropout/trial-0 [hidden_rate=0.1]"), study.run("dropout/trial-1 [hidden_rate=0.5]")
    assert first["params"] == {"dropout.hidden_rate": "0.1"} and second["params"] == {"dropout.hidden_rate": "0.5"}
    assert [(key, round(value, 9)) for key, _, value, _ in first["metrics"]] == [
        ("validation_accuracy", 0.85),
        ("validation_nll", 0.6),
    ]
    assert second["metrics"] == [] and first["status"] == second["status"] == "FINISHED"
    assert first["tags"]["mlflow.parentRunId"] == "dropout" and first["tags"]["kind"] == "trial"
    assert first["tags"]["chosen"] == "yes" and "chosen" not in second["tags"]


def test_once_more_and_after_a_kill_there_is_one_run_a_trial(study, monkeypatch):
    study.publish("dropout", **SWEPT)
    with monkeypatch.context() as killed:
        end, ended = Store.end, []

        def end_or_die(store, run, status, moment):
            if "trial-1" in run.info.run_name:
                raise OSError("killed")
            ended.append(run.info.run_name)
            end(store, run, status, moment)

        killed.setattr(Store, "end", end_or_die)
        assert "killed" in study.sync("sweeps/dropout") and "dropout/trial-0 [hidden_rate=0.1]" in ended
    study.sync("sweeps/dropout")
    study.sync("sweeps/dropout")
    result = study.runs()
    assert {name: len(runs) for name, runs in result.items() if "trial" in name} == {
        "dropout/trial-0 [hidden_rate=0.1]": 1,
        "dropout/trial-1 [hidden_rate=0.5]": 1,
    }
    assert all(run["status"] == "FINISHED" for runs in result.values() for run in runs)


def test_a_trial_of_a_cocktail_says_what_was_in_it():
    tried = [trial | {"training": {"learning_rate": rate}} for trial, rate in zip(TRIALS, (0.01, 0.002), strict=True)]
    record = {"name": "stacked", "trials": tried, "best": {"number": 1, "settings": TRIALS[1]["settings"]}}
    empty, stacked = trials.trials_of(record)
    assert empty == ({"training.learning_rate": "0.01", "ingredients": "none"}, {"validation_accuracy": 0.8}, False)
    assert stacked.chosen
    assert stacked.params == {"mixup.alpha": "0.4", "training.learning_rate": "0.002", "ingredients": "mixup, placebo"}


def test_a_try_of_a_tuned_recipe_has_the_settings_of_the_training_and_of_the_technique():
    tries = [
        {
            "settings": {"training": {"learning_rate": 0.01}, "dropout": {"hidden_rate": rate}},
            "validation_accuracy": [0.8],
        }
        for rate in (0.1, 0.5)
    ]
    record = {"name": "dropout", "tries": tries, "chosen": {"number": 1, "settings": tries[1]["settings"]}}
    first, second = trials.trials_of(record)
    assert first.params == {"training.learning_rate": "0.01", "dropout.hidden_rate": "0.1"}
    assert (first.chosen, second.chosen) == (False, True) and first.metrics == {"validation_accuracy": 0.8}


def test_a_recipe_that_searched_nothing_has_no_trials(study):
    assert trials.trials_of({"name": "dropout", "seeds": {}}) == []


SETTINGS = {"dropout": {"input_rate": 0.2, "hidden_rate": 0.5}, "training": {"epochs": 25, "learning_rate": 0.005}}
SEARCHES = {
    "tuned": (
        {"ranges": {"hidden_rate": [0.1, 0.7]}, "tuning": {"seeds": 3, "learning_rate": [0.001, 0.02]}},
        {"chosen": {"number": 4, "settings": {"training": {"learning_rate": 0.002}, "dropout": {"hidden_rate": 0.3}}}},
        {"dropout.hidden_rate": "0.3", "training.learning_rate": "0.002"},
    ),
    "sweeps": (
        {"grid": {"hidden_rate": [0.1, 0.3]}, "tuning": {"seeds": 3}},
        {"chosen": {"number": 1, "settings": {"hidden_rate": 0.3}}},
        {"dropout.hidden_rate": "0.3"},
    ),
    "cocktails": (
        {
            "cocktail": {"ingredients": {"dropout": {"hidden_rate": [0.1, 0.7]}, "mixup": {"alpha": [0.1, 6.4]}}},
            "mixup": {"alpha": 0.4},
            "tuning": {"seeds": 3, "learning_rate": [0.001, 0.02]},
        },
        {
            "best": {
                "number": 2,
                "settings": {"dropout": {"hidden_rate": 0.3}},
                "training": {"learning_rate": 0.002},
            }
        },
        {"dropout.hidden_rate": "0.3", "training.learning_rate": "0.002"},
    ),
}


@pytest.mark.parametrize("family", SEARCHES)
def test_the_params_of_a_search_are_what_it_has_chosen_and_before_that_none(family):
    searched, choice, wanted = SEARCHES[family]
    about = {"family": family, "name": "dropout", "settings": SETTINGS | searched, "seeds": [0, 1]}
    fixed = {
        name: value for name, value in content.flat(about["settings"]) if name not in wanted and name != "mixup.alpha"
    }
    assert content.params(about) == fixed | {"seeds": "2"}
    assert content.params(about | choice) == fixed | wanted | {"seeds": "2"}


def test_a_tuned_run_in_mlflow_has_the_chosen_settings_on_itself_and_on_its_seeds(study):
    searched, choice, wanted = SEARCHES["tuned"]
    study.publish("dropout", family="tuned", settings=SETTINGS | searched, **choice)
    study.sync("tuned/dropout")
    for name in ("dropout", "dropout/seed-0"):
        assert wanted.items() <= study.run(name)["params"].items()
