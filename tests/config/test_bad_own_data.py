"""`reglab check` on data that no network can learn from: one clear line, exit code 2, before any work."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydantic import TypeAdapter
from ruamel.yaml import YAML

from reglab import cli
from reglab.config import own_data
from reglab.core.errors import UserError
from reglab.data.sources.table import Table

ROOT = Path(__file__).parents[2]


def array_file(folder: Path, **arrays) -> dict:
    given = {"inputs": np.zeros((30, 2)), "targets": np.arange(30) % 2}
    np.savez(folder / "own.npz", **(given | arrays))
    return {"name": "arrays", "file": "own.npz"}


def image_folder(folder: Path) -> dict:
    for name in ("cat", "dog"):
        (folder / "own" / name).mkdir(parents=True)
        for number in range(3):
            Image.effect_noise((16, 16), 64).save(folder / "own" / name / f"{number}.png")
    return {"name": "images", "folder": "own", "channels": 1}


def text_folder(folder: Path) -> dict:
    for name in ("poem", "recipe"):
        (folder / "own" / name).mkdir(parents=True)
        for number in range(3):
            (folder / "own" / name / f"{number}.txt").write_text("some words", encoding="utf-8")
    return {"name": "texts", "folder": "own"}


def table_file(folder: Path, kind: str, values, levels=None, name: str = "code") -> dict:
    """A table whose column `name` has these values and is declared to be of this kind."""
    values = list(values)
    lines = [f'{number % 7},"{value}",{"ab"[number % 2]}' for number, value in enumerate(values)]
    (folder / "own.csv").write_text("\n".join([f"size,{name},answer", *lines]) + "\n", encoding="utf-8")
    column = {"kind": kind} | ({"levels": levels or sorted(set(values))} if kind == "categorical" else {})
    columns = {"size": {"kind": "numeric"}, name: column, "answer": {"kind": "categorical", "levels": ["a", "b"]}}
    return {"name": "table", "file": "own.csv", "target": "answer", "columns": columns}


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def link(path: Path) -> None:
    path.symlink_to("/etc/hostname")


CASES = {
    "an npz that holds pickles": (
        lambda folder: array_file(folder, inputs=np.full((30, 2), None)),
        "own.npz: inputs: found an array of Python objects, a pickle",
    ),
    "labels with gaps": (
        lambda folder: array_file(folder, targets=np.arange(30) % 2 * 2),
        "own.npz: targets: found the labels 0, 2",
    ),
    "amounts that are all the same": (
        lambda folder: array_file(folder, targets=np.full(30, 0.5)),
        "own.npz: targets: found the same amount, 0.5, in every row",
    ),
    "one class": (lambda folder: array_file(folder, targets=np.zeros(30, int)), "own.npz: targets: found one class, 0"),
    "a class with one example": (
        lambda folder: array_file(folder, targets=(np.arange(30) == 3) * 1),
        "own.npz: targets: found classes with too few examples: 1 (1)",
    ),
    "a truncated image": (
        lambda folder: (image_folder(folder), cut(folder / "own/cat/1.png"))[0],
        "own/cat/1.png: found a truncated or damaged image",
    ),
    "an oversized image": (
        lambda folder: (image_folder(folder), Image.new("1", (9000, 9000)).save(folder / "own/cat/1.png"))[0],
        "own/cat/1.png: found 9,000 x 9,000 pixels; allowed: at most 67,108,864 pixels",
    ),
    "a link out of the folder": (
        lambda folder: (image_folder(folder), link(folder / "own/cat/3.png"))[0],
        "own/cat/3.png: found a link out of the folder, to /etc/hostname",
    ),
    "a text that is not UTF-8": (
        lambda folder: (text_folder(folder), (folder / "own/poem/1.txt").write_bytes(b"caf\xe9"))[0],
        "own/poem/1.txt, line 1: found the byte 0xe9, which is not UTF-8",
    ),
    "an empty text": (
        lambda folder: (text_folder(folder), (folder / "own/poem/1.txt").write_bytes(b""))[0],
        "own/poem/1.txt: found no text",
    ),
    "a folder that is not there": (
        lambda folder: text_folder(folder) | {"folder": "owm"},
        "owm: found no such folder; allowed: a folder; did you mean own?",
    ),
    "a feature that is missing in every row": (
        lambda folder: table_file(folder, "numeric", [""] * 60),
        "own.csv: column code: found no value in any row; allowed: values, or kind: constant in place of numeric",
    ),
    "an identifier as a feature": (
        lambda folder: table_file(folder, "categorical", [f"person {number}" for number in range(60)]),
        'own.csv: column code, line 2: found "person 0", another text in each row: an identifier; allowed: levels that '
        "several rows share; or kind: identifier, which leaves the column out",
    ),
    "the number of the row as a feature": (
        lambda folder: table_file(folder, "numeric", range(1, 61)),
        'own.csv: column code, line 2: found "1", another whole number in each row: an identifier; allowed: numbers that',
    ),
    "a number that is called an identifier as a feature": (
        lambda folder: table_file(folder, "numeric", range(7, 427, 7), name="person_id"),
        'own.csv: column person_id, line 2: found "7", another whole number in each row: an identifier',
    ),
    "numbers stored as text, with units": (
        lambda folder: table_file(folder, "categorical", [f"{number % 20} kg" for number in range(60)]),
        'own.csv: column code, line 2: found "0 kg", 20 different numbers as levels; allowed: plain numbers with kind',
    ),
    "numbers stored as text, with a decimal comma": (
        lambda folder: table_file(folder, "categorical", [f"{number % 20},5" for number in range(60)]),
        'own.csv: column code, line 2: found "0,5", 20 different numbers as levels',
    ),
    "amounts as levels": (
        lambda folder: table_file(folder, "categorical", [f"{number % 55}.5" for number in range(60)]),
        'own.csv: column code, line 2: found "0.5", 55 different numbers as levels',
    ),
    "more levels in a profile than a network can have inputs": (
        lambda folder: table_file(folder, "categorical", [f"level {number // 3}" for number in range(3_003)]),
        "profiles/mine.yaml: data.columns.code.levels: found 1,001 entries; allowed: at most 1,000 entries",
    ),
    "100,000 levels in the file": (
        lambda folder: table_file(
            folder, "categorical", [f"x{number // 2}" for number in range(200_000)], ["x0", "x1"]
        ),
        'own.csv: column code, line 6: found "x2", the first of 199,996 such rows; then "x2" in line 7, "x3" in line 8, ...',
    ),
    "many values that do not fit": (
        lambda folder: table_file(folder, "numeric", ["old", *range(5), *["none of it"] * 54]),
        'own.csv: column code, line 2: found "old", the first of 55 such rows; then "none of it" in line 8, "none of it" in',
    ),
    "a data set that scikit-learn does not ship": (
        lambda folder: {"name": "sklearn", "dataset": "wines"},
        'profiles/mine.yaml: data.dataset: found "wines"; allowed: one of: breast_cancer, wine, iris,',
    ),
}


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    for name in ("params.yaml", "dvc.yaml", ".gitignore"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    (tmp_path / "profiles").mkdir()
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("case", CASES)
def test_the_check_of_a_profile_says_in_one_line(case, checkout, monkeypatch, capsys):
    make, line = CASES[case]
    YAML().dump({"data": make(checkout)}, checkout / "profiles" / "mine.yaml")
    monkeypatch.setattr(sys, "argv", ["reglab", "check", "--profile", "mine"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    output = capsys.readouterr()
    assert end.value.code == 2 and output.err.count("\n") == 1 and output.err.startswith(line), output.err


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("categorical", [f"{number % 30:05}" for number in range(60)]),  # codes with leading zeros
        ("categorical", [f"{number % 30}" for number in range(60)]),
        ("categorical", [f"{number % 10} kg" for number in range(60)]),
        ("categorical", [f"{number % 29} people in it" for number in range(60)]),
        ("numeric", range(7, 427, 7)),
        ("numeric", [number // 2 for number in range(60)]),
    ],
)
def test_codes_and_numbers_that_say_more_than_which_row_it_is_are_features(kind, values, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = {key: value for key, value in table_file(tmp_path, kind, values).items() if key != "name"}
    assert len(TypeAdapter(Table).validate_python(data).load().inputs) == 60


def test_a_link_out_of_a_folder_is_not_brought_into_a_profile(checkout):
    data = image_folder(checkout)
    own_data.bring(checkout, checkout / "profiles" / "mine", data)
    assert (checkout / "profiles/mine/data/source/folder/own/cat/0.png").is_file()
    link(checkout / "own/dog/9.png")
    with pytest.raises(UserError, match="found a link out of the folder, to /etc/hostname"):
        own_data.bring(checkout, checkout / "profiles" / "mine", data)


def test_a_class_with_one_example_of_a_source_of_ones_own_is_refused(checkout, monkeypatch, capsys):
    arrays = "np.zeros((9, 2), np.float32), (np.arange(9) == 0).astype(int)"
    function = f"import numpy as np\n\n\ndef load():\n    return {arrays}\n"
    (checkout / "lonely.py").write_text(function, encoding="utf-8")
    YAML().dump({"data": {"name": "lonely.load"}}, checkout / "profiles" / "mine.yaml")
    monkeypatch.setattr(sys, "argv", ["reglab", "check", "--profile", "mine"])
    monkeypatch.syspath_prepend(str(checkout))
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 2
    assert capsys.readouterr().err.startswith(
        "lonely.load(): found classes with too few examples: 1 (1); allowed: at least 3"
    )
