"""`reglab new`: a table becomes a profile that passes the checks, or clear errors; never a traceback."""

import re
import sys
from pathlib import Path

import hypothesis
import numpy as np
import pytest
import tables_of_people as people
from hypothesis import strategies as st

from reglab import cli
from reglab.config import profiles
from reglab.config.new_profile import create
from reglab.core.errors import UserError
from reglab.data import load_examples

ROOT = Path(__file__).parent.parent.parent


def new(checkout: Path, rows, target: str = "disease", header=people.HEADER, mark: str = ",", **options) -> str:
    people.write(checkout / "people.csv", rows, header, mark=mark)
    return create(checkout, "people.csv", target, **options)


def refused(checkout: Path, rows, **options) -> list[str]:
    with pytest.raises(UserError) as error:
        new(checkout, rows, **options)
    assert not (checkout / "profiles").exists()
    return list(error.value.lines)


def with_column(name: str, values, count: int = 60) -> tuple[list[list[str]], tuple[str, ...]]:
    rows = people.rows(count)
    return [[*row, str(value)] for row, value in zip(rows, values, strict=True)], (*people.HEADER, name)


def test_the_profile_that_it_writes_loads_and_reads_every_column_by_its_kind(checkout):
    text = new(checkout, people.rows())
    settings = profiles.load(checkout, "people")
    source = settings.data.source
    kinds = {name: column.kind for name, column in source.columns.items()}
    assert kinds == dict(zip(people.HEADER, ("numeric", "categorical", "boolean", "date", "categorical"), strict=True))
    assert source.columns["smokes"].levels == ("no", "yes") and source.columns["seen"].format == "%Y-%m-%d"
    assert (settings.data.train_size, settings.data.validation_size, settings.data.test_size) == (36, 12, 12)
    assert not settings.theory and not settings.claims and "affine" in settings.regularizers
    assert len(load_examples(settings.data).inputs) == 60
    assert re.search(r"^smokes +boolean +input +0 +2 +no, yes$", text, re.MULTILINE)


def test_a_profile_is_replaced_only_where_that_is_said(checkout):
    new(checkout, people.rows())
    before = (checkout / "profiles/people.yaml").read_bytes()
    with pytest.raises(UserError, match="found a profile of this name; allowed: another --name, or --force"):
        new(checkout, people.rows(90))
    assert (checkout / "profiles/people.yaml").read_bytes() == before
    new(checkout, people.rows(90), force=True)
    assert (checkout / "profiles/people.yaml").read_bytes() != before


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("number", range(1, 61), "identifier"),
        ("code", [f"x{number}" for number in range(60)], "identifier"),
        ("same", ["a"] * 60, "constant"),
        ("empty", [""] * 60, "constant"),
        ("postcode", [f"0{number % 7}" for number in range(60)], "categorical"),
        ("weight", [f"{number}.25" for number in range(60)], "numeric"),
        ("flag", ["0", "1"] * 30, "boolean"),
        ("born", [f"{number % 12 + 13}.03.1950" for number in range(60)], "date"),
        ("born", [f"2022-03-19 20:07:{number:02}.339000+0100" for number in range(60)], "date"),
        ("born", [f"2022-03-19T20:07:{number:02}.339Z" for number in range(60)], "date"),
    ],
)
def test_the_kind_of_a_column_is_inferred_from_its_values(checkout, name, values, kind):
    rows, header = with_column(name, values)
    new(checkout, rows, header=header)
    assert profiles.load(checkout, "people").data.source.columns[name].kind == kind


def test_a_column_with_one_value_in_a_few_rows_alone_is_left_out_with_the_option_that_makes_it_an_input(checkout):
    rows, header = with_column("holiday", ["x"] * 5 + [""] * 55)
    said = new(checkout, rows, header=header)
    note = 'holiday: "x" in 5 rows and nothing in the others; if that tells them apart --kind "holiday=categorical"'
    assert f"  {note}\n" in said
    new(checkout, rows, header=header, kinds=["holiday=categorical"], force=True)
    column = profiles.load(checkout, "people").data.source.columns["holiday"]
    assert (column.kind, column.levels, column.missing) == ("categorical", ("x",), True)


@pytest.mark.parametrize(("options", "says"), [({}, True), ({"group": "house"}, False)])
def test_only_a_column_that_may_be_an_input_is_said_to_make_one_of_each_text(checkout, options, says):
    rows, header = with_column("house", [f"h{min(number, 54)}" for number in range(60)])
    said = new(checkout, rows, header=header, **options)
    assert "house: 55 different texts in 60 rows" in said and ("makes each an input" in said) == says


@pytest.mark.parametrize(
    ("name", "values", "found"),
    [
        ("weight", [f'"{number},25"' for number in range(60)], 'column weight, line 2: found "0,25", a number with a comma'),
        ("weight", ["old", *range(59)], 'column weight, line 2: found "old", one of 1 texts among 59 numbers'),
        ("weight", ["inf", *range(59)], 'column weight, line 2: found "inf"; allowed: finite numbers'),
        ("born", ["01/02/1950", "03/04/1951"] * 30, "a date that can be read as %d/%m/%Y or %m/%d/%Y"),
        ("born", ["soon", *["2020-01-01", "2020-02-03"] * 29, ""], 'column born, line 2: found "soon", one of 1 texts'),
        ("level", ["a${b}", "c"] * 30, "levels of printed characters"),
    ],
)  # fmt: skip
def test_what_is_not_clear_is_refused_with_the_option_that_makes_it_clear(checkout, name, values, found):
    rows, header = with_column(name, values)
    (line,) = refused(checkout, rows, header=header)
    assert found in line and line.startswith("people.csv: ")


@pytest.mark.parametrize(
    ("kind", "values", "option"),
    [
        ("categorical", [f"{number % 9},25" for number in range(60)], "level=categorical"),
        ("date", ["01/02/1950", "03/04/1951"] * 30, "level=date:%d/%m/%Y"),
    ],
)
def test_a_kind_that_is_named_is_taken(checkout, kind, values, option):
    rows, header = with_column("level", [f'"{value}"' for value in values])
    new(checkout, rows, header=header, kinds=[option])
    assert profiles.load(checkout, "people").data.source.columns["level"].kind == kind


@pytest.mark.parametrize(
    ("targets", "found"),
    [
        (["a"] * 60, 'found one class, "a", in every row'),
        (["a", *["b", "c"] * 29, "b"], 'line 2: found 1 example of the class "a"'),
        (["", *["a", "b"] * 29, "a"], "line 2: found 1 row without a target"),
        (["inf", *["0", "1"] * 29, "0"], "line 2: found 1 infinite targets"),
        ([f"c{number}" for number in range(60)], "60 of 60 classes with fewer than 3 examples"),
        ([""] * 60, "no value at all"),
        (
            ["unknown", *(f"{number}.5" for number in range(59))],
            'line 2: found "unknown", one of 1 texts among 59 numbers',
        ),
        ([f'"{number},5"' for number in range(60)], 'line 2: found "0,5", a number with a comma'),
        (["0"] + ["3", "4"] * 29 + ["3"], 'join classes; --kind "answer=numeric" if the numbers are amounts'),
    ],
)
def test_targets_that_are_no_classes_are_refused(checkout, targets, found):
    rows, header = with_column("answer", targets)
    lines = refused(checkout, rows, header=header, target="answer")
    assert any(found in line and "column answer" in line for line in lines), lines


@pytest.mark.parametrize("rare", [15, 30])
def test_many_classes_with_few_rows_are_one_line_that_says_once_how_their_numbers_become_amounts(checkout, rare):
    amounts = [3200 + 50 * number for number in range(rare)]
    rows, header = with_column("mass", [*amounts, *(5000 + 50 * (number % 8) for number in range(60 - rare))])
    (line,) = refused(checkout, rows, header=header, target="mass")
    assert line.endswith('; --kind "mass=numeric" if the numbers are amounts')


def test_of_several_classes_with_few_rows_the_next_ones_are_named_with_their_lines(checkout):
    rows, header = with_column("answer", ["a", "b", "c", "d", *["e", "f", "g", "h", "i"] * 11, "b"])
    (line,) = refused(checkout, rows, header=header, target="answer")
    found = 'found 1 example of the class "a", the first of 4 classes with fewer than 3'
    assert line.startswith(f"people.csv: column answer, line 2: {found}; then ")
    assert '; then 2 of "b" in line 3, 1 of "c" in line 4, ...; allowed: 3 or more, one each for' in line


@pytest.mark.parametrize("values", [["a", "b"], ["0.5", "1.5"], ["no", "yes"]])
def test_rows_without_a_target_are_refused_with_what_to_do_about_them(checkout, values):
    rows, header = with_column("answer", ["", *values * 29, ""])
    target = "answer" if values[0] != "no" else "answer,smokes"
    (line,) = refused(checkout, rows, header=header, target=target)
    assert "line 2: found 2 rows without a target" in line
    assert line.endswith("; take the rows without one out of the data")


def test_a_missing_target_does_not_count_as_a_number_among_texts(checkout):
    rows, header = with_column("answer", ["old", "new", *[""] * 8, *(f"{number}.5" for number in range(50))])
    (line,) = refused(checkout, rows, header=header, target="answer")
    assert 'found "old", one of 2 texts among 50 numbers' in line


def test_numbers_with_fractions_are_amounts_and_the_profile_is_a_regression(checkout):
    rows, header = with_column("answer", [f"{number}.5" for number in range(60)])
    text = new(checkout, rows, header=header, target="answer")
    settings = profiles.load(checkout, "people")
    assert settings.data.source.columns["answer"].kind == "numeric"
    assert "regression" in text and "0.5 to 59.5" in text
    relevant = 0.01 * np.std(np.arange(60.0))  # one percent of the standard deviation
    assert settings.evaluation.metric == "rmse"
    assert settings.evaluation.relevant_difference == pytest.approx(relevant, rel=0.05)
    assert load_examples(settings.data).targets.tolist() == [number + 0.5 for number in range(60)]


def test_whole_numbers_with_gaps_and_fractions_of_zero_are_classes(checkout):
    for values, classes in ((["3", "7", "12"] * 20, ("3", "7", "12")), (["0.0", "1.0"] * 30, ("0.0", "1.0"))):
        rows, header = with_column("answer", values)
        new(checkout, rows, header=header, target="answer", force=True)
        assert load_examples(profiles.load(checkout, "people").data).classes == classes


@pytest.mark.parametrize("form", ["1 {:03}.25", "{}.5 kg", "{} %", "€{}", "1'{:03}"])
def test_numbers_that_are_written_for_people_are_left_out_with_a_note(checkout, form):
    values = [form.format(100 + number % 56) for number in range(60)]
    rows, header = with_column("price", [f'"{value}"' for value in values])
    text = new(checkout, rows, header=header)
    assert f'price: numbers that are written as "{values[0]}": as an input they have to be plain numbers' in text
    assert profiles.load(checkout, "people").data.source.columns["price"].kind == "text"


@pytest.mark.parametrize(
    ("values", "kind", "found"),
    [
        ([f"p{number}" for number in range(60)], "categorical", '"p0", another text in each row: an identifier'),
        (range(1, 61), "numeric", '"1", another whole number in each row: an identifier'),
        ([f"{number % 20} kg" for number in range(60)], "categorical", '"0 kg", 20 different numbers as levels'),
    ],
)
def test_a_kind_that_makes_an_input_of_what_can_be_none_is_refused_and_without_it_the_column_is_left_out(
    checkout, values, kind, found
):
    rows, header = with_column("code", values)
    (line,) = refused(checkout, rows, header=header, kinds=[f"code={kind}"])
    assert line.startswith(f"people.csv: column code, line 2: found {found}; allowed: ")
    new(checkout, rows, header=header)
    assert profiles.load(checkout, "people").data.source.columns["code"].kind in ("identifier", "text")


@pytest.mark.parametrize(
    ("values", "kind", "found"),
    [
        (["a", "b"] * 30, "numeric", 'column code, line 2: found "a", the first of 60 such rows'),
        (["1", *["2020-01-31", "2020-02-01"] * 29, ""], "date:%Y-%m-%d", 'column code, line 2: found "1"; allowed: a date'),
        (range(60), "date:%Q", 'column code: found the format "%Q"'),
        ([""] * 60, "numeric", "column code: found no value in any row"),
    ],
)  # fmt: skip
def test_a_kind_that_the_values_do_not_have_is_refused(checkout, values, kind, found):
    rows, header = with_column("code", values)
    (line,) = refused(checkout, rows, header=header, kinds=[f"code={kind}"])
    assert line.startswith(f"people.csv: {found}")


@pytest.mark.parametrize("kind", ["date:%Y", "identifier", "text", "constant"])
def test_a_kind_that_no_target_can_have_is_refused(checkout, kind):
    (line,) = refused(checkout, people.rows(), kinds=[f"disease={kind}"])
    assert line.startswith(f'--kind: found "disease={kind}", the target; allowed: categorical or boolean')


def test_a_target_of_text_that_is_named_numeric_is_one_line(checkout):
    (line,) = refused(checkout, people.rows(), kinds=["disease=numeric"])
    assert "column disease, line 2: found " in line and "the first of 60 such rows" in line


def test_the_kind_of_a_column_with_an_equals_sign_in_its_name_can_be_named(checkout):
    rows, header = with_column("a=b", [number % 9 for number in range(60)])
    new(checkout, rows, header=header, kinds=["a=b=categorical"])
    assert profiles.load(checkout, "people").data.source.columns["a=b"].kind == "categorical"


def test_a_few_rows_with_a_sentence_each_are_text_and_not_a_level_each(checkout):
    rows, header = with_column("words", [f"the {number} words of a row" for number in range(30)], count=30)
    new(checkout, rows, header=header)
    assert profiles.load(checkout, "people").data.source.columns["words"].kind == "text"


@pytest.mark.parametrize(("values", "noted"), [(12, True), (10, False)])
def test_a_target_of_many_whole_numbers_is_of_classes_and_says_how_they_become_amounts(checkout, values, noted):
    rows, header = with_column("body mass", [3200 + 50 * (number % values) for number in range(60)])
    text = new(checkout, rows, "body mass", header=header)
    option = '--kind "body mass=numeric"'
    note = f"body mass: {values} different whole numbers are classes; {option} if they are amounts"
    assert (note in text) == noted
    assert profiles.load(checkout, "people").data.source.columns["body mass"].kind == "categorical"
    amounts = new(checkout, rows, "body mass", header=header, force=True, kinds=["body mass=numeric"])
    assert (
        "are classes" not in amounts
        and profiles.load(checkout, "people").data.source.columns["body mass"].kind == "numeric"
    )


def test_a_column_of_remarks_that_most_rows_lack_is_no_column_of_dates(checkout):
    rows, header = with_column("remarks", ["nest seen late", "no blood sample", "moved"] * 4 + [""] * 48)
    new(checkout, rows, header=header)
    assert profiles.load(checkout, "people").data.source.columns["remarks"].kind == "categorical"


@pytest.mark.parametrize("form", ["00{}", "k{}", "{}a", "{} rooms and more", "10.0.{}.1"])
def test_codes_and_texts_with_digits_are_not_taken_for_written_numbers(checkout, form):
    rows, header = with_column("price", [form.format(100 + number % 56) for number in range(60)])
    assert "numbers that are written as" not in new(checkout, rows, header=header)


def test_an_unknown_target_is_answered_with_the_nearest_column(checkout):
    (line,) = refused(checkout, people.rows(), target="desease")
    assert (
        line.startswith('people.csv: --target: found "desease"; allowed: a column') and "did you mean disease" in line
    )


def test_columns_with_100_000_levels_are_left_out_and_no_target(checkout):
    rows = [[f"level {number // 2}", str(number % 2), str(number % 7)] for number in range(200_000)]
    text = new(checkout, rows, header=("many", "answer", "x"), target="answer")
    assert re.search(r"^many +text +left out +0 +100,000", text, re.MULTILINE)
    (checkout / "profiles/people.yaml").unlink()
    (checkout / "profiles").rmdir()
    (line,) = refused(checkout, rows, header=("many", "answer", "x"), target="many")
    assert "found 100,000 classes; allowed: from two to 1,000" in line


def test_groups_and_times_are_pointed_out_and_never_assumed(checkout):
    rows, header = with_column("patient", [number // 3 for number in range(60)])
    text = new(checkout, rows, header=header)
    assert '--group "patient"' in text and '--time "seen"' in text
    source = profiles.load(checkout, "people").data.source
    assert (source.group, source.time) == (None, None)


@pytest.mark.parametrize(("name", "asks"), [("survey_weight", True), ("fnlwgt", True), ("weight", False)])
def test_a_column_whose_name_is_that_of_weights_of_rows_is_pointed_out_and_that_of_a_body_is_not(checkout, name, asks):
    rows, header = with_column(name, [number + 0.5 for number in range(60)])
    assert (
        f'{name}: does it say how much a row counts? if so --weight "{name}"' in new(checkout, rows, header=header)
    ) == asks
    assert profiles.load(checkout, "people").data.source.weight is None
    again = new(checkout, rows, header=header, weight=name, force=True)
    assert "does it say how much a row counts" not in again


@pytest.mark.parametrize("weights", [[1.5] * 60, range(1, 61)], ids=["equal", "all different"])
def test_a_column_of_weights_is_no_input_whatever_its_values(checkout, weights):
    rows, header = with_column("weight", weights)
    text = new(checkout, rows, header=header, weight="weight")
    assert re.search(r"^weight +numeric +weight ", text, re.MULTILINE)
    source = profiles.load(checkout, "people").data.source
    assert source.weight == "weight" and "weight" not in source.used
    assert load_examples(profiles.load(checkout, "people").data).weights.tolist() == list(weights)
    written = (checkout / "profiles/people.yaml").read_text()
    assert (
        "weight: weight   # of each example in the loss of a training; metrics and verdicts count every one once"
        in written
    )


def test_the_command_check_reads_the_weights_and_names_the_baseline_that_takes_none(checkout, monkeypatch, capsys):
    rows, header = with_column("weight", np.arange(600) % 7 / 2, count=600)
    new(checkout, rows, header=header, weight="weight")
    monkeypatch.setattr(sys, "argv", ["reglab", "check", "--profile", "people"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    said = capsys.readouterr()
    assert end.value.code == 0, said.err
    assert (
        "data.weight: no effect on baselines that take no weights of examples: k_nearest_neighbours"
        in said.out + said.err
    )


def test_weights_that_are_none_or_a_column_of_another_role_are_refused(checkout):
    rows, header = with_column("weight", [-1, *range(59)])
    (line,) = refused(checkout, rows, header=header, weight="weight")
    assert 'people.csv: column weight, line 2: found "-1"; allowed: a weight: a finite number of 0 or more' in line
    both = refused(checkout, rows, header=header, weight="disease")
    assert any(each.startswith('people.csv: --target and --weight: found "disease" more than once') for each in both)
    assert "did you mean weight" in refused(checkout, rows, header=header, weight="weigth")[0]


@st.composite
def malformed(draw: st.DrawFn) -> bytes:
    """A table as a file with one to four damages."""
    content = people.text(people.rows()).encode()
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(content)))
        lines = content.split(b"\n")
        row = draw(st.integers(0, len(lines) - 1))
        content = draw(
            st.sampled_from(
                [
                    content[:place],
                    content[:place] + draw(st.binary(min_size=3, max_size=3)) + content[place:],
                    content[:place] + b'"' + content[place:],
                    b"\n".join([*lines[:row], lines[row] + b",1", *lines[row + 1 :]]),
                    b"\n".join([*lines[:row], *lines[row + 1 :]]),
                    b"\n".join([*lines[:row], lines[row].replace(b",", b";"), *lines[row + 1 :]]),
                    content.replace(b"\n", b"\r"),
                    content.replace(b".", b","),
                    content.replace(b"disease", b"age"),
                    content.decode("latin-1").encode("utf-16"),
                    b"\x1f\x8b" + content,
                    content[place:],
                ]
            )
        )
    return content


@hypothesis.settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],  # every example writes both files anew
)
@hypothesis.given(content=malformed())
def test_a_malformed_file_is_a_clear_error_or_read_rightly(checkout, content):
    (checkout / "people.csv").write_bytes(content)
    try:
        create(checkout, "people.csv", "disease", force=True)
    except UserError as error:
        assert all(
            re.match(r"people\.csv: .*found .+; allowed: .+|people\.csv: and \d+ more", line) for line in error.lines
        )
    else:
        examples = load_examples(profiles.load(checkout, "people").data)
        assert len(examples.inputs) == len(examples.targets) > 0 and examples.targets.min() >= 0


def test_values_with_a_comma_are_told_apart_in_what_is_printed(checkout):
    colours = ['"blue, dark"', "green", "red"] * 20
    rows, header = with_column("colour", colours)
    text = new(checkout, rows, header=header)
    assert re.search(r'^colour +categorical +input +0 +3 +"blue, dark", green, red$', text, re.MULTILINE)
    text = new(checkout, rows, "colour", header=header, force=True)
    assert 'classes: "blue, dark" 20, green 20, red 20' in text
    assert profiles.load(checkout, "people").data.source.columns["colour"].levels == ("blue, dark", "green", "red")
