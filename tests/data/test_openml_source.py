"""Data sets of OpenML, from a cache that the test writes as scikit-learn does."""

import gzip
import hashlib
import json
import socket
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest

from reglab.core.errors import UserError
from reglab.data.sources.openml import OpenML

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
    assert np.array_equal(examples.inputs.values, [[number / 10, number % 7] for number in range(12)])
    assert examples.classes == ("a", "b") and examples.targets.tolist() == [0, 1] * 6


def test_another_target_than_the_declared_one_may_be_named(cache):
    rows = [f"{number},{'xy'[number % 2]},{number % 3}" for number in range(12)]
    cache(rows, ["height REAL", "count {x,y}", "kind REAL"], target="kind")
    examples = OpenML(7, target="count", data_home="cache").load()
    assert examples.classes == ("x", "y") and examples.targets.tolist() == [0, 1] * 6
    assert np.array_equal(examples.inputs.values, [[number, number % 3] for number in range(12)])


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
    found = line()
    assert found.startswith("openml 7: found nothing to read (") and "a network or a cache of scikit-learn" in found


@pytest.mark.parametrize(
    ("given", "settings", "found"),
    [
        (
            {},
            {"target": "kin"},
            "data.target: found kin; allowed: a column of openml 7: height, count, kind; did you mean kind?",
        ),
        ({"target": None}, {}, "data.target: found nothing, and openml 7 declares none"),
        ({}, {"target": "height"}, "openml 7: found columns that are no numbers: kind (category)"),
        ({"rows": [*ROWS, "?,1,a"]}, {}, "openml 7: found a missing or infinite value in height, row 12"),
        ({"rows": ROWS[::2]}, {}, "openml 7: kind: found one class, a"),
        ({"columns": ["height REAL", "count INTEGER", "kind STRING"], "target": "count"}, {}, "no numbers: kind"),
        (
            {"rows": [row[:-1] + "1.5" for row in ROWS], "columns": [*COLUMNS[:2], "kind REAL"]},
            {},
            "openml 7: kind: found the same amount, 1.5, in every row",
        ),
        (
            {"rows": [*(f"{number},{number / 4},1" for number in range(11)), "1,?,1"], "columns": NUMBERS},
            {"target": "count"},
            "openml 7: count, row 11: found nothing; allowed: a target in each row",
        ),
    ],
)
def test_what_cannot_be_learned_from_is_one_line(cache, given, settings, found):
    cache(**given)
    assert found in line(**settings)
