"""The source `table`: right files are read, and every other file is an error that names column and line."""

import gzip
import itertools
import json
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tables_of_people as people

from reglab.core.errors import UserError
from reglab.data.sources.table import Table
from reglab.data.tables.files import read, records
from reglab.data.tables.settings import Column

SCHEMA = {
    "age": Column("numeric"),
    "sex": Column("categorical", ("f", "m", "other")),
    "smokes": Column("boolean", ("no", "yes")),
    "seen": Column("date", format="%Y-%m-%d"),
    "disease": Column("categorical", ("absent", "present")),
}


def table(file: str, **settings) -> Table:
    return Table(**{"file": file, "target": "disease", "columns": SCHEMA} | settings)


def problems(file: str, **settings) -> list[str]:
    with pytest.raises(UserError) as error:
        table(file, **settings).load()
    return list(error.value.lines)


@pytest.fixture
def rows() -> list[list[str]]:
    return people.rows()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "people.csv"


def test_it_reads_numbers_levels_truth_values_and_dates(path, rows):
    examples = table(people.write(path, rows)).load()
    assert examples.inputs.names == ("age", "smokes", "seen", "sex")
    first = examples.inputs.numeric[0]
    days = (np.datetime64(rows[0][3]) - np.datetime64("1970-01-01")).astype(int)
    assert first.tolist() == [float(rows[0][0]), float(rows[0][2] == "yes"), days]
    assert examples.inputs.codes[:, 0].tolist() == [("f", "m", "other").index(row[1]) for row in rows]
    assert (examples.targets.tolist(), examples.classes) == ([0, 1] * 30, ("absent", "present"))


def test_tabs_line_ends_byte_order_marks_compression_and_parquet_change_nothing(path, rows, tmp_path):
    wanted = table(people.write(path, rows)).load().inputs
    tabs = people.write(tmp_path / "tabs.tsv", rows, mark="\t", newline="\r\n")
    marked, packed, columnar = tmp_path / "marked.csv", tmp_path / "packed.csv.gz", tmp_path / "people.parquet"
    marked.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    packed.write_bytes(gzip.compress(path.read_bytes()))
    pd.read_csv(path).to_parquet(columnar)
    for file, mark in ((tabs, "tab"), (str(marked), ","), (str(packed), ","), (str(columnar), ",")):
        inputs = table(file, delimiter=mark).load().inputs
        np.testing.assert_array_equal(inputs.numeric, wanted.numeric)
        np.testing.assert_array_equal(inputs.codes, wanted.codes)


def test_a_pattern_reads_its_files_in_their_order_and_names_the_file_of_a_problem(tmp_path, rows):
    people.write(tmp_path / "a.csv", rows[:30])
    rows[40][0] = "old"
    second = people.write(tmp_path / "b.csv", rows[30:])
    (line,) = problems(str(tmp_path / "*.csv"))
    assert line.startswith(f'{second}: column age, line 12: found "old"; allowed: a finite number')


def test_groups_times_and_parts_come_from_columns_that_are_no_inputs(path, rows):
    settings = {"group": "sex", "time": "seen"}
    examples = table(people.write(path, rows), **settings).load()
    assert examples.inputs.names == ("age", "smokes")
    assert [examples.groups[number] == examples.groups[0] for number in range(60)] == [
        row[1] == rows[0][1] for row in rows
    ]
    order = np.argsort(examples.times, kind="stable")
    assert [rows[number][3] for number in order] == sorted(row[3] for row in rows)


WEIGHTED = (*people.HEADER, "survey_weight")
WITH_WEIGHT = {"columns": SCHEMA | {"survey_weight": Column("numeric")}, "weight": "survey_weight"}


def weighted(path, rows, weights) -> str:
    return people.write(path, [[*row, str(weight)] for row, weight in zip(rows, weights, strict=True)], WEIGHTED)


def test_a_column_of_weights_is_read_and_is_no_input(path, rows, tmp_path):
    weights = [0.0, 1200.5, *range(58)]
    source = table(weighted(path, rows, weights), **WITH_WEIGHT)
    examples = source.load()
    assert examples.weights.tolist() == weights and examples.weights.dtype == np.float64
    assert examples.inputs.names == ("age", "smokes", "seen", "sex")
    assert table(people.write(path, rows)).load().weights is None
    new = people.write(tmp_path / "new.csv", [row[:4] for row in rows], people.HEADER[:4])
    assert len(source.load_new(new).inputs) == 60  # which needs no weights


@pytest.mark.parametrize(
    ("places", "found"),
    [
        ({3: "-0.5"}, ['column survey_weight, line 5: found "-0.5"; allowed: a weight: a finite number of 0 or more']),
        ({0: "", 4: "nan"}, ["line 2: found nothing, the first of 2 such rows; then nothing in line 6; allowed: a weight"]),
        ({7: "inf", 9: "many"}, ['line 9: found "inf", the first of 2 such rows; then "many" in line 11; allowed: a weight']),
        (dict.fromkeys(range(60), "0"), ["column survey_weight: found the weight 0 in every row; allowed: some weights"]),
    ],
)  # fmt: skip
def test_weights_that_are_none_are_named_with_column_and_line(path, rows, places, found):
    file = weighted(path, rows, [places.get(number, "1") for number in range(60)])
    lines = problems(file, **WITH_WEIGHT)
    assert len(lines) == len(found) and all(each in line for each, line in zip(found, lines, strict=True)), lines


def test_a_weight_of_another_kind_or_without_a_column_is_refused(path, rows):
    assert problems(people.write(path, rows), weight="sex") == [
        f"{path}: column sex: found a weight of the kind categorical; allowed: kind: numeric, with weights of 0 or more"
    ]
    [line] = problems(people.write(path, rows), weight="age_group")
    assert 'data.weight: found no column "age_group"; allowed: a column of data.columns' in line


def test_a_decimal_comma_is_read_where_it_is_named(path, rows):
    with_commas = [[row[0].replace(".", ","), *row[1:]] for row in rows]
    examples = table(people.write(path, with_commas, mark=";"), delimiter=";", decimal=",").load()
    assert examples.inputs.numeric[:, 0].tolist() == [float(row[0]) for row in rows]


@pytest.mark.parametrize(
    ("column", "text", "found"),
    [
        ("age", "3,5", 'column age, line 9: found "3,5"; allowed: a finite number with a decimal "."'),
        ("age", "inf", 'column age, line 9: found "inf"; allowed: a finite number'),
        ("age", "1e999", 'column age, line 9: found "1e999"; allowed: a finite number'),
        ("age", "12 kg", 'column age, line 9: found "12 kg"; allowed: a finite number'),
        ("age", "", "column age, line 9: found nothing; allowed: a value in each row"),
        ("sex", "F", 'column sex, line 9: found "F"; allowed: a level of the schema: "f, m, other"'),
        ("smokes", "maybe", 'column smokes, line 9: found "maybe"; allowed: a level of the schema: "no, yes"'),
        ("seen", "03.04.2020", 'column seen, line 9: found "03.04.2020"; allowed: a date of the format "%Y-%m-%d"'),
        ("disease", "unknown", 'column disease, line 9: found "unknown"; allowed: one of the classes absent, present'),
        ("disease", "NA", "column disease, line 9: found 1 row without a target; allowed: a class in each row"),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_column_and_line(path, rows, column, text, found):
    rows[7][people.HEADER.index(column)] = f'"{text}"'
    (line,) = problems(people.write(path, rows))
    assert line.startswith(f"{path}: {found}")


def test_all_problems_are_reported_at_once_and_counted_beyond_the_first(path, rows):
    for row in rows[:10]:
        row[0] = "old"
    rows[20][3] = "never"
    lines = problems(people.write(path, rows))
    assert len(lines) == 2 and "column seen, line 22" in lines[1]
    found = 'column age, line 2: found "old", the first of 10 such rows; then "old" in line 3, "old" in line 4, ...'
    assert lines[0].startswith(f"{path}: {found}")


def test_a_line_is_that_of_the_file_after_empty_lines_and_values_in_several_lines(path, rows):
    rows[1][1] = '"oth\ner"'
    rows[5][0] = "old"
    path.write_text(Path(people.write(path, rows)).read_text().replace("\n", "\n\n", 1))
    first, second = problems(str(path))
    assert first.startswith(f'{path}: column age, line 9: found "old"')
    assert second.startswith(f'{path}: column sex, line 4: found "oth\\ner"')


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda text: "", "found an empty file"),
        (lambda text: "\n\n\n", "found empty lines alone"),
        (lambda text: text.split("\n")[0], "found the names of columns and no rows"),
        (lambda text: text.replace(",", ";"), 'line 1: found one column with the delimiter ","; the line has 4 of ";"'),
        (lambda text: text.replace("sex", "age", 1), 'line 1: found 2 columns with the name "age"'),
        (lambda text: text.replace("sex", "gender", 1), "column sex: found no such column"),
        (lambda text: text + "1,f\n", "line 62: found 2 fields; allowed: 5, as the header has"),
        (lambda text: text.split("\n", 1)[1], "column age: found no such column"),
        (lambda text: "1,2,3,4,5\n" + text, "line 1: found numbers alone"),
        (lambda text: text.replace("absent", "present"), "found no value"),
        (lambda text: "\n".join(text.split("\n")[:2]) + "\n", "column disease"),
        (lambda text: text.replace("f", "\0"), "found a byte 0"),
    ],
)
def test_a_file_of_another_form_is_one_clear_error(path, rows, change, found):
    people.write(path, rows)
    path.write_text(change(path.read_text()))
    lines = problems(str(path))
    if found == "found no value":
        assert "found 0 examples of the class" in lines[0]
    else:
        assert any(found in line for line in lines), lines
    assert all(line.startswith(str(path)) for line in lines)


@pytest.mark.parametrize("mark", [";;", "é", '"', "\n"])
def test_a_delimiter_that_no_file_can_have_is_refused(path, rows, mark):
    people.write(path, rows)
    with pytest.raises(UserError) as error:
        table(str(path), delimiter=mark).load()
    assert str(error.value).startswith(
        f"{path}: found the delimiter {json.dumps(mark, ensure_ascii=False)}; allowed: one"
    )


def test_text_in_another_encoding_is_named_with_its_line_and_read_where_the_encoding_is_named(path, rows):
    columns = SCHEMA | {"sex": Column("categorical", ("f", "m", "weiblich ä", "other"))}
    rows[3][1] = "weiblich ä"
    path.write_bytes(people.write(path, rows) and path.read_text(encoding="utf-8").encode("cp1252"))
    (line,) = problems(str(path), columns=columns)
    assert line.startswith(f"{path}: line 5: found the byte 0xe4, which is not UTF-8; allowed: a text in UTF-8")
    assert table(str(path), columns=columns, encoding="cp1252").load().inputs.codes[3, 0] == 2


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"target": "disese"}, 'found no column "disese"; allowed: a column of data.columns; did you mean disease'),
        ({"target": "seen"}, "data.columns.seen: found a target of the kind date"),
        ({"columns": {"age": Column("identifier"), "disease": SCHEMA["disease"]}}, "data.columns: found no column that is"),
        ({"columns": SCHEMA | {"sex": Column("categorical")}}, "data.columns.sex: found no levels"),
        ({"columns": SCHEMA | {"seen": Column("date")}}, "data.columns.seen: found no format"),
        ({"time": "sex"}, "column sex: found a time of the kind categorical"),
        ({"parts": "sex"}, 'column sex, line 2: found "'),
        ({"file": "data/nowhere.csv"}, "data/nowhere.csv: found no such file"),
        ({"encoding": "klingon"}, "found the encoding 'klingon'"),
    ],
)  # fmt: skip
def test_settings_that_contradict_the_file_are_named(path, rows, settings, found):
    file = people.write(path, rows)
    lines = problems(**{"file": file} | settings)
    assert any(found in line for line in lines), lines


def test_a_numeric_target_is_an_amount_and_no_input(path, rows):
    examples = table(people.write(path, rows), target="age").load()
    assert examples.targets.dtype == np.float64 and examples.targets.tolist() == [float(row[0]) for row in rows]
    assert examples.classes == () and "age" not in examples.inputs.names


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ({7: ""}, "column age, line 9: found 1 row without a target; allowed: an amount in each row"),
        ({7: "inf"}, 'column age, line 9: found "inf"; allowed: a finite number'),
        ({7: "old"}, 'column age, line 9: found "old"; allowed: a finite number'),
        (
            dict.fromkeys(range(60), "4.5"),
            "column age: found the same amount, 4.5, in every row; allowed: amounts that",
        ),
        (dict.fromkeys(range(60), ""), "column age: found no value at all; allowed: an amount in each row"),
    ],
)
def test_amounts_that_cannot_be_learned_are_one_line(path, rows, texts, found):
    for number, text in texts.items():
        rows[number][0] = text
    (line,) = problems(people.write(path, rows), target="age")
    assert line.startswith(f"{path}: {found}")


def test_a_class_with_one_example_and_one_class_alone_are_refused(path, rows):
    for row in rows[1:]:
        row[4] = "present"
    (line,) = problems(people.write(path, rows))
    assert "column disease, line 2: found 1 example of the class" in line
    (line,) = problems(str(path), columns=SCHEMA | {"disease": Column("categorical", ("present",))})[:1]
    assert "column disease: found one class" in line


def test_a_column_without_any_value_is_refused_where_it_is_an_input(path, rows):
    for row in rows:
        row[0] = ""
    (line,) = problems(people.write(path, rows), columns=SCHEMA | {"age": Column("numeric", missing=True)})
    assert line.startswith(f"{path}: column age: found no value in any row; allowed: values, or kind: constant")
    assert table(str(path), columns=SCHEMA | {"age": Column("constant", missing=True)}).load()


def test_new_rows_need_the_inputs_alone_and_are_read_as_those_of_the_study(path, tmp_path, rows):
    source = table(people.write(path, rows))
    whole = source.load().inputs
    new = people.write(tmp_path / "new.csv", [row[:4] for row in rows], people.HEADER[:4])
    for file in (new, source.file):  # without the target, and with it
        inputs = source.load_new(file).inputs
        assert np.array_equal(inputs.numeric, whole.numeric) and np.array_equal(inputs.codes, whole.codes)
    one = people.write(tmp_path / "one.csv", [rows[0][:4]], people.HEADER[:4])
    assert len(source.load_new(one).inputs) == 1


def test_rows_of_a_data_frame_are_read_and_refused_as_those_of_a_file(path, rows):
    source = table(people.write(path, rows))
    whole, frame = source.load().inputs, pd.DataFrame([row[:4] for row in rows], columns=people.HEADER[:4])
    assert source.input_columns == {"age": "number", "sex": "text", "smokes": "text", "seen": "text"}
    for ages in (frame["age"], frame["age"].astype(float), frame["age"].astype(float).astype(object)):
        inputs = source.of_frame(frame.assign(age=ages))
        assert np.array_equal(inputs.numeric, whole.numeric) and np.array_equal(inputs.codes, whole.codes)
    assert np.array_equal(replace(source, decimal=",").of_frame(frame.assign(age=1.5)).numeric[:, 0], [1.5] * len(rows))
    frame.loc[2, "sex"], frame["age"] = "x", [None, *map(float, frame["age"][1:])]
    with pytest.raises(UserError) as error:
        source.of_frame(frame)
    assert error.value.lines == (
        "new rows: column age, row 1: found nothing; allowed: a value in each row, as the schema says",
        'new rows: column sex, row 3: found "x"; allowed: a level of the schema: "f, m, other"',
    )


def test_one_new_row_may_lack_a_value_that_the_schema_lets_be_missing(path, rows, tmp_path):
    columns = SCHEMA | {"age": Column("numeric", missing=True)}
    source = table(people.write(path, rows), columns=columns)
    new = people.write(tmp_path / "one.csv", [["", *rows[0][1:4]]], people.HEADER[:4])
    assert np.isnan(source.load_new(new).inputs.numeric[0, 0])


def test_one_new_row_without_a_value_that_the_schema_needs_is_named_by_its_line(path, rows, tmp_path):
    source = table(people.write(path, rows))
    new = people.write(tmp_path / "new.csv", [["", *rows[0][1:4]]], people.HEADER[:4])
    with pytest.raises(UserError) as error:
        source.load_new(new)
    assert error.value.lines == (
        f"{new}: column age, line 2: found nothing; allowed: a value in each row, as the schema says",
    )


def test_new_rows_that_do_not_fit_the_schema_are_lines_with_column_and_row(path, tmp_path, rows):
    source = table(people.write(path, rows))
    wrong = [[*rows[0][:3], "2020-13-01"], ["old", "x", *rows[1][2:4]]]
    with pytest.raises(UserError) as error:
        source.load_new(people.write(tmp_path / "new.csv", wrong, people.HEADER[:4]))
    assert len(error.value.lines) == 3 and all("new.csv: " in line for line in error.value.lines)
    with pytest.raises(UserError, match="column seen: found no such column"):
        source.load_new(people.write(tmp_path / "less.csv", [row[:3] for row in rows], people.HEADER[:3]))


def test_only_a_column_that_is_expected_nowhere_else_is_suggested_for_a_missing_one(path, rows, tmp_path):
    source = table(people.write(path, rows), columns=SCHEMA | {"ages": Column("numeric")})
    (line,) = problems(str(path), columns=source.columns)
    assert "column ages: found no such column" in line and "did you mean" not in line
    new = people.write(tmp_path / "new.csv", [row[:4] for row in rows], ("agee", *people.HEADER[1:4]))
    with pytest.raises(UserError, match=r"column age: found no such column.*; did you mean agee\?"):
        table(str(path)).load_new(new)


def test_a_column_that_new_rows_have_too_much_is_refused_with_words_for_who_predicts(path, rows, tmp_path):
    source = table(people.write(path, rows))
    new = people.write(tmp_path / "new.csv", [[*row[:4], "43"] for row in rows], (*people.HEADER[:4], "shoe"))
    with pytest.raises(UserError, match=r"column shoe: .*; allowed: in rows to predict, .*: leave this one out"):
        source.load_new(new)


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (lambda text: text.replace(",", ";").encode(), "rows to predict have that of their study"),
        (lambda text: text.replace("other", "ä").encode("cp1252"), "rows to predict have that of their study"),
        (lambda text: text.encode("utf-16"), "rows to predict have that of their study"),
    ],
    ids=["delimiter", "encoding", "utf-16"],
)
def test_new_rows_of_another_form_are_refused_with_what_is_true_of_them(path, rows, tmp_path, change, wanted):
    source, new = table(people.write(path, rows)), tmp_path / "new.csv"
    new.write_bytes(change(path.read_text()))
    with pytest.raises(UserError, match=wanted):
        source.load_new(str(new))


def test_the_first_lines_of_a_large_file_take_little_memory():
    content = b"a,b\n" + b"1,2\n" * 2_000_000
    tracemalloc.start()
    first = [record for _, record in itertools.islice(records(content, ","), 2)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert first == [["a", "b"], ["1", "2"]] and peak < len(content) / 10


@pytest.mark.parametrize(
    "content", ["a,b\n1," + "x" * 2**21 + "\n", "a,b\r" + "1,2\r" * 2**19, "a,b\n1," + "x" * 2**21]
)
def test_the_delimiter_is_found_where_the_first_megabyte_has_no_line_or_other_line_ends(content, tmp_path):
    (tmp_path / "long.csv").write_bytes(content.encode())
    raw = read(str(tmp_path / "long.csv"))
    assert list(raw.columns) == ["a", "b"] and len(raw) == content.count("1,")


def test_a_megabyte_without_a_line_end_is_one_line_of_an_error(tmp_path):
    (tmp_path / "long.csv").write_bytes(b"a," + b"b" * 1_100_000)
    with pytest.raises(UserError, match='line 1: found the column name "bbb'):
        read(str(tmp_path / "long.csv"))
