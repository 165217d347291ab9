"""A csv of pixels becomes a folder of images that the source `images` reads with the same pixels and classes."""

import gzip

import numpy as np
import pytest

from reglab.core.errors import UserError
from reglab.data.image_folder import write_images
from reglab.data.sources.images import Images

ROWS = np.random.default_rng(0).integers(0, 256, (12, 6))
LABELS = np.array([7, 3, 10] * 4)


def csv(folder, rows=ROWS, labels=LABELS) -> str:
    text = "\n".join(",".join(map(str, [*row, label])) for row, label in zip(rows, labels, strict=True))
    (folder / "pixels.csv.gz").write_bytes(gzip.compress(text.encode()))
    return str(folder / "pixels.csv.gz")


def test_the_images_have_the_pixels_and_the_classes_of_the_rows(tmp_path):
    assert write_images(csv(tmp_path), str(tmp_path / "images"), (2, 3)) == 12
    examples = Images(folder=str(tmp_path / "images"), channels=1).load()
    assert examples.classes == ("10", "3", "7")
    by_class = [ROWS[int(name) == LABELS] for name in examples.classes]
    result = examples.inputs.fit().transform(examples.inputs)
    assert np.array_equal(np.rint(255 * result), np.concatenate(by_class).reshape(-1, 1, 2, 3))
    assert [int((examples.targets == number).sum()) for number in range(3)] == [4, 4, 4]


def test_a_kill_leaves_no_folder_and_what_it_left_does_no_harm(tmp_path, monkeypatch):
    file, folder = csv(tmp_path), tmp_path / "images"
    monkeypatch.setattr("reglab.data.image_folder.os.replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write_images(file, str(folder), (2, 3))
    assert not folder.exists()
    monkeypatch.undo()
    (tmp_path / "images.partial" / "99").mkdir()
    write_images(file, str(folder), (2, 3))
    assert sorted(path.name for path in folder.iterdir()) == ["10", "3", "7"]


@pytest.mark.parametrize(
    ("rows", "size", "words"),
    [
        (ROWS, (2, 2), "found 7 columns; allowed: 5, for 2 x 2 pixels and the class"),
        (
            np.where(np.arange(12)[:, None] == 4, 256, ROWS),
            (2, 3),
            "row 5: found values from 256 to 256; allowed: 0 to 255",
        ),
        (ROWS / 255, (2, 3), "found what is no table of whole numbers"),
    ],
)
def test_other_rows_are_refused_and_nothing_is_written(tmp_path, rows, size, words):
    with pytest.raises(UserError, match=words.replace("(", r"\(")):
        write_images(csv(tmp_path, rows), str(tmp_path / "images"), size)
    assert [path.name for path in tmp_path.iterdir()] == ["pixels.csv.gz"]


def test_a_folder_that_is_there_is_not_touched(tmp_path):
    (tmp_path / "images").mkdir()
    with pytest.raises(UserError, match="images: found a file or a folder of this name; allowed: a new one"):
        write_images(csv(tmp_path), str(tmp_path / "images"), (2, 3))
    with pytest.raises(UserError, match="found no such file"):
        write_images(str(tmp_path / "absent.csv"), str(tmp_path / "others"), (2, 3))
