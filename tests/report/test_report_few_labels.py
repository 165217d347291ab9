"""With few labels: what the answer, the bar to beat and the lecture's three panels say is what the numbers say."""

import copy

import pytest
import second_half
from scipy import stats
from second_half import NEW, SCENES, VARIANTS, WHOLE, values, words

from reglab.experiments.few_labels import groups as few_labels
from reglab.experiments.few_labels import lecture_panels
from reglab.experiments.few_labels.groups import ACCURACY, Group, Method
from reglab.experiments.few_labels.report import few_labels_section
from reglab.experiments.multitask import report as tasks
from reglab.experiments.pretraining import report as pretexts
from reglab.report.collect import Entry
from reglab.report.compared import Compared, summary_sentence
from reglab.report.drawings import Line, against_labels
from reglab.report.page import Study
from reglab.report.tables import Interval


@pytest.fixture(scope="module")
def groups(whole):
    return few_labels.groups(*whole, VARIANTS)


def test_rows_stand_by_accuracy_and_new_classes_in_a_table_of_their_own(groups):
    assert [group.classes for group in groups] == [None, NEW]
    for group in groups:
        means = [method.measured("test_accuracy").mean for method in group.methods]
        assert means == sorted(means, reverse=True)
    assert {method.name for method in groups[1].methods} == {
        name for name in second_half.TRANSFER if name.startswith("new")
    }


def test_a_method_tells_what_it_is_in_a_few_words(groups):
    kinds = {method.name: method.kind for group in groups for method in group.methods}
    assert kinds["from_scratch"] == "reference, from scratch, tuned"
    assert kinds["from_scratch_unaugmented"] == "from scratch, tuned, not augmented"
    assert kinds["new_classes_frozen"] == "from supervised_base_classes, frozen"
    assert (kinds["pseudo_label"], kinds["label_spreading"]) == ("semi-supervised", "classical")


def test_the_lead_names_the_largest_gain_with_the_records_own_difference(whole, groups):
    entries, metrics = whole
    said = words(groups[0].answer)
    gain = values(entries, "transfer", "contrastive_tuned", "test_accuracy@2")
    gain = 100 * (gain - values(entries, "transfer", "from_scratch", "test_accuracy@2")).mean()
    row = metrics["transfer"]["contrastive_tuned"]["comparisons"]["test_accuracy@2"]
    ends = f"{100 * row['difference_low']:+.1f} to {100 * row['difference_high']:+.1f}"
    assert said.startswith(
        "Most is gained over training from scratch with the same augmentation by contrastive_tuned at"
    )
    assert f"{gain:+.1f}, {ends}" in said and "label_spreading" not in said


def test_the_network_held_against_label_spreading_is_chosen_by_validation_accuracy(whole):
    entries, metrics = copy.deepcopy(whole)
    for variant in VARIANTS:
        metrics["transfer"]["masked_tuned"]["metrics"][f"validation_accuracy@{variant}"]["mean"] = 0.999
    group = few_labels.groups(entries, metrics, VARIANTS)[0]
    said = words(few_labels.against_rival(group))
    lead = metrics["transfer"]["masked_tuned"]["comparisons"]["test_accuracy@1"]["over_rival"]["difference"]
    assert said.startswith("The network with the highest validation accuracy, masked_tuned, ")
    assert f"{100 * lead:.1f} points".replace("-", "−") in said


def test_the_bar_is_beaten_only_where_that_is_shown(groups, whole):
    _, metrics = whole
    said = words(few_labels.against_rival(groups[0]))
    verbs = {"beats": [], "falls short of": [], "cannot be distinguished from": []}
    for variant in VARIANTS:
        best = groups[0].chosen(variant)
        lead = metrics[best.entry.family][best.name]["comparisons"][f"test_accuracy@{variant}"]["over_rival"]
        verb = {1: "beats", -1: "falls short of", 0: "cannot be distinguished from"}[lead["sign"]]
        verbs[verb].append(variant)
    assert verbs["beats"] and verbs["falls short of"]
    for verb, where in verbs.items():
        assert (verb in said) == bool(where)
    assert said.index("beats") < said.index("falls short of it at 1 (")


def test_without_a_classical_method_there_is_no_bar(whole):
    entries, metrics = whole
    kept = [entry for entry in entries if entry.name != "label_spreading"]
    bare = copy.deepcopy(metrics)
    for family in ("transfer", "semi_supervised"):
        for numbers in bare[family].values():
            for row in numbers["comparisons"].values():
                row.pop("over_rival", None)
    assert few_labels.against_rival(few_labels.groups(kept, bare, VARIANTS)[0]) is None
    assert "the classical method" not in few_labels_section(Study(kept, bare, WHOLE, "")).body


def test_augmentation_alone_is_told_apart_from_what_a_method_gains(whole, groups):
    entries, _ = whole
    point = next(point for point in few_labels.points_to_know(groups) if point.about == "Augmentation")
    pairs = [
        [values(entries, "transfer", name, f"test_accuracy@{b}").mean() for b in VARIANTS]
        for name in ("from_scratch", "from_scratch_unaugmented")
    ]
    gains = [f"{100 * (one - other):+.1f}" for one, other in zip(*pairs, strict=True)]
    assert f"by {', '.join(gains[:3])} and {gains[3]} points at 1, 2, 5 and 10" in words(point.text)


def rows(**verdicts: list) -> list[Compared]:
    """Methods from name=[(verdict, difference, low, high) at 1 label, ... at 2 labels]."""
    result = []
    for name, told_at in verdicts.items():
        comparisons = {
            f"test_accuracy@{variant}": dict(
                zip(("verdict", "difference", "difference_low", "difference_high"), row, strict=True),
                reference="from_scratch",
                seeds_needed=None,
            )
            for variant, row in zip((1, 2), told_at, strict=True)
        }
        seeds = {str(seed): {"status": "finished"} for seed in range(10)}
        entry = Entry({"family": "transfer", "name": name, "seeds": seeds, "summary": {}, "settings": {}}, {}, None)
        result.append(Compared(entry, {"comparisons": comparisons}))
    return result


HELPS, MORE = ("helps", 0.03, 0.01, 0.05), ("helps", 0.06, 0.04, 0.08)
UNCLEAR, SAME, HURTS = (
    ("cannot tell", 0.02, -0.01, 0.05),
    ("no relevant difference", 0.0, -0.001, 0.001),
    ("hurts", -0.05, -0.07, -0.03),
)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"a": [HELPS, MORE], "b": [MORE, SAME]},
            "Most is gained over scratch by b at 1 label (+6.0 points, +4.0 to +8.0) "
            "and a at 2 (+6.0 points, +4.0 to +8.0).",
        ),
        (
            {"a": [HELPS, UNCLEAR]},
            "Most is gained over scratch by a at 1 label (+3.0 points, +1.0 to +5.0); at 2 nothing is shown to help.",
        ),
        (
            {"a": [UNCLEAR, HURTS], "b": [SAME, UNCLEAR]},
            "Nothing that was tried is shown to beat scratch, at whatever number of labels: not one of 2 methods.",
        ),
        (
            {"a": [UNCLEAR, ("cannot tell", 0.04, -0.1, 0.2)]},
            "10 seeds cannot tell whether anything beats scratch: the best mean difference is +4.0 points, by a at 2 "
            "labels, and chance is not ruled out.",
        ),
        (
            {"a": [("diverged", None, None, None), ("diverged", None, None, None)]},
            "Nothing that was tried can be compared with scratch.",
        ),
        ({}, "Nothing that was tried can be compared with scratch."),
    ],
)
def test_the_sentence_says_what_the_verdicts_say(given, said):
    assert words(summary_sentence(rows(**given), ACCURACY, (1, 2), "scratch", "labels")) == said


def test_the_three_panels_have_the_studys_numbers(whole, groups):
    entries, metrics = whole
    result = lecture_panels.panels(entries, groups, tasks.methods(entries, metrics), WHOLE)
    assert [panel.letter for panel in result] == ["a", "b", "c"]
    assert "the classes 0, 1, 2, 3 and 4 and all their labels, then tell 5, 6, 7, 8 and 9 apart" in result[0].text
    shown = {(panel.letter, row.name): cells for panel in result for row, cells in panel.rows}
    for letter, name, metric in (
        ("a", "new_classes_frozen", "test_accuracy"),
        ("c", "masked_tuned", "test_accuracy"),
        ("c", "from_scratch", "test_accuracy"),
    ):
        means = [values(entries, "transfer", name, f"{metric}@{variant}").mean() for variant in VARIANTS]
        assert shown[letter, name] == [f"{100 * mean:.1f}" for mean in means]
    alone = [values(entries, "multitask", "depth_only", f"test_depth_rmse@{number}").mean() for number in SCENES]
    assert shown["b", "depth_only"] == [f"{mean:.3f}" for mean in alone]
    assert all(panel.picture.startswith("<svg") for panel in result)


def test_a_panel_without_its_entries_is_left_out(whole):
    entries, metrics = whole
    kept = [entry for entry in entries if entry.name not in ("joint", "masked") and not entry.name.startswith("new_")]
    groups = few_labels.groups(kept, metrics, VARIANTS)
    assert lecture_panels.panels(kept, groups, tasks.methods(kept, metrics), WHOLE) == []


def test_the_figure_has_every_method_against_labels_and_names_those_that_stand_out():
    at = [Interval(30.0, 25.0, 35.0), Interval(10.0, -5.0, 25.0)]
    lines = [Line("scratch", at, "reference"), Line("best", at), Line("bar", at, "rival"), Line("x", at, "other")]
    axes = against_labels(lines, (1, 10), "labels", "error", logarithmic=True).axes[0]
    drawn = [line for line in axes.lines if len(line.get_xdata()) == 2]
    assert len(drawn) == 4 and all(line.get_ydata().tolist() == [30.0, 10.0] for line in drawn)
    assert [label.get_text() for label in axes.get_legend().get_texts()] == ["scratch", "best", "bar", "the others"]
    assert axes.get_xscale() == "log" and [tick.get_text() for tick in axes.get_xticklabels()] == ["1", "10"]
    assert len(axes.collections) == 3


def test_a_group_whose_methods_all_diverged_has_no_figure():
    seeds = {"0": {"status": "diverged", "metrics": {}}}
    entry = Entry({"family": "transfer", "name": "a", "seeds": seeds, "summary": {}, "settings": {"a": {}}}, {}, None)
    assert Group(None, [Method(entry, {}, None)], VARIANTS).figure is None


@pytest.mark.parametrize("confidence", [0.5, 0.95])
def test_intervals_are_at_the_confidence_that_the_page_names_whatever_it_was_when_records_were_made(
    whole, confidence, monkeypatch
):
    """Of a method with few labels, of a pretext, and of several tasks: Student's, made here of the seeds' numbers."""
    entries, _ = whole
    evaluation = {"confidence": confidence, "relevant_difference": 0.005}
    monkeypatch.setitem(second_half.SETTINGS, "evaluation", evaluation)
    metrics = second_half.metrics_of(entries)
    shown = [method for group in few_labels.groups(entries, metrics, VARIANTS) for method in group.methods]
    shown += [*pretexts.pretexts(entries, metrics), *tasks.methods(entries, metrics)]
    for name, metric in (
        ("contrastive_tuned", "test_accuracy@2"),
        ("label_spreading", "test_accuracy"),
        ("orientation", "test_pretext_accuracy"),
        ("joint", "test_iou@16"),
    ):
        row = next(method for method in shown if method.name == name)
        numbers = values(entries, row.entry.family, name, metric)
        low, high = stats.ttest_1samp(numbers, 0).confidence_interval(confidence)
        assert row.measured(metric) == pytest.approx((numbers.mean(), low, high), abs=1e-12)
