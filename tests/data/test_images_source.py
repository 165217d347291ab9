"""Image files of a user's own: every mode is read as documented, and each file that cannot be read is one clear line."""

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reglab.core.errors import UserError
from reglab.data.sources.images import Images

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (9, 5, 6), np.uint8)
COLOUR = RANDOM.integers(0, 256, (9, 5, 6, 3), np.uint8)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """animals/{cat,dog,eel}/0.png to 2.png, grey, 5 x 6 pixels."""
    monkeypatch.chdir(tmp_path)
    for number, pixels in enumerate(GREY):
        write(Image.fromarray(pixels), ["cat", "dog", "eel"][number % 3], f"{number // 3}.png")


def write(image: Image.Image, name: str, file: str, **options) -> None:
    Path("animals", name).mkdir(parents=True, exist_ok=True)
    image.save(Path("animals", name, file), **options)


def lines(**settings) -> tuple[str, ...]:
    with pytest.raises(UserError) as error:
        Images(**{"folder": "animals", "channels": 1} | settings).load()
    assert all("found" in line and "; allowed: " in line for line in error.value.lines)
    return error.value.lines


def only(image: Image.Image, channels: int, size=None, **options) -> np.ndarray:
    """The pixels of one more image, as class `ant`, in [0, 1]."""
    for number in range(3):
        write(image, "ant", f"{number}.png" if "format" not in options else f"{number}.bin", **options)
    inputs = Images("animals", channels, size).load().inputs
    return inputs.fit().transform(inputs)[0]


def test_a_folder_is_a_class_and_the_order_is_that_of_the_paths():
    write(Image.fromarray(GREY[0]), "cat", ".hidden.png")
    write(Image.fromarray(GREY[0] * 0), "dog", "deeper.png")
    Path("animals/dog/a").mkdir()
    os.replace("animals/dog/deeper.png", "animals/dog/a/deeper.png")
    Path("animals/.cache").mkdir()
    examples = Images("animals", 1).load()
    assert examples.classes == ("cat", "dog", "eel")
    assert examples.targets.tolist() == [0, 0, 0, 1, 1, 1, 1, 2, 2, 2] and examples.targets.dtype == np.int64
    by_class = [GREY[0], GREY[3], GREY[6], GREY[1], GREY[4], GREY[7], GREY[0] * 0, GREY[2], GREY[5], GREY[8]]
    assert np.array_equal(examples.inputs.values[:, 0], by_class)
    assert examples.inputs.values.dtype == np.uint8


def test_one_channel_is_luma_and_three_repeat_grey():
    colour = Image.fromarray(COLOUR[0])
    luma = COLOUR[0] @ np.array([299, 587, 114]) / 1000
    assert np.abs(only(colour, 1)[0] * 255 - luma).max() <= 1
    assert np.allclose(only(colour, 3), COLOUR[0].transpose(2, 0, 1) / 255)
    assert np.allclose(only(Image.fromarray(GREY[0]), 3), np.stack([GREY[0]] * 3) / 255)


def test_transparent_pixels_stand_on_white():
    alpha = np.where(np.arange(6) < 3, 0, 255) * np.ones((5, 1))
    rgba = np.dstack([COLOUR[0], alpha]).astype(np.uint8)
    expected = np.where(alpha[..., None] == 0, 255, COLOUR[0]).transpose(2, 0, 1) / 255
    assert np.allclose(only(Image.fromarray(rgba), 3), expected)
    grey = np.dstack([GREY[0], alpha]).astype(np.uint8)
    assert np.allclose(only(Image.fromarray(grey, "LA"), 1)[0], np.where(alpha == 0, 255, GREY[0]) / 255)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "YCbCr"])
def test_every_mode_is_read_with_one_channel_or_three(mode):
    image = Image.fromarray(COLOUR[0]).convert(mode)
    kind = {"CMYK": "TIFF", "YCbCr": "TIFF"}.get(mode, "PNG")
    assert np.allclose(only(image, 3, format=kind), np.asarray(image.convert("RGB")).transpose(2, 0, 1) / 255)
    assert only(image, 1, format=kind).shape == (1, 5, 6)


def test_16_bits_are_kept_and_8_bits_beside_them_are_the_same_share_of_white():
    deep = RANDOM.integers(0, 65_536, (5, 6)).astype(np.uint16)
    assert np.abs(only(Image.fromarray(deep), 1)[0] - deep / 65_535).max() < 1e-6
    inputs = Images("animals", 1).load().inputs  # ant has 16 bits, the others 8
    assert inputs.values.dtype == np.uint16
    assert np.abs(inputs.fit().transform(inputs)[3, 0] - GREY[0] / 255).max() < 1e-6
    assert only(Image.fromarray(deep), 1, (10, 12)).shape == (1, 10, 12)


def test_the_orientation_of_exif_is_applied():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rows are columns
    image = Image.fromarray(GREY[0].T.copy())
    assert np.allclose(only(image, 1, exif=exif)[0], np.rot90(GREY[0].T, -1) / 255)


def test_a_size_is_height_and_width_and_resizing_averages():
    large = np.kron(GREY[0], np.ones((8, 8))).astype(np.uint8)
    assert (
        np.abs(only(Image.fromarray(large), 1, (5, 6))[0] * 255 - GREY[0]).max() < 64
    )  # each pixel is a block of 8 x 8
    board = np.indices((80, 96)).sum(0) % 2 * 255
    small = only(Image.fromarray(board.astype(np.uint8)), 1, (5, 6))
    assert np.abs(small - 0.5).max() < 0.05  # without antialiasing the pixels would be 0 and 1


def test_without_a_size_the_first_file_of_another_size_is_named():
    write(Image.new("L", (7, 5)), "dog", "1.png")
    write(Image.new("L", (7, 8)), "eel", "1.png")
    [line] = lines()
    assert line.startswith(
        "animals/dog/1.png: found 5 x 7 pixels (height x width), and other sizes than most in 1 more files; allowed: 5 x 6"
    )
    assert len(Images("animals", 1, (5, 6)).load().targets) == 9


def test_new_images_have_the_size_of_the_study_whatever_most_of_them_have():
    Path("new").mkdir()
    for name, size in (("a", (7, 5)), ("b", (7, 5)), ("c", (6, 5)), ("d", (9, 9))):
        Image.new("L", size).save(f"new/{name}.png")
    pixels = Images("animals", 1).load().inputs
    reader = Images("animals", 1).reader(pixels.description(), pixels.values.shape[1:])
    with pytest.raises(UserError) as error:
        reader.load_new("new")
    found = "a.png: found 5 x 7 pixels (height x width), and other sizes than the study in 2 more files"
    assert error.value.lines == (f"new/{found}; allowed: 5 x 6, as in the study",)
    assert reader.load_new("new/c.png").inputs.values.shape == (1, 1, 5, 6)
    brought = Images("animals", 1, (5, 6)).reader(pixels.description(), (1, 5, 6)).load_new("new")
    assert brought.inputs.values.shape == (4, 1, 5, 6)


def bomb(width: int, height: int) -> bytes:
    """A png of a few bytes whose header claims so many pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def test_every_file_that_is_no_image_is_a_line():
    whole = Path("animals/cat/0.png").read_bytes()
    Path("animals/cat/0.png").write_bytes(whole[: len(whole) // 2])
    Path("animals/cat/1.png").write_bytes(b"")
    Path("animals/cat/notes.txt").write_text("not an image", encoding="utf-8")
    Path("animals/dog/0.png").write_bytes(bomb(10_000, 10_000))
    Path("animals/dog/1.png").write_bytes(bomb(100_000, 100_000))
    Path("animals/eel/0.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n")
    write(Image.fromarray(GREY[0].astype(np.float32)), "eel", "1.tiff")
    starts = (
        "animals/cat/0.png: found a truncated or damaged image (",
        "animals/cat/1.png: found an empty file;",
        "animals/cat/notes.txt: found no image; allowed: a whole image file: png, jpeg,",
        "animals/dog/0.png: found 10,000 x 10,000 pixels; allowed: at most 67,108,864 pixels",
        "animals/dog/1.png: found too many pixels; allowed: at most 67,108,864",
        "animals/eel/0.png: found no image;",
        "animals/eel/1.tiff: found pixels of 32 bits (mode F); allowed: 8 bits, or grey with 16 bits",
    )
    for line, start in zip(lines(), starts, strict=True):
        assert line.startswith(start)


def test_of_many_files_that_are_no_images_the_first_20_are_listed():
    for number in range(50):
        Path(f"animals/cat/{number:02}.txt").write_bytes(b"")
    with pytest.raises(UserError) as error:
        Images("animals", 1).load()
    assert len(error.value.lines) == 21 and error.value.lines[-1] == "animals: and 30 more problems"


def test_a_link_out_of_the_folder_is_refused_and_one_inside_is_read(tmp_path):
    outside = tmp_path / "secret.png"
    Image.fromarray(GREY[0]).save(outside)
    Path("animals/cat/inside.png").symlink_to("0.png")
    assert len(Images("animals", 1).load().targets) == 10
    Path("animals/cat/outside.png").symlink_to("../../secret.png")
    Path("animals/cat/nothing.png").symlink_to("absent.png")
    Path("animals/dog/folder").symlink_to("../cat")
    result = (
        "animals/cat/nothing.png: found a link to nothing",
        "animals/cat/outside.png: found a link out of the folder, to ../../secret.png; allowed: files, or",
        "animals/dog/folder: found a link to a folder, to ../cat",
    )
    for line, start in zip(lines(), result, strict=True):
        assert line.startswith(start)


def test_a_class_that_is_a_link_to_a_folder_is_refused(tmp_path):
    Path("animals/cat").rename(tmp_path / "elsewhere")
    Path("animals/cat").symlink_to(tmp_path / "elsewhere")
    [line] = lines()
    assert line.startswith(
        f"animals/cat: found a link to a folder, to {tmp_path / 'elsewhere'}; allowed: files, or links"
    )


def test_what_is_no_folder_of_classes_is_refused(tmp_path):
    Path("animals/readme.txt").write_bytes(b"")
    Path("animals/fox").mkdir()
    assert lines()[0].startswith("animals/readme.txt: found a file beside the folders of the classes; allowed: images")
    assert lines()[1].startswith("animals/fox: found an empty folder; allowed: images in the folder of each class")
    assert lines(folder="animal")[0] == "animal: found no such folder; allowed: a folder; did you mean animals?"
    assert lines(folder="animals/readme.txt")[0].startswith("animals/readme.txt: found a file; allowed: a folder")
    Path("empty").mkdir()
    assert lines(folder="empty")[0].startswith("empty: found no folder in it; allowed: a folder for each class")


def test_the_parts_of_a_split_are_not_taken_for_classes():
    for part in ("train", "Test"):
        Path("split", part).mkdir(parents=True)
        Image.fromarray(GREY[0]).save(Path("split", part, "0.png"))
    assert lines(folder="split")[0].startswith(
        "split: found the parts of a split: Test, train; allowed: a folder for each"
    )


def test_one_class_and_classes_with_one_example_are_refused():
    for name in ("dog", "eel"):
        for number in (1, 2):
            Path(f"animals/{name}/{number}.png").unlink()
    assert lines()[0].startswith("animals: found classes with too few examples: dog (1), eel (1); allowed: at least 3")
    for name in ("dog", "eel"):
        Path(f"animals/{name}/0.png").unlink()
        Path(f"animals/{name}").rmdir()
    assert lines()[0].startswith("animals: found one class, cat; allowed: two classes or more")


def table(*rows: str) -> None:
    Path("animals.csv").write_text("\n".join(rows), encoding="utf-8")


ROWS = [f"{name}/{number}.png,{name[0]},{number},202{number}-01-01" for name in ("dog", "cat") for number in range(3)]


def test_a_table_names_files_classes_groups_and_times_in_its_order():
    table("path,kind,owner,day", *ROWS)
    examples = Images("animals", 1, file="animals.csv", target="kind", group="owner", time="day").load()
    assert examples.classes == ("c", "d") and examples.targets.tolist() == [1, 1, 1, 0, 0, 0]
    assert np.array_equal(examples.inputs.values[:, 0], GREY[[1, 4, 7, 0, 3, 6]])
    assert examples.groups.tolist() == [0, 1, 2, 0, 1, 2] and np.all(np.diff(examples.times[:3]) > 0)


def test_rows_of_a_table_that_name_no_file_below_the_folder_are_refused(tmp_path):
    Image.fromarray(GREY[0]).save(tmp_path / "secret.png")
    Path("animals/link.png").symlink_to("../secret.png")
    table("path,target", "../secret.png,a", f"{tmp_path}/secret.png,a", "link.png,a", "cat/9.png,b", "cat/0.png,b")
    starts = (
        "animals.csv: path, line 2: found ../secret.png, which leads out of animals; allowed: a path below it",
        f"animals.csv: path, line 3: found {tmp_path}/secret.png, which leads out of animals",
        "animals.csv: path, line 4: found link.png, a link that leads out of animals",
        "animals.csv: path, line 5: found cat/9.png, of which there is no file in animals",
    )
    for line, start in zip(lines(file="animals.csv"), starts, strict=True):
        assert line.startswith(start)


def test_columns_for_splits_belong_to_a_table():
    assert lines(group="owner")[0].startswith(
        "params.yaml: data.file: found nothing, but columns: owner; allowed: a table"
    )
