"""Many image files are read by processes into one array, which is the same whoever reads them."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reglab.config.usable_examples import loaded
from reglab.core.errors import UserError, WorkError
from reglab.data import image_stack
from reglab.data.image_files import read_image
from reglab.data.settings import Data
from reglab.data.sources.images import Images

PIXELS = np.random.default_rng(0).integers(0, 256, (24, 5, 6, 3), np.uint8)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """images/{a,b,c}/00.png to 23.png, in turn, which processes read three at a time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(image_stack, "FILES", 3)
    Path("data").mkdir()
    for number, pixels in enumerate(PIXELS):
        path = Path("images", "abc"[number % 3], f"{number:02}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)


def files() -> list[str]:
    return sorted(map(str, Path("images").rglob("*.png")))


def test_every_image_stands_at_its_place_whether_one_process_reads_or_several(monkeypatch):
    by_processes, white = image_stack.read_stack(files(), 3, None, "images")
    monkeypatch.setattr(image_stack, "FILES", 24)
    alone, _ = image_stack.read_stack(files(), 3, None, "images")
    wanted = np.stack([read_image(Path(file), 3, None) for file in files()])
    assert white == 255 and by_processes.dtype == np.uint8 and not by_processes.flags.writeable
    assert np.array_equal(by_processes, wanted) and np.array_equal(alone, wanted)


def test_one_image_of_16_bits_among_those_of_8_makes_all_of_16(tmp_path):
    deep = np.arange(30, dtype=np.uint16).reshape(5, 6) * 2000
    Image.fromarray(deep).save("images/b/13.png")
    array, white = image_stack.read_stack(files(), 1, None, "images")
    place = files().index("images/b/13.png")
    assert white == 65_535 and array.dtype == np.uint16
    assert np.array_equal(array[place, 0], deep)
    others = [row for row in range(24) if row != place]
    wanted = np.stack([read_image(Path(files()[row]), 1, None) for row in others])
    assert np.array_equal(array[others], wanted.astype(np.uint16) * 257)


def test_the_problems_of_all_processes_are_reported_in_the_order_of_the_files():
    Path("images/c/05.png").write_bytes(Path("images/c/05.png").read_bytes()[:60])
    Path("images/a/00.png").write_bytes(b"")
    Path("images/b/22.png").write_bytes(b"no image")
    with pytest.raises(UserError) as error:
        Images("images", 3).load()
    assert [line.split(": found ")[0] for line in error.value.lines] == [
        "images/a/00.png",
        "images/b/22.png",
        "images/c/05.png",
    ]
    assert "an empty file" in error.value.lines[0] and "truncated or damaged" in error.value.lines[2]


def test_the_size_that_most_have_is_the_usual_one_also_where_the_first_has_another():
    Image.fromarray(PIXELS[0, :4]).save("images/a/00.png")
    with pytest.raises(UserError, match=r"^images/a/00.png: found 4 x 6 pixels \(height x width\); allowed: 5 x 6, as"):
        Images("images", 3).load()
    assert Images("images", 3, (5, 6)).load().inputs.values.shape == (24, 3, 5, 6)


def test_nothing_is_left_beside_the_prepared_data():
    examples = Images("images", 3).load()
    assert list(Path("data").iterdir()) == []
    assert np.array_equal(examples.inputs.values[0], PIXELS[0].transpose(2, 0, 1))  # though its file has no name


def test_a_process_that_dies_is_one_line_that_says_so(monkeypatch):
    def die_at_some(path, *settings):
        if path.name == "13.png" and os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return read_image(path, *settings)

    parent = os.getpid()
    monkeypatch.setattr(image_stack, "read_image", die_at_some)
    with pytest.raises(WorkError, match="One of the parallel processes was killed"):
        loaded(Data("images", 12, 6, 6, source=Images("images", 3)))
