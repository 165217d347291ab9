"""Text files of a user's own: what is read, and one clear line for each file that cannot be."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_files
from sklearn.feature_extraction.text import TfidfVectorizer

from reglab.core.errors import UserError
from reglab.data.sources.texts import Texts

POEMS = ["The sea is grey", "grey waves, grey Sea", "The wave sings"]
RECIPES = ["Boil the water", "salt the boiling water", "The fish is salt"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, texts in (("poem", POEMS), ("recipe", RECIPES)):
        Path("prose", name).mkdir(parents=True)
        for number, text in enumerate(texts):
            Path("prose", name, f"{number}.txt").write_text(text, encoding="utf-8")


def lines(**settings) -> tuple[str, ...]:
    with pytest.raises(UserError) as error:
        Texts(**{"folder": "prose"} | settings).load()
    assert all("found" in line and "; allowed: " in line for line in error.value.lines)
    return error.value.lines


@pytest.mark.parametrize("ngrams", [1, 2])
def test_a_folder_of_text_files_gives_what_scikit_learn_gives(ngrams):
    examples = Texts("prose", ngrams=ngrams, max_features=50, min_df=2).load()
    theirs = load_files("prose", encoding="utf-8", shuffle=False)
    assert examples.classes == ("poem", "recipe") and np.array_equal(examples.targets, theirs.target)
    expected = TfidfVectorizer(ngram_range=(1, ngrams), min_df=2).fit_transform(theirs.data).toarray()
    ours = examples.inputs.fit().transform(examples.inputs)
    width = expected.shape[1]
    assert np.abs(ours[:, :width] - expected).max() < 1e-6 and ours.shape == (6, 50) and not ours[:, width:].any()


def test_a_byte_order_mark_is_no_part_of_the_text():
    before = Texts("prose").load().inputs
    Path("prose/poem/0.txt").write_text(POEMS[0], encoding="utf-8-sig")
    assert Texts("prose").load().inputs.vocabulary == before.vocabulary


def test_every_file_that_is_no_text_is_a_line():
    for name, content in {
        "a.txt": b"",
        "b.txt": b" \n\t",
        "c.txt": b"one\ntwo caf\xe9",
        "d.txt": b"ab\0cd",
        "e.pdf": b"text",
        "f": b"text",
    }.items():
        Path("prose/poem", name).write_bytes(content)
    starts = (
        "prose/poem/a.txt: found no text; allowed: a plain text file (.txt) in UTF-8",
        "prose/poem/b.txt: found no text",
        "prose/poem/c.txt, line 2: found the byte 0xe9, which is not UTF-8",
        "prose/poem/d.txt: found a byte 0",
        "prose/poem/e.pdf: found the ending .pdf",
        "prose/poem/f: found the ending of no kind",
    )
    for line, start in zip(lines(), starts, strict=True):
        assert line.startswith(start)


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    Path("prose/poem/a.txt").symlink_to("../../secret.txt")
    assert lines()[0].startswith("prose/poem/a.txt: found a link out of the folder, to ../../secret.txt")


def test_classes_with_too_few_texts_are_refused():
    Path("prose/poem/0.txt").unlink()
    assert lines()[0].startswith(
        "prose: found classes with too few examples: poem (2); allowed: at least 3 of each class"
    )
