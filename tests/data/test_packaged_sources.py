"""Data sets that packages ship in forms of their own: images in the rows of a csv, sentences by topic."""

import gzip

import numpy as np
import pytest

from reglab.core.errors import UserError
from reglab.data.sources.documentation import MOST, TOPICS, load
from reglab.data.sources.image_rows import ImageRows


def test_a_row_is_an_image_row_by_row_and_its_class(tmp_path):
    (tmp_path / "images.csv.gz").write_bytes(gzip.compress(b"0,51,102,153,204,255,7\n255,0,0,0,0,0,3\n"))
    examples = ImageRows(str(tmp_path / "images.csv.gz"), height=2, width=3).load()
    np.testing.assert_allclose(examples.inputs[0, 0], [[0, 0.2, 0.4], [0.6, 0.8, 1]], rtol=1e-6)
    assert examples.inputs.shape == (2, 1, 2, 3) and examples.inputs.dtype == np.float32
    assert examples.targets.tolist() == [1, 0] and examples.classes == ("3", "7")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("1,2,3,0\n", "images.csv: found 4 columns; allowed: 7, for 2 x 3 pixels and the class"),
        ("1,2,3,4,5,6,0\n1,2,3,4,5,256,0\n", "images.csv, row 2: found values from 1 to 256; allowed: 0 to 255"),
    ],
)
def test_other_rows_are_refused(tmp_path, text, line):
    (tmp_path / "images.csv").write_text(text)
    with pytest.raises(UserError, match=line):
        ImageRows(str(tmp_path / "images.csv"), height=2, width=3).load()


def test_the_sentences_of_the_documentation_have_one_topic_each_and_no_topic_has_most_of_them():
    examples = load()
    counts = np.bincount(examples.targets)
    assert len(counts) == len(TOPICS) == len(examples.classes)
    assert counts.min() >= 50 and counts.max() <= MOST and counts.sum() >= 1000
    keys = [key for of_class in TOPICS.values() for key in of_class]
    assert len(keys) == len(set(keys))
