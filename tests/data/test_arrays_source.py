"""Arrays of a user's own: what is read, and one clear line for each thing that cannot be."""

import os
import pickle
import zipfile
from contextlib import suppress

import numpy as np
import pytest
from safetensors.numpy import save_file

from reglab.core.errors import UserError
from reglab.data.array_files import array_names, read_array
from reglab.data.preprocessing.columns import Columns
from reglab.data.preprocessing.pixels import Pixels
from reglab.data.sources.arrays import Arrays

COLUMNS = np.random.default_rng(0).normal(size=(30, 4))
PIXELS = np.random.default_rng(0).integers(0, 256, (30, 1, 5, 6), np.uint8)
TARGETS = np.arange(30) % 3


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def line(**settings) -> str:
    with pytest.raises(UserError) as error:
        Arrays(**{"file": "a.npz"} | settings).load()
    [only] = error.value.lines
    assert "found" in only and "; allowed: " in only
    return only


def save(inputs=COLUMNS, targets=TARGETS, **more) -> None:
    np.savez("a.npz", inputs=inputs, targets=targets, **more)


def test_the_three_kinds_of_files_give_the_same_examples():
    save()
    np.save("x.npy", COLUMNS)
    np.save("y.npy", TARGETS)
    save_file({"inputs": COLUMNS, "targets": TARGETS}, "a.safetensors")
    for source in (Arrays("a.npz"), Arrays("a.safetensors"), Arrays("x.npy", targets_file="y.npy")):
        examples = source.load()
        assert np.array_equal(examples.inputs.values, COLUMNS) and np.array_equal(examples.targets, TARGETS)
        assert examples.targets.dtype == np.int64 and examples.classes == ("0", "1", "2")


@pytest.mark.parametrize("kind", ["?", "i1", "u2", "i8", "f2", "f4", "f8", ">f4", ">i2"])
def test_columns_of_any_type_of_number_keep_their_values(kind):
    save((COLUMNS * 10).astype(kind))
    inputs = Arrays("a.npz", scaling="none").load().inputs
    assert isinstance(inputs, Columns) and inputs.values.dtype in (np.float32, np.float64)
    assert np.array_equal(inputs.values, (COLUMNS * 10).astype(kind))
    assert inputs.fit().transform(inputs).dtype == np.float32


def test_images_of_whole_numbers_are_stored_as_they_are_and_scaled_by_the_declared_range():
    save(PIXELS)
    inputs = Arrays("a.npz", range=(0, 255)).load().inputs
    assert isinstance(inputs, Pixels) and inputs.values.dtype == np.uint8
    assert np.allclose(inputs.fit().transform(inputs), PIXELS / 255, atol=1e-7)
    again = Pixels.restore(inputs.tensors(), inputs.description())
    assert np.array_equal(again.preprocessor({}).transform(again.take([2, 1])), inputs.fit().transform(inputs)[[2, 1]])


def test_images_of_decimal_numbers_stay_as_they_are_or_are_scaled_by_the_declared_range():
    save(PIXELS / 255 * 2 - 1)
    as_they_are = Arrays("a.npz").load().inputs
    assert as_they_are.dtype == np.float32 and np.allclose(as_they_are, PIXELS / 255 * 2 - 1, atol=1e-6)
    assert np.allclose(Arrays("a.npz", range=(-1, 1)).load().inputs, PIXELS / 255, atol=1e-6)


@pytest.mark.parametrize("names", [np.array(["cat", "ant", "bee"]), np.array([b"cat", b"ant", b"bee"])])
def test_targets_may_be_names_and_numbers_may_be_given_names(names):
    save(targets=names[TARGETS])
    examples = Arrays("a.npz").load()
    assert examples.classes == ("ant", "bee", "cat") and examples.targets[:3].tolist() == [2, 0, 1]
    save()
    assert Arrays("a.npz", classes=("x", "y", "z")).load().classes == ("x", "y", "z")
    save(targets=TARGETS > 0)
    assert Arrays("a.npz").load().classes == ("false", "true")


@pytest.mark.parametrize("kind", ["<f2", "<f4", ">f8"])
def test_targets_that_are_decimal_numbers_are_amounts_and_no_classes(kind):
    amounts = (np.arange(30) / 4 - 3).astype(kind)
    save(targets=amounts)
    examples = Arrays("a.npz").load()
    assert examples.targets.dtype == np.float64 and examples.classes == ()
    assert examples.targets.tolist() == amounts.tolist()


def test_an_array_of_weights_is_read_and_what_is_none_is_refused():
    weights = np.arange(30) / 4
    save(counts=weights.astype(np.float32), often=np.arange(30), names=np.array(["a"] * 30), few=weights[:9])
    assert Arrays("a.npz", weight="counts").load().weights.tolist() == weights.tolist()
    assert Arrays("a.npz", weight="often").load().weights.tolist() == list(range(30))
    assert line(weight="names").startswith(
        "a.npz: names: found values of the type <U1; allowed: finite numbers of 0 or more"
    )
    assert line(weight="few") == "a.npz: found 30 inputs and 9 few; allowed: one for each input"
    save(bad=np.where(np.arange(30) % 7 == 5, -1.0, weights), gone=np.full(30, np.nan), nothing=np.zeros(30))
    assert line(weight="bad").startswith(
        "a.npz: bad: found -1 in row 6 (index 5), 4 such weights; allowed: finite numbers of 0 or"
    )
    assert line(weight="gone").startswith("a.npz: gone: found nan in row 1 (index 0), 30 such weights; allowed: ")
    assert line(weight="nothing") == "a.npz: nothing: found the weight 0 in every row; allowed: some weights above 0"


def test_groups_times_and_parts_are_read_for_splits():
    parts = np.array(["train", "validation", "test"])[TARGETS]
    save(person=np.array(["b", "a"])[np.arange(30) % 2], year=np.arange(30), part=parts)
    examples = Arrays("a.npz", group="person", time="year", parts="part").load()
    assert examples.groups.dtype == np.int64 and examples.groups[:2].tolist() == [1, 0]
    assert examples.times.dtype == np.float64 and examples.parts.tolist() == parts.tolist()


def test_an_array_of_objects_is_refused_and_its_pickle_is_not_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    save(np.array([[Trap()]] * 30, object))
    assert "a.npz: inputs: found an array of Python objects, a pickle" in line()
    np.save("a.npy", np.array([Trap()] * 30, object))
    assert "a.npy: found an array of Python objects, a pickle" in line(file="a.npy", targets_file="a.npz")
    for name in ("b.npz", "b.npy"):
        (tmp_path / name).write_bytes(pickle.dumps(Trap()))
        assert "but a pickle, which can run any code" in line(file=name, targets_file="a.npz")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("inputs", "settings", "found"),
    [
        (PIXELS, {}, "data.range: found nothing for images of whole numbers, uint8 in a.npz: inputs"),
        (PIXELS, {"range": (0, 9)}, "a.npz: inputs, row 1 (index 0): found values from"),
        (PIXELS, {"range": (9, 0)}, "data.range: found [9, 0]"),
        (COLUMNS, {"range": (0, 1)}, "data.range: found a range for columns (n, d)"),
        (PIXELS[:, 0], {}, "a.npz: inputs: found an array of the shape 30 x 5 x 6"),
        (PIXELS.transpose(0, 2, 3, 1), {"range": (0, 255)}, "found images of the shape 30 x 5 x 6 x 1, channels last"),
        (COLUMNS[:, :0], {}, "a.npz: inputs: found an array of the shape 30 x 0"),
        (
            np.where(np.arange(30)[:, None] == 7, np.nan, COLUMNS),
            {},
            "a.npz: inputs, row 8 (index 7): found NaN or infinity, in 1 rows",
        ),
        (
            COLUMNS * np.where(np.arange(30)[:, None] > 7, 1e300, 1),
            {},
            "a.npz: inputs, row 9 (index 8): found NaN or infinity, in 22",
        ),
        (COLUMNS.astype(complex), {}, "a.npz: inputs: found values of the type complex128"),
        (COLUMNS.astype(str), {}, "a.npz: inputs: found values of the type <U"),
        (COLUMNS[:29], {}, "a.npz: found 29 inputs and 30 targets"),
    ],
)
def test_inputs_that_cannot_be_learned_from_are_one_line(inputs, settings, found):
    save(inputs)
    assert found in line(**settings)


@pytest.mark.parametrize(
    ("targets", "found"),
    [
        (
            np.where(TARGETS == 2, 3, TARGETS),
            "a.npz: targets: found the labels 0, 1, 3; allowed: amounts as decimal numbers",
        ),
        (TARGETS + 1, "a.npz: targets: found the labels 1, 2, 3; allowed: amounts as decimal numbers"),
        (TARGETS * 1j, "a.npz: targets: found values of the type complex128; allowed: amounts as decimal numbers"),
        (
            np.where(TARGETS == 1, np.nan, TARGETS),
            "a.npz: targets: found NaN or infinity in 10 rows, first in row 2 (index 1); ",
        ),
        (
            np.where(np.arange(30) == 4, np.inf, 1.5),
            "a.npz: targets: found NaN or infinity in 1 rows, first in row 5 (index 4); ",
        ),
        (TARGETS * 0 + 2.5, "a.npz: targets: found the same amount, 2.5, in every row; allowed: amounts that differ"),
        (np.arange(29) / 2, "a.npz: found 30 inputs and 29 targets"),
        (TARGETS * 0, "a.npz: targets: found one class, 0; allowed: two classes or more"),
        (np.array([0] * 29 + [1]), "a.npz: targets: found classes with too few examples: 1 (1)"),
        (np.eye(3)[TARGETS], "a.npz: targets: found exactly one label in every row, so that they are classes"),
        (np.ones((30, 3, 1)), "a.npz: targets: found an array of the shape 30 x 3 x 1; allowed: (n,)"),
        (np.array([b"\xff", b"b", b"c"])[TARGETS], "a.npz: targets: found texts that are not UTF-8"),
    ],
)
def test_targets_that_cannot_be_learned_from_are_one_line(targets, found):
    save(targets=targets)
    assert found in line()


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        (
            {"inputs": "input"},
            "a.npz: found no array input; allowed: one of: day, inputs, targets; did you mean inputs?",
        ),
        ({"file": "b.npz"}, "b.npz: found no such file; allowed: an npz, npy or safetensors file; did you mean a.npz?"),
        ({"file": "."}, ".: found a folder"),
        ({"file": "a.csv"}, "a.csv: found the ending .csv"),
        ({"file": "empty.npz"}, "empty.npz: found an empty file"),
        ({"file": "cut.npz"}, "cut.npz: found a damaged file"),
        ({"file": "x.npy"}, "data.targets_file: found nothing, and x.npy holds one array"),
        ({"file": "cut.npy", "targets_file": "a.npz"}, "cut.npy: found a damaged file"),
        ({"file": "cut.safetensors"}, "cut.safetensors: found a damaged file"),
        ({"classes": ("x", "y")}, "data.classes: found 2 names; allowed: 3, as a.npz: targets has"),
        ({"time": "day"}, "a.npz: day: found <U"),
        ({"group": "inputs"}, "a.npz: inputs: found an array of 2 dimensions"),
    ],
)
def test_files_and_settings_that_do_not_fit_are_one_line(tmp_path, settings, found):
    save(day=np.array(["Monday"] * 30))
    np.save("x.npy", COLUMNS)
    save_file({"inputs": COLUMNS, "targets": TARGETS}, "a.safetensors")
    for name in ("a.npz", "x.npy", "a.safetensors"):
        (tmp_path / f"cut{name[1:]}").write_bytes((tmp_path / name).read_bytes()[:500])
    (tmp_path / "empty.npz").write_bytes(b"")
    (tmp_path / "a.csv").write_text("a,b\n")
    assert found in line(**settings)


def broken_header(header: bytes) -> bytes:
    return b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header


def changed(content: bytes, place: int, value: int) -> bytes:
    return content[:place] + bytes([value]) + content[place + 1 :]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("packed.npz", lambda content: content[:200] + b"\xff" * 30 + content[230:]),  # of the compressed numbers
        ("a.npz", lambda content: changed(content, content.index(b"PK\1\2") + 8, 1)),  # with a password
        ("a.npz", lambda content: changed(content, content.index(b"PK\1\2") + 6, 99)),  # of a later version of zip
        ("a.npz", lambda content: changed(content, content.index(b"PK\1\2") + 10, 97)),  # of an unknown compression
        ("x.npy", lambda _: broken_header(b"{'descr': '<f8', 'shape': (3".ljust(60))),
        (
            "x.npy",
            lambda _: broken_header(b"{'descr': '<f8', 'fortran_order': False, 'shape': (" + b"9" * 400 + b",), }"),
        ),
        ("x.npy", lambda _: broken_header(b"(" * 3000)),
    ],
)
def test_whatever_is_damaged_in_a_file_is_one_line(tmp_path, name, change):
    save()
    np.savez_compressed("packed.npz", inputs=COLUMNS, targets=TARGETS)
    np.save("x.npy", COLUMNS)
    np.save("y.npy", TARGETS)
    (tmp_path / name).write_bytes(change((tmp_path / name).read_bytes()))
    assert line(file=name, targets_file="y.npy").startswith(f"{name}: found a damaged file (")
    with suppress(UserError):
        array_names(name)


def test_an_array_that_would_fill_the_memory_is_refused_by_its_header(tmp_path):
    header = {"descr": "<f8", "fortran_order": False, "shape": (2**40, 2)}
    np.savez("a.npz", targets=TARGETS)
    with zipfile.ZipFile("a.npz", "a") as archive, archive.open("inputs.npy", "w") as content:
        np.lib.format.write_array_header_1_0(content, header)
    assert "a.npz: inputs: found an array of 16,384 GiB; allowed: at most 16 GiB" in line()


def test_what_is_wrong_with_inputs_targets_groups_and_weights_is_said_at_once():
    unknown = np.where(np.arange(30) == 4, np.nan, np.arange(30) // 3)
    save(np.where(np.arange(30)[:, None] == 2, np.inf, COLUMNS), TARGETS + 1, who=unknown, much=-np.ones(30))
    with pytest.raises(UserError) as error:
        Arrays("a.npz", group="who", weight="much").load()
    assert [line.partition(";")[0] for line in error.value.lines] == [
        "a.npz: inputs, row 3 (index 2): found NaN or infinity, in 1 rows",
        "a.npz: targets: found the labels 1, 2, 3",
        "a.npz: who, row 5 (index 4): found NaN",
        "a.npz: much: found -1 in row 1 (index 0), 30 such weights",
    ]


def test_numbers_that_numpy_does_not_know_are_refused():
    import torch
    from safetensors.torch import save_file

    save_file({"inputs": torch.zeros(3, 2, dtype=torch.bfloat16)}, "a.safetensors")
    with pytest.raises(UserError, match=r"a\.safetensors: inputs: found numbers of the type BF16"):
        read_array("a.safetensors", "inputs")
