"""New examples are read as those of the study are, without targets, and what has another form is refused in one line."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from safetensors.numpy import save_file

from reglab.core.errors import UserError
from reglab.data.new_inputs import InputForm
from reglab.data.preprocessing.columns import Columns
from reglab.data.preprocessing.pixels import Pixels
from reglab.data.sources.arrays import Arrays
from reglab.data.sources.images import Images
from reglab.data.sources.sklearn import ScikitLearn
from reglab.data.sources.texts import Texts

RANDOM = np.random.default_rng(0)
NUMBERS, TARGETS = RANDOM.normal(size=(30, 4)), np.arange(30) % 3
PIXELS = RANDOM.integers(0, 256, (30, 5, 6), np.uint8)
POEMS = ["The sea is grey", "Grey waves, grey sea", "The wave sings"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def line_of(function, *given) -> str:
    with pytest.raises(UserError) as error:
        function(*given)
    [only] = error.value.lines
    assert "found" in only and "; allowed: " in only
    return only


def test_arrays_of_every_kind_of_file_are_those_of_the_study():
    np.savez("study.npz", inputs=NUMBERS, targets=TARGETS)
    np.savez("new.npz", inputs=NUMBERS[:7])
    np.save("new.npy", NUMBERS[:7])
    save_file({"inputs": NUMBERS[:7]}, "new.safetensors")
    source = Arrays("study.npz", scaling="standard")
    study = source.load().inputs
    for file in ("new.npz", "new.npy", "new.safetensors"):
        new = source.load_new(file).inputs
        InputForm.of(study).check(file, new)
        assert np.array_equal(new.values, study.values[:7]) and new.scaling == "standard"


def test_arrays_of_another_shape_or_without_the_array_are_refused():
    np.savez("study.npz", inputs=NUMBERS, targets=TARGETS)
    np.savez("new.npz", inputs=NUMBERS[:, :3], other=NUMBERS)
    source = Arrays("study.npz")
    form = InputForm.of(source.load().inputs)
    line = line_of(form.check, "new.npz", source.load_new("new.npz").inputs)
    assert line == "new.npz: found inputs of the shape 3; allowed: 4, as in the study"
    np.savez("other.npz", input=NUMBERS)
    assert line_of(source.load_new, "other.npz").startswith("other.npz: found no array inputs; allowed: one of: input")


def write_images(home: str, arrays, mode=None) -> None:
    for number, pixels in enumerate(arrays):
        file = Path(home, "ab"[number % 2], f"{number}.png")
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(file)


def test_images_of_a_folder_a_table_and_one_file_are_named_by_their_paths():
    write_images("study", PIXELS[:6])
    write_images("new", PIXELS[6:9])
    Path("new/list.csv").write_text("path,note\nb/1.png,x\na/0.png,y\n")
    source = Images("study", 1)
    whole = source.load_new("study")
    assert np.array_equal(whole.inputs.values, source.load().inputs.values), (
        "the order of the study is that of the paths"
    )
    Path("elsewhere").mkdir()
    Path("new/list.csv").rename("new.csv")
    Path("new.csv").write_text("path\nnew/b/1.png\nnew/a/0.png\n")
    listed = source.load_new("new.csv")
    assert listed.names == ("new/b/1.png", "new/a/0.png")
    assert np.array_equal(listed.inputs.values[:, 0], PIXELS[[7, 6]])
    of_folder = source.load_new("new")
    assert of_folder.names == ("a/0.png", "a/2.png", "b/1.png")
    assert np.array_equal(of_folder.inputs.values[:, 0], PIXELS[[6, 8, 7]])
    one = source.load_new("new/b/1.png")
    assert one.names == ("1.png",) and np.array_equal(one.inputs.values[0, 0], PIXELS[7])


def test_new_images_of_more_bits_than_those_of_the_study_have_the_same_brightness():
    write_images("study", PIXELS[:6])
    Path("deep").mkdir()
    Image.fromarray(PIXELS[0].astype(np.uint16) * 257).save("deep/0.png")
    source = Images("study", 1)
    study, new = source.load().inputs, source.load_new("deep").inputs
    assert new.high == 65_535 and study.high == 255
    transformed = new.preprocessor({}).transform(new)
    assert np.abs(transformed - study.fit().transform(study.take([0]))).max() < 1e-6


def test_images_that_are_not_there_or_of_another_size_are_refused():
    write_images("study", PIXELS[:6])
    write_images("new", PIXELS[:2, :4])
    source = Images("study", 1)
    form = InputForm.of(source.load().inputs)
    line = line_of(form.check, "new", source.load_new("new").inputs)
    assert line == "new: found inputs of the shape 1 x 4 x 6; allowed: 1 x 5 x 6, as in the study"
    assert line_of(source.load_new, "nowhere").startswith("nowhere: found no such file; allowed: an image, a folder")
    Path("list.csv").write_text("path\nnew/a/0.png\nnew/a/7.png\n")
    assert line_of(source.load_new, "list.csv").startswith("list.csv: path, line 3: found new/a/7.png, of which")
    Path("empty").mkdir()
    assert line_of(source.load_new, "empty").startswith("empty: found an empty folder")
    Path("empty/note.txt").write_text("no image")
    assert line_of(source.load_new, "empty").startswith("empty/note.txt: found no image")


def test_texts_of_a_table_a_folder_one_file_and_a_data_frame_are_the_same_as_those_of_the_study():
    for number, text in enumerate(POEMS):
        Path("prose", "poem").mkdir(parents=True, exist_ok=True)
        Path("prose", "poem", f"{number}.txt").write_text(text)
    Path("new.csv").write_text("text\n" + "".join(f'"{text}"\n' for text in POEMS))
    source = Texts("prose", ngrams=2)
    preprocessor = source.counted([*POEMS, "another text, another sea"]).fit()
    wanted = preprocessor.transform(source.counted(POEMS))
    examples = [source.load_new(place) for place in ("new.csv", "prose", "prose/poem/1.txt")]
    assert [each.names for each in examples] == [(), ("poem/0.txt", "poem/1.txt", "poem/2.txt"), ("1.txt",)]
    of_frame = source.of_frame(pd.DataFrame({"text": POEMS, "more": 1}))
    for inputs, rows in zip(
        [*(each.inputs for each in examples), of_frame], [slice(3), slice(3), [1], slice(3)], strict=True
    ):
        assert np.array_equal(inputs.preprocessor(preprocessor.tensors()).transform(inputs), wanted[rows])


def test_a_text_that_is_missing_is_a_line_with_its_row():
    source = Texts("prose")
    assert line_of(source.of_frame, pd.DataFrame({"text": ["a sea", None]})) == (
        "new rows: column text, row 2: found nothing; allowed: a text in each row"
    )
    assert "allowed: a column text" in line_of(source.of_frame, pd.DataFrame({"txt": ["a sea"]}))
    assert line_of(source.load_new, "nowhere.txt").startswith("nowhere.txt: found no such file; allowed: a text file")


def test_an_array_in_memory_becomes_inputs_of_the_form_of_the_study():
    columns = Columns(NUMBERS, "robust")
    inputs = InputForm.of(columns).inputs("new rows", NUMBERS[:3].astype(np.float32))
    assert inputs.values.dtype == np.float64 and np.allclose(inputs.values, NUMBERS[:3], atol=1e-6)
    pixels = Pixels(PIXELS[:, None], 0, 255)
    inputs = InputForm.of(pixels).inputs("new rows", PIXELS[:3, None].astype(np.int64))
    assert inputs.values.dtype == np.uint8 and np.array_equal(inputs.values, PIXELS[:3, None])
    ready = InputForm.of(PIXELS[:, None].astype(np.float32))
    assert ready.inputs("new rows", PIXELS[:2, None]).array.dtype == np.float32


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (np.array([["a"] * 4]), "new rows: found values of the type <U1"),
        (NUMBERS[:, :3], "new rows: found inputs of the shape 3; allowed: 4, as in the study"),
        (
            np.array([[0.0] * 4, [0, 0, np.nan, 0]]),
            "new rows, row 2 (index 1), number 3: found nan; allowed: finite numbers",
        ),
    ],
)
def test_an_array_in_memory_of_another_form_is_one_line(values, found):
    assert line_of(InputForm.of(Columns(NUMBERS, "robust")).inputs, "new rows", values).startswith(found)


def test_a_pixel_outside_the_range_of_the_study_is_one_line():
    form = InputForm.of(Pixels(PIXELS[:, None], 0, 255))
    line = line_of(form.inputs, "new rows", np.full((1, 1, 5, 6), 256))
    assert line == "new rows, row 1 (index 0), number 1: found 256; allowed: numbers from 0 to 255"


def test_a_source_that_cannot_read_new_examples_says_which_can():
    line = line_of(ScikitLearn("iris").load_new, "new.csv")
    assert line.startswith("new.csv: found new examples for a source that cannot") and "arrays, images" in line
