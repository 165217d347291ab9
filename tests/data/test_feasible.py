"""What the data cannot give is told before any work: file, key, what was found, what is allowed."""

from dataclasses import replace
from pathlib import Path

import pytest

from reglab import params
from reglab.data.feasible import check
from reglab.errors import UserError
from reglab.sections import Data, Text, Transfer

SETTINGS = params.load(Path(__file__).parents[2] / "params.yaml")


def lines(**sections):
    with pytest.raises(UserError) as error:
        check(replace(SETTINGS, **sections))
    return error.value.lines


def test_the_shipped_params_are_feasible():
    check(SETTINGS)


def test_sizes_that_the_data_do_not_have_are_all_named_at_once():
    first, second = lines(data=Data(name="digits", train_size=1600, validation_size=300, test_size=5))
    assert "= 1905, but digits has 1797 examples" in first and "data.test_size: found 5; allowed: at least 10" in second


def test_more_labels_than_the_smallest_class_has_in_any_seed():
    [line] = lines(few_labels=replace(SETTINGS.few_labels, labels_per_class=(1, 500)))
    assert line.startswith("params.yaml: few_labels.labels_per_class: found 500; allowed: at most ")


def test_a_transfer_to_a_class_that_the_data_does_not_have():
    [line] = lines(transfer=SETTINGS.transfer | {"mine": Transfer("scratch", classes=(8, 12))})
    assert line.startswith("params.yaml: transfer.mine.classes: found [12]; allowed: classes of the data, 0 to 9")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such file"),
        (b"", "found no sentence"),
        (b"There is but one sentence in this file.", "found 1 sentence"),
        (b"\xff\xfe\xfa not text at all", "not UTF-8"),
    ],
)
def test_a_text_that_nothing_can_be_learned_from_names_the_key(tmp_path, content, said):
    path = tmp_path / "mine.txt"
    if content is not None:
        path.write_bytes(content)
    [line] = lines(text=Text(str(path)))
    assert line.startswith(f"params.yaml: text.file: {path}") and said in line
