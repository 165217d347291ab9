"""Sources of several labels an example: table, arrays and function give the same matrix, and other values are named."""

from types import SimpleNamespace

import numpy as np
import pytest

from reglab.config import usable_examples
from reglab.core.errors import UserError
from reglab.data import load_examples
from reglab.data.sources.arrays import Arrays
from reglab.data.sources.table import Table
from reglab.data.tables.settings import Column

NAMES = ("red", "green", "blue")
LABELS = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 1, 1], [1, 0, 1], [0, 1, 0], [0, 0, 0]] * 4, np.uint8)
SIZES = np.arange(len(LABELS)) / 2  # whole numbers without a gap would be those of the rows
SPELLED = {"red": ("0", "1"), "green": ("false", "TRUE"), "blue": ("no", "yes")}
SCHEMA = {"size": Column("numeric")} | {name: Column("boolean", SPELLED[name]) for name in NAMES}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows() -> list[list[str]]:
    spelled = [[SPELLED[name][value] for name, value in zip(NAMES, row, strict=True)] for row in LABELS]
    return [[f"{size:g}", *labels] for size, labels in zip(SIZES, spelled, strict=True)]


def table(lines=None, **changes) -> Table:
    text = [",".join(("size", *NAMES)), *map(",".join, lines or rows())]
    with open("colours.csv", "w", encoding="utf-8") as file:
        file.write("\n".join(text) + "\n")
    return Table(**{"file": "colours.csv", "target": NAMES, "columns": SCHEMA} | changes)


def refused(source) -> list[str]:
    with pytest.raises(UserError) as error:
        source.load()
    return list(error.value.lines)


def test_a_table_arrays_and_a_function_give_the_same_labels(folder, monkeypatch):
    (folder / "colours.py").write_text(
        "import numpy as np\n\n\ndef load():\n    arrays = np.load('a.npz')\n"
        "    return arrays['inputs'].astype(np.float32), arrays['targets']\n"
    )
    monkeypatch.syspath_prepend(folder)
    of_table = table().load()
    assert of_table.classes == NAMES and of_table.targets.dtype == np.uint8
    assert of_table.inputs.names == ("size",)  # no label is an input
    for kind in (bool, np.uint8, np.int64, np.float32):
        np.savez("a.npz", inputs=SIZES[:, None], targets=LABELS.astype(kind))
        of_arrays = Arrays("a.npz", classes=NAMES).load()
        assert of_arrays.classes == NAMES and of_arrays.targets.dtype == np.uint8
        assert np.array_equal(of_arrays.targets, LABELS) and np.array_equal(of_table.targets, LABELS)
        if kind is not np.float32:  # a function says by its type whether they are labels
            of_function = load_examples(SimpleNamespace(name="colours.load", source=None))
            assert of_function.targets.dtype == np.uint8 and np.array_equal(of_function.targets, LABELS)
            assert usable_examples.unusable(of_function.inputs, of_function.targets) == []


def test_the_labels_of_a_table_are_named_in_the_order_of_the_targets():
    other = table(target=("blue", "red")).load()
    assert other.classes == ("blue", "red") and np.array_equal(other.targets, LABELS[:, [2, 0]])
    assert other.inputs.names == ("size", "green")


def test_a_value_that_is_no_label_is_named_with_column_and_line_and_all_at_once():
    changed = rows()
    changed[2][1], changed[4][3] = "2", ""
    lines = refused(table(changed))
    assert 'colours.csv: column red, line 4: found "2"; allowed: "0", without the label, or "1", with it' in lines
    assert any(
        "column blue, line 6: found 1 row without a target; allowed: one of the two values" in each for each in lines
    )


@pytest.mark.parametrize(
    ("having", "found"),
    [
        (0, "found the same value, 0, in every row"),
        (28, "found the same value, 1, in every row"),
        (1, "found 1 row with it"),
        (26, "found 2 rows without it"),
    ],
)
def test_a_label_that_no_part_could_learn_is_refused_in_a_table_and_in_arrays(having, found):
    labels = LABELS.copy()
    labels[:, 0] = np.arange(28) < having
    changed = [[row[0], SPELLED["red"][value], *row[2:]] for row, value in zip(rows(), labels[:, 0], strict=True)]
    [line] = refused(table(changed))
    assert line.startswith("colours.csv: column red: " + found) and "; allowed: at least 3 rows" in line
    np.savez("a.npz", inputs=SIZES[:, None], targets=labels)
    [line] = refused(Arrays("a.npz", classes=NAMES))
    assert line.startswith(
        'a.npz: targets: label "red": ' + found.replace("row ", "example ").replace("rows", "examples")
    )


def test_labels_of_which_every_row_has_exactly_one_are_classes_and_no_labels():
    labels = np.eye(3, dtype=np.uint8)[np.arange(28) % 3]
    lines = [
        [row[0], *(SPELLED[name][value] for name, value in zip(NAMES, values, strict=True))]
        for row, values in zip(rows(), labels, strict=True)
    ]
    [line] = refused(table(lines))
    assert line.startswith(
        "colours.csv: columns red, green, blue: found exactly one label in every row, so that they are"
    )
    np.savez("a.npz", inputs=SIZES[:, None], targets=labels)
    [line] = refused(Arrays("a.npz"))
    assert "found exactly one label in every row, so that they are classes; allowed: the numbers of the classes" in line


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"target": ("red", "green", "red")}, "data.target: found a column twice"),
        ({"target": ("red", "size")}, "data.columns.size: found a target of the kind numeric; allowed: boolean"),
        ({"target": ("red", "grey")}, 'data.target: found no column "grey"; allowed: a column of data.columns'),
        ({"target": ("red", "green"), "group": "size"}, "found no column that is an input"),
    ],
)
def test_settings_of_several_targets_that_contradict_themselves_are_named(changes, found):
    columns = {name: column for name, column in SCHEMA.items() if name != "blue"}
    if "group" in changes:
        changes = changes | {"columns": columns}
    assert any(found in line for line in refused(table(**changes)))


@pytest.mark.parametrize(
    ("targets", "found"),
    [
        (
            2 * LABELS,
            "a.npz: targets, row 1 (index 0), column 1: found 2, one of 36 such values; allowed: 0 or 1 for each label",
        ),
        (np.where(SIZES[:, None] == 1.5, np.nan, LABELS), "row 4 (index 3), column 1: found nan"),
        (LABELS[:, :1], "found an array of the shape 28 x 1; allowed: (n,), a target for each input; or (n, labels)"),
        (LABELS[:, :, None], "found an array of the shape 28 x 3 x 1"),
    ],
)
def test_a_matrix_with_other_values_is_one_line(targets, found):
    np.savez("a.npz", inputs=SIZES[:, None], targets=targets)
    [line] = refused(Arrays("a.npz"))
    assert found in line


def test_the_matrix_of_a_function_that_is_no_matrix_of_labels_is_refused():
    inputs = SIZES[:, None].astype(np.float32)
    for targets in (3 * LABELS.astype(np.int64), LABELS.astype(np.float64), LABELS[:, :1], LABELS[:5]):
        [line] = usable_examples.unusable(inputs, targets)
        assert line.startswith("labels ") and "(28, labels) for two labels or more: 0 or 1 for each label" in line
