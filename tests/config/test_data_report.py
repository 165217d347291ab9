"""`reglab check --data` says of the data what is in it, in exact lines; data that cannot be read or split is an error."""

import re
import sys
from dataclasses import replace
from math import sqrt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import tables_of_people as people

from reglab import cli
from reglab.config import data_columns, data_precision, data_report, params
from reglab.config.data_targets import described_targets
from reglab.config.new_profile import create
from reglab.data.sources.table import Table
from reglab.data.tables.settings import Column
from reglab.evaluation.settings import Evaluation

ROOT = Path(__file__).parent.parent.parent


def command(monkeypatch, capsys, *arguments: str) -> tuple[int, list[str], str]:
    """The exit code of `reglab check --data`, the lines of its output without their indentation, and its errors."""
    monkeypatch.setattr(sys, "argv", ["reglab", "check", "--data", *arguments])
    with pytest.raises(SystemExit) as end:
        cli.main()
    result = capsys.readouterr()
    return end.value.code, [re.sub(" +", " ", line.strip()) for line in result.out.splitlines()], result.err


def sizes_and_targets(shape, labels, names=()) -> list[tuple[str, str]]:
    return [*data_report.size_lines(shape, labels), *described_targets(labels, names).lines()]


def test_amounts_have_a_range_a_spread_and_means_of_the_test_parts():
    amounts = np.array([1.0, 2.0, 2.0, 1003.0])
    assert sizes_and_targets((2,), amounts)[2:] == [
        ("1", "is the smallest amount to predict."),
        ("2", "is the median amount."),
        ("1,003", "is the largest amount."),
        ("433.59", "is the standard deviation, which is the rmse of predicting the mean of all."),
        ("3", "different amounts are in the data."),
    ]
    drawn = [{"test": np.array([0, 1])}, {"test": np.array([1, 3])}]
    assert list(described_targets(amounts, ()).part_lines(drawn)) == [
        ("2 to 502", "are the means of the amounts in the test parts."),
    ]


def test_amounts_far_from_zero_have_the_digits_in_which_they_differ():
    """A hundredth of the standard deviation is shown, whatever the mean."""
    lines = sizes_and_targets((2,), 1e7 + np.array([0.25, 1.5, 2.75, 4.0]))[2:]
    assert [number for number, _ in lines[:3]] == ["10,000,000.25", "10,000,002.12", "10,000,004.00"]


def test_the_command_reports_on_amounts_and_refuses_a_metric_of_classes(checkout, monkeypatch, capsys):
    people.write(checkout / "people.csv", people.rows())
    create(checkout, "people.csv", "age")
    code, lines, errors = command(monkeypatch, capsys, "--profile", "people")
    assert (code, errors) == (0, "")
    ages = np.array([float(row[0]) for row in people.rows()])
    assert f"{ages.std():,.6g} is the standard deviation, which is the rmse of predicting the mean of all." in lines
    assert not [line for line in lines if "told apart" in line or "points of accuracy" in line]
    profile = checkout / "profiles" / "people.yaml"
    profile.write_text(profile.read_text().replace("metric: rmse", "metric: accuracy"))
    code, _, errors = command(monkeypatch, capsys, "--profile", "people")
    result = (
        "evaluation.metric: found accuracy, for classification, and targets that are amounts; allowed: rmse, mae, r2"
    )
    assert code == 2 and result in errors


def test_the_classes_are_counted_from_the_largest_on_and_compared():
    labels = np.array([0, 1, 1, 1, 2, 2])
    assert sizes_and_targets((1, 8, 8), labels, ("a", "b", "c")) == [
        ("6", "examples are in the data."),
        ("1 x 8 x 8", "numbers of each example enter the network, once they are prepared."),
        ("3", "classes are told apart."),
        ("3", 'examples are of the class "b", 50.0%.'),
        ("2", 'examples are of the class "c", 33.3%.'),
        ("1", 'example is of the class "a", 16.7%.'),
        ("3.00", "is the imbalance: the largest class over the smallest."),
    ]


def test_of_many_classes_the_smallest_are_counted_together():
    labels = np.repeat(np.arange(22), np.arange(24, 2, -1))
    lines = sizes_and_targets((1,), labels, [str(label) for label in range(22)])
    assert lines[22:] == [
        ("5", 'examples are of the class "19", 1.7%.'),
        ("2", "classes are not listed, with 3 to 4 examples each."),
        ("8.00", "is the imbalance: the largest class over the smallest."),
    ]


def test_identical_examples_of_one_class_and_of_several_are_counted():
    same, labels = np.array([0, 0, 2, 3, 3, 3, 6]), np.array([0, 0, 1, 1, 0, 1, 0])
    assert list(data_report.duplicate_lines(same, labels)) == [
        ("3", "examples have the inputs of an earlier one."),
        ("3", "examples have the inputs of one of another class, so that no network can be right on both."),
    ]
    assert [number for number, _ in data_report.duplicate_lines(None, labels)] == ["0", "0"]


def test_identical_examples_are_counted_for_each_pair_of_parts_that_the_file_names():
    parts = np.array(["train", "train", "test", "test", "test", "validation"])
    assert list(data_report.across_parts(np.array([0, 1, 0, 0, 4, 1]), parts)) == [
        ("1", "example is in the part validation with the inputs of one in the part train."),
        ("2", "examples are in the part test with the inputs of one in the part train."),
        ("0", "examples are in the part test with the inputs of one in the part validation."),
    ]


def test_weights_have_a_range_and_an_effective_number_of_examples():
    """(1 + 1 + 2)² / (1 + 1 + 4) = 16/6, of four examples."""
    assert [*data_report.weight_lines(np.array([1.0, 0.0, 1.0, 2.0]))] == [
        ("0 to 2", "are the weights of the examples, which count in training alone."),
        ("1", "example has the weight 0."),
        ("3", "examples of equal weight are worth as much as these 4: (sum w)² / sum w²."),
    ]
    assert [*data_report.weight_lines(None)] == []


def test_groups_have_a_smallest_a_median_and_a_largest_size():
    assert list(data_report.group_lines(np.array([5, 5, 5, 5, 7, 9, 9]))) == [
        ("3", "groups are in the data."),
        ("1", "example is in the smallest group."),
        ("2", "is the median of the sizes of the groups."),
        ("4", "examples are in the largest group."),
    ]
    assert not list(data_report.group_lines(None))


def test_times_have_a_span_in_days_or_in_their_own_unit():
    assert list(data_report.time_lines(np.array([366.0, 365.0, 0.0, 365.0]), days=True)) == [
        ("366", "days are the span between the first time, 1970-01-01, and the last, 1971-01-02."),
        ("3", "different times are in the data."),
    ]
    assert next(data_report.time_lines(np.array([1987.0, 1980.0]), days=False)) == (
        "7",
        "is the span between the first time, 1980, and the last, 1987.",
    )


def test_the_smallest_class_of_all_parts_and_seeds_is_named_with_its_place():
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1])
    first = {"labelled": np.array([0, 1, 4, 5]), "validation": np.array([2, 3, 6, 7]), "test": np.array([0, 1, 4, 5])}
    second = first | {"validation": np.array([2, 6, 7])}
    described = described_targets(labels, ("no", "yes"))
    assert [*data_report.part_lines([first, second]), *described.part_lines([first, second])] == [
        ("4", "is the size of the labelled part."),
        ("3 to 4", "is the size of the validation part."),
        ("4", "is the size of the test part."),
        ("1", 'example is of the smallest class in any part of any seed: "no" in the validation part of seed 1.'),
    ]


def test_columns_that_say_little_or_nothing_are_named():
    number = Column("numeric")
    source = Table(
        file="people.csv",
        target="ill",
        group="ward",
        columns={
            "id": Column("identifier"),
            "note": Column("text"),
            "age": Column("numeric", missing=True),
            "flag": number,
            "often": number,
            "job": Column("categorical", levels=("cook", "smith", "tailor")),
            "ward": Column("identifier"),
            "ill": Column("boolean", levels=("no", "yes")),
        },
    )
    columns = {
        "id": [f"p{row}" for row in range(100)],
        "note": [f"text {row}" for row in range(100)],
        "age": [None] * 3 + [str(row) for row in range(97)],
        "flag": ["0"] * 99 + ["1"],
        "often": ["0"] * 98 + ["1", "2"],
        "job": ["cook", "smith"] + ["tailor"] * 98,
        "ward": ["east", "west"] * 50,
        "ill": ["no", "yes"] * 50,
    }
    columns = {name: pa.chunked_array([values], pa.string()) for name, values in columns.items()}
    assert list(data_columns.column_lines(columns, source)) == [
        ("4", 'columns are used as inputs: "age", "flag", "often", "job".'),
        ("1", 'column is the target, which is no input: "ill".'),
        ("1", 'column is the group, which is no input: "ward".'),
        ("1", 'column is left out, of the kind identifier: "id".'),
        ("1", 'column is left out, of the kind text: "note".'),
        ("99.0%", 'of the rows have the value "0" in the column "flag".'),
        ("2", 'levels are seen once in the column "job": "cook", "smith".'),
        ("3", 'rows have no value in the column "age", 3.0%.'),
    ]


def test_the_standard_error_of_a_difference_of_accuracies_is_at_most_its_bound():
    """Of n examples on which one of two networks alone is right with probability d, 20,000 times; to 2 %."""
    random, n, d = np.random.default_rng(0), 400, 0.1
    ahead, behind, _ = random.multinomial(n, [d / 2, d / 2, 1 - d], 20_000).T
    bound = data_precision.resolved_difference(n, 0.95, d) / data_precision.normal_quantile(0.95)
    assert bound == pytest.approx(sqrt(d / n), rel=1e-12)
    assert ((ahead - behind) / n).std() == pytest.approx(bound, rel=0.02)
    ahead, behind, _ = random.multinomial(n, [d, 0, 1 - d], 20_000).T  # one network is better wherever they differ
    assert ((ahead - behind) / n).std() < bound


def test_as_many_examples_are_needed_as_resolve_the_difference_and_not_one_fewer():
    needed = data_precision.needed_examples(0.005, 0.95)
    resolved = [data_precision.resolved_difference(count, 0.95) for count in (needed, needed - 1)]
    assert resolved[0] <= 0.005 < resolved[1]


def test_a_fixed_test_set_counts_once_and_disjoint_ones_add_up():
    assert data_precision.effective_examples([np.arange(40)] * 5) == pytest.approx(40)
    assert data_precision.effective_examples([np.arange(40), np.arange(40, 80)]) == pytest.approx(80)
    assert data_precision.effective_examples([np.array([0, 1]), np.array([1, 2])]) == pytest.approx(16 / 6)


def test_what_the_test_parts_resolve_is_said_with_its_assumption():
    tests = [np.arange(100), np.arange(100, 200)]
    assert list(data_precision.precision_lines(tests, Evaluation(relevant_difference=0.02))) == [
        ("100", "is the size of the test part of one seed."),
        (
            "6.20 points",
            "of accuracy are what these can resolve: a smaller difference of two networks is within chance.",
        ),
        ("200", "is what the test parts of all seeds are worth together, where shared examples count less."),
        ("4.38 points", "of accuracy are what all seeds together can resolve."),
        ("961", "test examples are needed to resolve 2.00 points, the relevant difference."),
        ("10%", "is d, the assumed share of the test examples that one of two networks alone gets right."),
        ("1.96", "is z at confidence 0.95: n test examples resolve z sqrt(d / n) (McNemar 1947)."),
    ]


def test_the_command_reports_on_the_table_of_a_profile(checkout, monkeypatch, capsys):
    rows = people.rows()
    rows[2] = [*rows[0][:4], rows[2][4]]  # of the same class
    rows[3] = [*rows[1][:4], rows[3][4]]
    rows[4] = [*rows[1][:4], rows[4][4]]  # of another class than 1 and 3
    people.write(checkout / "people.csv", rows)
    create(checkout, "people.csv", "disease")
    code, lines, errors = command(monkeypatch, capsys, "--profile", "people")
    assert (code, errors) == (0, "")
    assert lines[0] == "the data of people"
    headings = ("examples", "identical examples", "columns", "parts", "verdicts")
    assert [line for line in lines[2:] if line in headings] == list(headings)
    for expected in (
        "60 examples are in the data.",
        '30 examples are of the class "absent", 50.0%.',
        "1.00 is the imbalance: the largest class over the smallest.",
        "3 examples have the inputs of an earlier one.",
        "3 examples have the inputs of one of another class, so that no network can be right on both.",
        '4 columns are used as inputs: "age", "sex", "smokes", "seen".',
        '1 column is the target, which is no input: "disease".',
        "0 values are missing.",
        "36 is the size of the labelled part.",
        "12 is the size of the test part of one seed.",
        "17.89 points of accuracy are what these can resolve: a smaller difference of two networks is within chance.",
    ):
        assert expected in lines
    seeds = [line for line in lines if re.fullmatch(r"\d+ seeds are needed for \d+ comparisons with none; .*", line)]
    assert len(seeds) == 1


def test_each_kind_of_comparison_needs_its_seeds_and_too_few_are_pointed_out():
    """Holm's correction of m comparisons needs m 2^(1 - seeds) <= 0.05: 7 seeds for 2, as 2 / 64 < 0.05 < 2 / 32."""
    settings = replace(params.load(ROOT / "params.yaml"), seeds=6)
    pairs = dict(list(settings.comparisons.items())[:2])
    two = list(data_precision.seed_lines(replace(settings, comparisons=pairs)))
    said = "seeds are needed for 2 pairs under comparisons; the study has 6, too few to call any difference real."
    assert ("7", said) in two
    one = list(data_precision.seed_lines(replace(settings, comparisons=dict(list(pairs.items())[:1]))))
    assert ("6", "seeds are needed for 1 pair under comparisons; the study has 6.") in one
    none = list(data_precision.seed_lines(replace(settings, comparisons={})))
    assert not [sentence for _, sentence in none if "comparisons;" in sentence and "under" in sentence]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda root: (root / "people.csv").unlink(), "people.csv: found no"),
        (
            lambda root: people.write(root / "people.csv", people.rows(40)),
            "profiles/people.yaml: data: train_size + validation_size + test_size = 60, but table has 40 examples",
        ),
    ],
)
def test_data_that_cannot_be_read_or_split_is_an_error(checkout, monkeypatch, capsys, change, said):
    people.write(checkout / "people.csv", people.rows())
    create(checkout, "people.csv", "disease")
    change(checkout)
    code, lines, errors = command(monkeypatch, capsys, "--profile", "people")
    assert (code, lines) == (2, [])
    assert said in errors and "Traceback" not in errors


def test_all_numbers_end_in_one_column():
    text = data_report.aligned("mine", {"one": [("1", "a."), ("1,000", "b.")], "two": [("20", "c.")]})
    assert text.splitlines() == ["the data of mine", "", "one", "      1  a.", "  1,000  b.", "", "two", "     20  c."]
