"""Data sets of OpenML, from a cache that the test writes as scikit-learn does."""

import gzip
import hashlib
import json
import shutil
import socket
from dataclasses import replace
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pandas as pd
import pytest

from reglab.config.data_report import load_with_columns
from reglab.core.errors import UserError
from reglab.data.settings import Data
from reglab.data.sources.openml import OpenML
from reglab.data.sources.table import Table
from reglab.data.tables.settings import Column

ROWS = [f"{number / 10},{number % 7},{'ab'[number % 2]}" for number in range(12)]
COLUMNS = ["height REAL", "count INTEGER", "kind {a,b}"]
NUMBERS = ["height REAL", "count REAL", "kind REAL"]


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*arguments, **options):
        raise OSError("no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Writes the answers of openml.org on data set 7 where `fetch_openml` looks for them."""
    monkeypatch.chdir(tmp_path)

    def write(rows=ROWS, columns=COLUMNS, target="kind") -> None:
        arff = (
            "@RELATION own\n"
            + "\n".join(f"@ATTRIBUTE {each}" for each in columns)
            + "\n@DATA\n"
            + "\n".join(rows)
            + "\n"
        )
        features = []
        for index, column in enumerate(columns):
            name, kind = column.split(" ", 1)
            missing = sum(row.split(",")[index] == "?" for row in rows)
            kinds = {"REAL": "numeric", "INTEGER": "numeric", "STRING": "string"}
            features.append(
                {"index": str(index), "name": name, "data_type": kinds.get(kind, "nominal"), "is_ignore": "false"}
                | {"is_target": str(name == target).lower(), "is_row_identifier": "false"}
                | {"number_of_missing_values": str(missing)}
            )
        checksum = hashlib.md5(arff.encode()).hexdigest()
        description = {
            "id": "7",
            "name": "own",
            "version": "1",
            "format": "ARFF",
            "status": "active",
            "file_id": "70",
            "description": "own",
        }
        description |= {"md5_checksum": checksum, "url": "https://api.openml.org/data/v1/download/70/own.arff"}
        description |= {"default_target_attribute": target} if target else {}
        qualities = [{"name": "NumberOfInstances", "value": str(len(rows))}]
        qualities += [{"name": "NumberOfFeatures", "value": str(len(columns))}]
        for path, content in {
            "api/v1/json/data/7": json.dumps({"data_set_description": description}),
            "api/v1/json/data/features/7": json.dumps({"data_features": {"feature": features}}),
            "api/v1/json/data/qualities/7": json.dumps({"data_qualities": {"quality": qualities}}),
            "data/v1/download/70/own.arff": arff,
        }.items():
            file = Path("cache/openml/openml.org", f"{path}.gz")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(gzip.compress(content.encode()))

    return write


def line(**settings) -> str:
    with pytest.raises(UserError) as error:
        OpenML(**{"id": 7, "data_home": "cache"} | settings).load()
    [only] = error.value.lines
    assert "found" in only and "; allowed: " in only
    return only


def test_a_data_set_in_the_cache_is_read_without_a_network(cache):
    cache()
    examples = OpenML(7, data_home="cache", scaling="none").load()
    assert np.array_equal(examples.inputs.numeric, [[number / 10, number % 7] for number in range(12)])
    assert examples.classes == ("a", "b") and examples.targets.tolist() == [0, 1] * 6


def test_another_target_than_the_declared_one_may_be_named(cache):
    rows = [f"{number},{'xy'[number % 2]},{number % 3}" for number in range(12)]
    cache(rows, ["height REAL", "count {x,y}", "kind REAL"], target="kind")
    examples = OpenML(7, target="count", data_home="cache").load()
    assert examples.classes == ("x", "y") and examples.targets.tolist() == [0, 1] * 6
    assert np.array_equal(examples.inputs.numeric, [[number, number % 3] for number in range(12)])


MIXED = ["age REAL", "town {north,south,west}", "name STRING", "visits INTEGER", "sex STRING", "ill {no,yes}"]
PEOPLE = [
    f"{'?' if row % 10 == 3 else 20.5 + row},{'?' if row % 12 == 5 else ('north', 'south', 'west')[row // 20]},"
    f"person{row},{row % 4},{('f', 'm')[row % 2]},{('no', 'yes')[row // 3 % 2]}"
    for row in range(60)
]


@pytest.fixture
def same_table(cache, tmp_path) -> Table:
    """Puts mixed columns into the cache, and the same rows into a csv file with the schema that a person would write."""
    cache(PEOPLE, MIXED, target="ill")
    names = [column.split()[0] for column in MIXED]
    (tmp_path / "people.csv").write_text("\n".join([",".join(names), *PEOPLE]) + "\n")
    columns = {
        "age": Column("numeric", missing=True),
        "town": Column("categorical", ("north", "south", "west"), missing=True),
        "name": Column("identifier"),
        "visits": Column("numeric"),
        "sex": Column("categorical", ("f", "m")),
        "ill": Column("categorical", ("no", "yes")),
    }
    return Table(file="people.csv", target="ill", columns=columns)


def test_mixed_columns_with_missing_values_are_prepared_as_those_of_the_same_table(same_table):
    wanted, examples = same_table.load(), OpenML(7, data_home="cache").load()
    assert np.array_equal(examples.targets, wanted.targets) and examples.classes == wanted.classes == ("no", "yes")
    assert examples.inputs.description() == wanted.inputs.description()
    train = np.arange(0, 60, 2)
    prepared, as_table = (each.inputs.take(train).fit().transform(each.inputs) for each in (examples, wanted))
    assert np.array_equal(prepared, as_table)
    assert prepared.shape == (
        60,
        2 + 1 + (3 + 1) + (2 + 1),
    )  # numbers, an indicator, levels and rare ones of two columns


def test_the_report_on_the_data_describes_its_columns(same_table):
    lines = []
    examples = load_with_columns(Data("openml", 30, 15, 15, source=OpenML(7, data_home="cache")), lines)
    assert len(examples.targets) == 60
    assert {
        ("4", 'columns are used as inputs: "age", "town", "visits", "sex".'),
        ("1", 'column is left out, of the kind text: "name".'),
        ("6", 'rows have no value in the column "age", 10.0%.'),
    } <= set(lines)


def test_an_amount_of_mixed_columns_is_that_of_the_same_table(cache, same_table):
    wanted = replace(same_table, target="visits", columns=same_table.columns | {"visits": Column("numeric")}).load()
    rows = [",".join([*row.split(",")[:3], f"{row.split(',')[3]}.5", *row.split(",")[4:]]) for row in PEOPLE]
    cache(rows, [each.replace("INTEGER", "REAL") for each in MIXED], target="visits")
    examples = OpenML(7, data_home="cache").load()
    assert np.array_equal(examples.targets, wanted.targets + 0.5) and examples.classes == ()
    assert examples.inputs.description() == wanted.inputs.description()
    assert np.array_equal(examples.inputs.codes, wanted.inputs.codes)


def test_new_rows_are_read_by_what_the_study_knows_and_need_no_data_set(same_table, tmp_path):
    source = OpenML(7, data_home="cache")
    inputs = source.load().inputs
    shutil.rmtree("cache")
    reader = source.reader(inputs.description())
    (tmp_path / "new.csv").write_text("age,town,visits,sex\n,west,2,m\n31.5,?,1,f\n")
    new = reader.load_new("new.csv").inputs
    assert new.description() == inputs.description()
    assert np.array_equal(new.numeric, [[np.nan, 2], [31.5, 1]], equal_nan=True)
    assert new.codes.tolist() == [[2, 1], [-1, 0]]
    assert reader.input_columns == {"age": "number", "visits": "number", "town": "text", "sex": "text"}
    assert reader.of_frame(pd.DataFrame([reader.example_row(inputs)])).codes.tolist() == [[0, 0]]
    (tmp_path / "new.csv").write_text("age,town,visits,sex\n1,east,2,m\n")
    with pytest.raises(UserError, match='column town, line 2: found "east"; allowed: a level of the schema: "north'):
        reader.load_new("new.csv")


def test_a_level_that_is_spelled_as_a_missing_value_elsewhere_is_a_level(cache):
    cache(
        [f"{row},{('None', 'brick')[row % 2]},{row // 2 % 2}" for row in range(12)],
        ["a REAL", "wall {None,brick}", "b {0,1}"],
        "b",
    )
    source = OpenML(7, data_home="cache")
    inputs = source.load().inputs
    assert inputs.levels == (("None", "brick"),) and inputs.codes[:, 0].tolist() == [0, 1] * 6
    frame = pd.DataFrame({"a": [1.0, 2.0], "wall": ["None", ""]})
    assert source.reader(inputs.description()).of_frame(frame).codes.tolist() == [[0], [-1]]


def test_a_column_with_too_many_levels_is_left_out(cache):
    rows = [f"{row},n{row},s{row % 55},{'ab'[row % 2]}" for row in range(1_002)]
    cache(rows, ["height REAL", f"id {{{','.join(f'n{row}' for row in range(1_002))}}}", "town STRING", "kind {a,b}"])
    examples = OpenML(7, data_home="cache").load()
    assert examples.inputs.names == ("height", "town") and len(examples.inputs.levels[0]) == 55
    cache(rows[:500], ["height REAL", "id STRING", "town STRING", "kind {a,b}"])
    assert OpenML(7, data_home="cache").load().inputs.names == ("height",)  # 55 of 500 strings differ, more than 50


def test_a_target_of_many_whole_numbers_is_an_amount_and_of_few_the_classes(cache):
    cache([f"{row},{row % 3},{row}" for row in range(120)], ["a REAL", "few INTEGER", "many INTEGER"], "many")
    assert OpenML(7, data_home="cache").load().targets.tolist() == list(range(120))
    classes = OpenML(7, target="few", data_home="cache").load()
    assert classes.classes == ("0", "1", "2") and classes.targets.tolist() == [0, 1, 2] * 40


def test_a_target_of_decimal_numbers_is_an_amount(cache):
    cache([f"{number},{number % 3},{number / 4}" for number in range(12)], [*COLUMNS[:2], "kind REAL"])
    examples = OpenML(7, data_home="cache").load()
    assert examples.targets.dtype == np.float64 and examples.targets.tolist() == [number / 4 for number in range(12)]
    assert examples.classes == ()


def test_without_network_and_cache_there_is_one_line(tmp_path, monkeypatch):
    def unreachable(*_, **__):
        raise URLError("no route to the server")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sklearn.datasets._openml.urlopen", unreachable)  # whether or not this machine has a network
    message = line()
    assert message.startswith("openml 7: found nothing to read (") and "a network or a cache of scikit-learn" in message


@pytest.mark.parametrize(
    ("given", "settings", "found"),
    [
        (
            {},
            {"target": "kin"},
            "data.target: found kin; allowed: a column of openml 7: height, count, kind; did you mean kind?",
        ),
        ({"target": None}, {}, "data.target: found nothing, and openml 7 declares none"),
        (
            {"rows": [*ROWS, "inf,1,a"]},
            {},
            'openml 7: column height, row 13: found "inf"; allowed: a finite number with a decimal "."',
        ),
        ({"rows": ROWS[::2]}, {}, 'openml 7: column kind: found one class, "a", in every row'),
        (
            {"rows": ["1,2,a"] * 4 + ["1,2,b"] * 4},
            {},
            "openml 7: data.columns: found no column that is an input; allowed: at least one column of the kinds",
        ),
        (
            {"rows": [row[:-1] + "1.5" for row in ROWS], "columns": [*COLUMNS[:2], "kind REAL"]},
            {},
            "openml 7: column kind: found the same amount, 1.5, in every row",
        ),
        (
            {"rows": [*(f"{number},{number / 4},1" for number in range(11)), "1,?,1"], "columns": NUMBERS},
            {"target": "count"},
            "openml 7: column count, row 12: found 1 row without a target; allowed: an amount in each row",
        ),
    ],
)
def test_what_cannot_be_learned_from_is_one_line(cache, given, settings, found):
    cache(**given)
    assert found in line(**settings)
