"""`reglab new` of several targets: labels are written into a profile that passes the checks, or each mistake is named."""

import re
from pathlib import Path

import numpy as np
import pytest
import tables_of_people as people

from reglab import cli
from reglab.config import data_checks, data_report, profiles, usable_examples
from reglab.config.new_profile import create
from reglab.core.errors import UserError
from reglab.core.outlines import outlines
from reglab.data import load_examples

ROOT = Path(__file__).parent.parent.parent
HEADER = (*people.HEADER, "cough", "fever", "rash, red")


def rows() -> list[list[str]]:
    """Of people's rows, a cough in every second, a fever in every third, a rash in every fifth."""
    marks = (("0", "1", 2), ("no", "yes", 3), ("False", "True", 5))
    return [[*row, *(m[number % m[2] == 0] for m in marks)] for number, row in enumerate(people.rows())]


def new(checkout: Path, given, lines=None, **options) -> str:
    with open("people.csv", "w", encoding="utf-8") as file:
        for row in (HEADER, *(lines or rows())):
            file.write(";".join(row) + "\n")
    return create(checkout, "people.csv", given, delimiter=";", **options)


def test_several_targets_are_labels_in_the_profile_and_no_inputs(checkout):
    text = new(checkout, ["cough,fever", "rash, red"])
    count = len(rows())
    assert re.search(
        r'labels, of which a row may have any number: cough \d+, fever \d+, "rash, red" \d+; 1.0\d labels a row', text
    )
    settings = profiles.load(checkout, "people")
    assert settings.data.source.target == ("cough", "fever", "rash, red")
    assert settings.data.source.columns["fever"].levels == ("no", "yes")
    assert settings.evaluation.metric == "multilabel_average_precision"
    examples = load_examples(settings.data)
    assert examples.targets.shape == (count, 3) and examples.targets[:6, 1].tolist() == [1, 0, 0, 1, 0, 0]
    assert not set(settings.data.source.target) & set(settings.data.source.used)
    with outlines():
        data_checks.check(settings)
    report = data_report.report(settings)
    assert "3  labels are predicted, of which an example may have any number." in report
    assert f'examples have the label "cough", {sum(number % 2 == 0 for number in range(count)) / count:.1%}.' in report
    assert "is the Hamming loss of deciding each label for all examples alike." in report
    assert re.search(r'ha(s|ve) the rarest label in any part of any seed: "rash, red" in the', report)
    assert '3  columns are labels, which are no inputs: "cough", "fever", "rash, red".' in report
    assert "boosting: needs one target an example; the targets are sets of labels" in report


def test_spaces_beside_the_commas_between_labels_do_not_count(checkout):
    new(checkout, ["cough , fever", "rash, red"])
    assert profiles.load(checkout, "people").data.source.target == ("cough", "fever", "rash, red")


def test_the_option_may_be_given_several_times(checkout, monkeypatch, capsys):
    people.write(
        checkout / "people.csv",
        [[*row[:-2], "x", *row[-2:]] for row in rows()],
        (*HEADER[:-2], "more", "fever", "rash"),
    )
    monkeypatch.setattr("sys.argv", ["reglab", "new", "people.csv", "--target", "cough", "--target", "fever,rash"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code in (0, None) and "labels, of which a row may have any number" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("column", "values", "found"),
    [
        (-3, {1: "2"}, 'column cough, line 3: found "2"; allowed: "0", without the label, or "1", with it'),
        (
            -2,
            {4: ""},
            "column fever, line 6: found 1 row without a target; allowed: one of the two values of the label",
        ),
        (-1, dict.fromkeys(range(400), "False"), "column rash, red: found the same value, False, in every row"),
        (
            -1,
            dict.fromkeys(range(400), "blue"),
            'found "blue", which is no label; allowed: one of these pairs of values',
        ),
        (0, {}, "which is no label; allowed: one of these pairs of values: false/true, no/yes, n/y, f/t, 0/1"),
    ],
)
def test_what_is_no_label_is_refused_with_its_place(checkout, column, values, found):
    lines = rows()
    for number, text in values.items():
        if number < len(lines):
            lines[number][column] = text
    given = ["cough", "fever", "rash, red"] if column else ["cough", HEADER[0]]
    with pytest.raises(UserError) as error:
        new(checkout, given, lines)
    assert any(found in line for line in error.value.lines), error.value.lines
    assert not (checkout / "profiles").exists()


def test_targets_of_which_none_is_a_label_are_each_a_line(checkout):
    with pytest.raises(UserError) as error:
        new(checkout, ["age,sex"])
    assert [line.split(": found")[0] for line in error.value.lines] == [
        "people.csv: column age",
        "people.csv: column sex",
    ]


def test_each_column_that_is_not_there_is_a_line_and_a_kind_of_amounts_is_refused(checkout):
    with pytest.raises(UserError) as error:
        new(checkout, ["cuogh,fever,rush"])
    assert [line.split("; allowed")[0] for line in error.value.lines] == [
        'people.csv: --target: found "cuogh"', 'people.csv: --target: found "rush"'
    ]  # fmt: skip
    with pytest.raises(UserError, match="one of several targets; allowed: boolean"):
        new(checkout, ["cough", "fever"], kinds=["fever=numeric"])
    with pytest.raises(UserError, match='--target: found "cough" more than once; allowed'):
        new(checkout, ["cough", "cough"])


def test_a_metric_of_another_task_is_refused_with_those_of_labels():
    [line] = usable_examples.metric_problems("accuracy", np.eye(4, 2, dtype=np.uint8))
    assert line.startswith(
        "params.yaml: evaluation.metric: found accuracy, for classification, and targets that are sets of labels; allowed: "
        "multilabel_average_precision, "
    )
    assert usable_examples.metric_problems("hamming_loss", np.eye(4, 2, dtype=np.uint8)) == []
