"""`reglab new` on arrays, images and texts: a profile that passes every check without an edit, or clear errors at once."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from reglab.config import data_checks, profiles
from reglab.config.new_profile import create
from reglab.core.errors import UserError
from reglab.core.plain import entry_name
from reglab.data import load_examples

RANDOM = np.random.default_rng(0)
COUNT = 90
CLASSES = np.arange(COUNT) % 3
ROWS = RANDOM.normal(size=(COUNT, 4))
PIXELS = RANDOM.integers(0, 256, (COUNT, 1, 8, 8), np.uint8)
WORDS = ("sea", "wave", "hill", "wood", "sky", "road")


@pytest.fixture(autouse=True)
def checkout(tmp_path, monkeypatch, request):
    (tmp_path / "params.yaml").write_bytes((request.config.rootpath / "params.yaml").read_bytes())
    (tmp_path / "own").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_images(folder: str, pixels=PIXELS, below: str = "") -> None:
    for number, image in enumerate(pixels):
        home = Path(folder, "abc"[number % 3], below)
        home.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[0]).save(home / f"{number}.png")


def sentence(number: int) -> str:
    return " ".join(np.random.default_rng(number).choice(WORDS, 8))


def write_texts(folder: str) -> None:
    for number in range(COUNT):
        home = Path(folder, ("coast", "land")[number % 2])
        home.mkdir(parents=True, exist_ok=True)
        (home / f"{number}.txt").write_text(f"{sentence(number)} {number}", encoding="utf-8")


def write_table(path: str, /, **columns) -> None:
    lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")


def accepted(place: str, /, *given, **options):
    """The settings of the profile of the data at a path, which pass every check as they are, and what was said of it."""
    said = create(Path.cwd(), place, *given, **options)
    name = re.search(r"wrote profiles/(\S+)\.yaml", said)[1]
    settings = profiles.load(Path.cwd(), name)
    data_checks.check(settings)
    return settings, said


def refused(place: str, /, *given, **options) -> list[str]:
    with pytest.raises(UserError) as error:
        create(Path.cwd(), place, *given, **options)
    assert not Path("profiles").exists()
    assert all("found" in line and "; allowed: " in line for line in error.value.lines), error.value.lines
    return list(error.value.lines)


def test_arrays_of_rows_and_classes_need_no_option_where_there_is_one_of_each():
    np.savez("own/signals.npz", x=ROWS, label=CLASSES)
    settings, said = accepted("own/signals.npz")
    source = settings.data.source
    assert (settings.data.name, source.inputs, source.targets) == ("arrays", "x", "label")
    assert re.search(r"^x +90 x 4 +float64 +inputs ", said, re.MULTILINE) and "classes: 0 30, 1 30, 2 30" in said
    assert len(load_examples(settings.data).targets) == COUNT and settings.data.test_size == 18
    assert settings.augmentation["study"].swap and not settings.augmentation["study"].needs_images
    assert "orientation" in settings.pretraining and "next_sentence" not in settings.pretraining


def test_the_three_kinds_of_files_of_arrays_give_the_same_profile():
    np.savez("own/a.npz", inputs=ROWS, targets=CLASSES)
    save_file({"inputs": ROWS, "targets": CLASSES}, "own/b.safetensors")
    np.save("own/c.npy", ROWS)
    np.save("own/labels.npy", CLASSES)
    for path, options in (("a.npz", {}), ("b.safetensors", {}), ("c.npy", {"targets_file": "own/labels.npy"})):
        settings, _ = accepted(f"own/{path}", **options)
        examples = load_examples(settings.data)
        assert np.array_equal(examples.inputs.values, ROWS) and np.array_equal(examples.targets, CLASSES)
        assert settings.data.train_size == 54 and settings.data.source.targets_file == options.get("targets_file")


def test_decimal_targets_are_amounts_and_a_matrix_of_zeros_and_ones_labels():
    np.savez("own/amounts.npz", x=ROWS, y=ROWS.sum(1))
    settings, said = accepted("own/amounts.npz")
    assert settings.evaluation.metric == "rmse" and "regression" in said and settings.transfer
    np.savez("own/labels.npz", x=ROWS, y=(ROWS > 0).astype(int))
    settings, said = accepted("own/labels.npz", "y", inputs="x")
    assert settings.evaluation.metric == "multilabel_average_precision" and not settings.attacks
    np.savez("own/whole.npz", x=ROWS, y=CLASSES.astype(float))
    assert "y: decimal numbers that are all whole are amounts" in accepted("own/whole.npz")[1]


@pytest.mark.parametrize(
    ("pixels", "limits", "note"),
    [
        (PIXELS, (0, 255), ""),
        (PIXELS // 16, (0, 15), "x: pixels of the type uint8 from 0 to 15, which are taken for black and white"),
        (PIXELS.astype(np.uint16) * 257, (0, 65_535), ""),
        (PIXELS.astype(np.int64), (0, 255), "pixels of the type int64 from 0 to 255"),
        (PIXELS / np.float32(255), None, ""),
        (PIXELS.astype(np.float32), None, "x: decimal pixels from 0 to 255, which stay as they are"),
    ],
)
def test_the_range_of_pixels_is_that_of_their_type_or_of_their_values(pixels, limits, note):
    np.savez("own/images.npz", x=pixels, y=CLASSES)
    settings, said = accepted("own/images.npz")
    assert settings.data.source.range == limits and (note in said if note else "look at" not in said)
    assert settings.few_labels.model.width == 32 and "masked" in settings.pretraining
    assert "affine" in settings.regularizers and settings.augmentation["study"].needs_images


def test_arrays_that_may_be_groups_times_or_weights_are_pointed_out_and_never_assumed():
    more = {"patient": np.arange(COUNT) // 3, "year": np.arange(COUNT), "sample_weight": np.ones(COUNT)}
    np.savez("own/signals.npz", inputs=ROWS, targets=CLASSES, **more)
    settings, said = accepted("own/signals.npz")
    for option in ("--group", "--time", "--weight"):
        assert option in said
    assert settings.data.split == "random" and settings.data.source.group is None
    settings, said = accepted("own/signals.npz", force=True, group="patient", weight="sample_weight")
    assert settings.data.split == "group" and settings.random_split.recipes == ("none",)
    assert settings.data.source.weight == "sample_weight" and "--group" not in said and "--time" in said


def test_a_folder_of_images_has_classes_and_the_size_and_channels_that_its_files_have():
    write_images("own/photos")
    settings, said = accepted("own/photos")
    source = settings.data.source
    assert (source.folder, source.channels, source.size) == ("own/photos", 1, None)
    assert "90 images" in said and "8 x 8" in said and "L 90" in said and "classes: a 30, b 30, c 30" in said
    assert load_examples(settings.data).inputs.values.shape == PIXELS.shape
    assert settings.tuned_other_network.recipes and entry_name(settings.tuned_other_network.model) == "convnet"


def test_images_of_several_sizes_and_modes_are_brought_to_one_and_that_is_said():
    write_images("own/photos")
    Image.fromarray(PIXELS[0, 0]).convert("RGB").resize((30, 10)).save("own/photos/a/wide.png")
    Image.fromarray(PIXELS[0, 0]).resize((200, 300)).save("own/photos/b/large.png")
    settings, said = accepted("own/photos")
    assert (settings.data.source.channels, settings.data.source.size) == (3, (8, 8))
    assert "3 sizes, from 8 to 300 high and 8 to 200 wide" in said and "L 91, RGB 1" in said
    assert "3 sizes: all are brought to 8 x 8 pixels" in said and "91 of 92 images are grey" in said


def test_large_images_are_brought_to_a_size_that_a_network_can_take_in_their_proportions():
    write_images("own/photos", PIXELS.repeat(10, 2).repeat(20, 3))
    settings, said = accepted("own/photos")
    assert settings.data.source.size == (32, 64) and "a large size: all are brought to 32 x 64 pixels" in said
    assert settings.few_labels.model.width == 16 and settings.pretraining["masked"].patch_size == 4
    assert settings.tuned_other_network.recipes == ()


def test_folders_below_the_classes_are_pointed_out():
    write_images("own/photos", below="house")
    _, said = accepted("own/photos")
    assert "3 folders below those of the classes, such as a/house" in said and "--group" in said


def test_a_table_of_paths_names_images_classes_and_groups():
    write_images("own/photos")
    paths = [f"{'abc'[number % 3]}/{number}.png" for number in range(COUNT)]
    write_table("own/photos.csv", file=paths, kind=np.array(["x", "y"])[CLASSES % 2], camera=np.arange(COUNT) // 9)
    options = {"path": "file", "folder": "own/photos"}
    assert "camera: do several" not in accepted("own/photos.csv", "kind", **options)[1]
    write_table("own/photos.csv", file=paths, kind=np.array(["x", "y"])[CLASSES % 2], device=np.arange(COUNT) // 9)
    settings, said = accepted("own/photos.csv", "kind", force=True, **options)
    assert 'device: do several examples belong together? if so --group "device"' in said
    assert load_examples(settings.data).classes == ("x", "y")
    settings, _ = accepted("own/photos.csv", "kind", force=True, group="device", **options)
    assert settings.data.split == "group" and load_examples(settings.data).groups.max() == 9


def test_texts_of_a_folder_and_of_a_column_give_the_same_words():
    write_texts("own/letters")
    settings, said = accepted("own/letters")
    assert "90 texts" in said and "8 to 9 a text, 9 in the middle one" in said and "classes: coast 45, land 45" in said
    assert settings.data.source.max_features == min(1000, len(load_examples(settings.data).inputs.vocabulary))
    topics = [("coast", "land")[number % 2] for number in range(COUNT)]
    texts = [f"{sentence(number)} {number}" for number in range(COUNT)]
    write_table("own/letters.csv", words=texts, topic=topics, author=np.arange(COUNT) // 5)
    settings, of_table = accepted("own/letters.csv", "topic", text="words", name="of_table")
    assert settings.data.name == "texts" and '--group "author"' in of_table
    assert re.findall(r"^(?:words|different) .*$", of_table, re.MULTILINE) == re.findall(
        r"^(?:words|different) .*$", said, re.MULTILINE
    )


def test_no_option_is_proposed_that_texts_and_images_cannot_have():
    more = {"sample_weight": np.ones(COUNT), "year": np.arange(COUNT)}
    topics, texts = [("coast", "land")[number % 2] for number in range(COUNT)], list(map(sentence, range(COUNT)))
    write_table("own/letters.csv", words=texts, topic=topics, **more)
    _, said = accepted("own/letters.csv", "topic", text="words")
    assert '--time "year"' in said and "--weight" not in said
    write_images("own/photos")
    paths = [f"{'abc'[number % 3]}/{number}.png" for number in range(COUNT)]
    write_table("own/photos.csv", file=paths, kind=CLASSES, **more)
    _, said = accepted("own/photos.csv", "kind", path="file", folder="own/photos")
    assert '--time "year"' in said and "--weight" not in said


def test_a_table_says_which_option_makes_inputs_of_its_texts_or_of_the_images_that_it_names():
    texts = [f"the {sentence(number)} {number}" for number in range(COUNT)]
    write_table("own/t.csv", words=texts, photo=[f"a/{number}.png" for number in range(COUNT)], x=ROWS[:, 0], y=CLASSES)
    said = create(Path.cwd(), "own/t.csv", "y")
    assert 'words: --text "words" takes its words for the inputs, in place of the columns' in said
    assert 'photo: --path "photo" takes the images that it names for the inputs' in said
    write_table("own/u.csv", words=texts, y=CLASSES)
    with pytest.raises(
        UserError, match=r'found no column to learn from: words .*; --text "words", which takes its words'
    ):
        create(Path.cwd(), "own/u.csv", "y")


def test_a_few_examples_leave_out_what_needs_more():
    write_images("own/photos", PIXELS[:24])
    settings, _ = accepted("own/photos")
    assert not settings.attacks and not settings.regimes.recipes and settings.data.test_size == 4


@pytest.mark.parametrize(
    ("arrays", "options", "found"),
    [
        ({"a": ROWS, "b": ROWS, "y": CLASSES}, {}, "--inputs: found nothing; allowed: the name of one of: a (90 x 4"),
        ({"x": ROWS, "y": CLASSES, "z": CLASSES}, {}, "--target: found nothing; allowed: the name of one of: y (90 int64)"),
        ({"x": ROWS, "y": CLASSES}, {"inputs": "w"}, '--inputs: found no array "w"; allowed: one of: x, y'),
        ({"x": ROWS, "y": CLASSES}, {"group": "w"}, '--group: found no array "w"'),
        ({"x": ROWS, "y": CLASSES}, {"decimal": ","}, "--decimal: found an option that is not for arrays"),
        ({"x": np.full((90, 2), None), "y": CLASSES}, {}, "own.npz: x: found an array of Python objects, a pickle"),
        ({"x": ROWS, "y": CLASSES * 2}, {}, "own.npz: y: found the labels 0, 2, 4"),
        ({"x": PIXELS[:, 0], "y": CLASSES}, {}, "reshape grey images to (n, 1, height, width)"),
        ({"x": np.where(ROWS > 2, np.nan, ROWS), "y": CLASSES}, {}, "found NaN or infinity"),
        ({"x": ROWS, "y": CLASSES[:-1]}, {}, "--target: found no array of as many targets as there are inputs"),
        ({"x": ROWS, "targets": CLASSES[:-1]}, {}, "own.npz: found 90 inputs and 89 targets"),
    ],
)  # fmt: skip
def test_arrays_that_are_not_clear_are_refused_with_what_to_say(arrays, options, found):
    np.savez("own.npz", **arrays)
    lines = refused("own.npz", **options)
    assert any(found in line for line in lines) and all(line.startswith(("own.npz", "--")) for line in lines), lines


def test_all_options_that_are_wrong_are_reported_at_once():
    np.savez("own.npz", x=ROWS, y=CLASSES)
    lines = refused("own.npz", "w", inputs="v", group="u")
    assert [line.split(":")[1].strip() for line in lines] == ["--inputs", "--target", "--group"]
    lines = refused("own.npz", text="a", decimal=",", kinds=["a=numeric"])
    assert [line.split(":")[0] for line in lines] == ["--text", "--decimal", "--kind"]


def test_a_folder_of_neither_or_of_both_kinds_is_refused():
    Path("own/notes.pdf").write_bytes(b"x")
    assert "found a folder with 1 .pdf; allowed: a folder for each class" in refused("own")[0]
    write_images("own/both")
    write_texts("own/both")
    assert "found 90 images and 90 texts" in refused("own/both")[0]
    write_images("own/photos")
    assert "own/photos: --target: found an option of tables" in refused("own/photos", "a")[0]


def test_files_that_cannot_be_read_are_all_named():
    write_images("own/photos")
    for name in ("a/0.png", "b/1.png"):
        Path("own/photos", name).write_bytes(b"no image")
    assert [line.split(":")[0] for line in refused("own/photos")] == ["own/photos/a/0.png", "own/photos/b/1.png"]


@pytest.mark.parametrize("kind", ["images", "texts"])
def test_a_pipe_among_the_files_is_refused_and_not_waited_for(kind):
    (write_images if kind == "images" else write_texts)("own/files")
    pipe = "own/files/" + ("a/0.png" if kind == "images" else "coast/0.txt")
    os.unlink(pipe)
    os.mkfifo(pipe)
    assert refused("own/files")[0].startswith(f"{pipe}: found a device, such as a pipe; allowed: ")


def test_a_class_whose_name_cannot_be_printed_is_refused():
    write_images("own/photos")
    os.rename(b"own/photos/a", b"own/photos/caf\xe9")
    assert refused("own/photos")[0].startswith("own/photos: found the class 'caf\\udce9'; allowed: names of printed")


def test_a_table_of_images_in_the_folder_of_the_project_names_the_folder_of_its_files():
    write_images("own/photos")
    write_table("photos.csv", file=["own/photos/a/0.png"] * 6, kind=["x", "y"] * 3)
    assert "photos.csv: --folder: found the folder of the project" in refused("photos.csv", "kind", path="file")[0]
    lines = refused("photos.csv", "sort", path="fyle", folder="own")
    assert [line.split(":")[1].strip() for line in lines] == ["--path", "--target"] and "did you mean file" in lines[0]
