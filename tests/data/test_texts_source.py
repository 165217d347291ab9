"""Text files of a user's own: what is read, and one clear line for each file that cannot be."""

import os
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


def test_a_pipe_among_the_files_is_refused_and_not_waited_for():
    os.mkfifo("prose/poem/a.txt")
    assert lines()[0].startswith("prose/poem/a.txt: found a device, such as a pipe; allowed: a plain text")


@pytest.mark.parametrize(("name", "found"), [(b"caf\xe9", "'caf\\udce9'"), (b"po\nem", "'po\\nem'")])
def test_a_class_whose_name_cannot_be_printed_is_refused(name, found):
    os.rename(b"prose/poem", b"prose/" + name)
    assert lines() == (f"prose: found the class {found}; allowed: names of printed characters in one line, in UTF-8",)


def test_texts_without_any_word_are_refused():
    for file in Path("prose").rglob("*.txt"):
        file.write_text("1 ! a", encoding="utf-8")
    assert lines() == ("prose: found no word in any text; allowed: words of two letters or more",)


def test_classes_with_too_few_texts_are_refused():
    Path("prose/poem/0.txt").unlink()
    assert lines()[0].startswith(
        "prose: found classes with too few examples: poem (2); allowed: at least 3 of each class"
    )


HEADER = "text,target,year,part"
ROWS = [f'"{text}",poem,200{year},train' for year, text in enumerate(POEMS)]
ROWS += [f'"{text}",recipe,199{year},test' for year, text in enumerate(RECIPES)]


def table(*rows: str, encoding="utf-8", end="\n") -> None:
    Path("prose.csv").write_bytes(end.join(rows).encode(encoding))


@pytest.mark.parametrize(("encoding", "end"), [("utf-8", "\n"), ("utf-8-sig", "\r\n")])
def test_a_table_of_texts_gives_what_the_folder_gives_and_what_splits_need(encoding, end):
    table(HEADER, *ROWS, encoding=encoding, end=end)
    of_table = Texts(file="prose.csv", time="year", parts="part").load()
    of_folder = Texts("prose").load()
    for name, tensor in of_folder.inputs.tensors().items():
        assert np.array_equal(of_table.inputs.tensors()[name], tensor)
    assert np.array_equal(of_table.targets, of_folder.targets) and of_table.classes == of_folder.classes
    assert of_table.times.tolist() == [2000, 2001, 2002, 1990, 1991, 1992]
    assert of_table.parts.tolist() == ["train"] * 3 + ["test"] * 3


def test_a_text_in_quotes_may_have_several_lines_and_rows_are_counted_as_lines():
    table(HEADER, '"two\nlines, and a comma",poem,1,train', *ROWS, ",poem,1,train", "no comma")
    assert lines(folder=None, file="prose.csv") == (
        "prose.csv, line 11: found 1 values; allowed: 4, as the first line has",
        "prose.csv: text, line 10: found nothing; allowed: a value in each row",
    )


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "prose.csv: found no line; allowed: a table in UTF-8"),
        (b"text,target\n", "prose.csv: found the names of columns and no rows"),
        (b"text,target\nsea,poem\ncaf\xe9,poem\n", "prose.csv, line 3: found the byte 0xe9, which is not UTF-8"),
        (b"text;target\nsea;poem\n", 'the line has 1 of ";" instead'),
        (b"text,text\nsea,poem\n", 'prose.csv, line 1: found 2 columns with the name "text"'),
        (
            b"texts,target\nsea,poem\n",
            'prose.csv, line 1: found no column "text"; allowed: one of: texts, target; did you',
        ),
        (b"text,target\n\0,poem\n", "prose.csv: found a byte 0"),
        (b"text,target\nsea,poem\n", "prose.csv: found one class, poem; allowed: two classes or more"),
        (
            b"text,target\nsea,poem\nsalt,recipe\n",
            "prose.csv: found classes with too few examples: poem (1), recipe (1)",
        ),
    ],
)
def test_a_table_that_cannot_be_learned_from_is_refused(content, found):
    Path("prose.csv").write_bytes(content)
    assert any(found in line for line in lines(folder=None, file="prose.csv"))


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"file": "prose.cvs"}, "prose.cvs: found no such file; allowed: a table in UTF-8"),
        ({"file": "prose"}, "prose: found a folder"),
        ({"file": "prose/poem/0.txt"}, "prose/poem/0.txt: found the ending .txt"),
        ({"file": None}, "params.yaml: data.file: found nothing; allowed: either folder or file"),
        ({"folder": "prose"}, "params.yaml: data.file: found a folder and a file; allowed: either folder or file"),
        (
            {"folder": "prose", "file": None, "group": "year"},
            "data.file: found nothing, but columns: year; allowed: a table",
        ),
        (
            {"time": "target"},
            'prose.csv: target, line 2: found "poem"; allowed: a number, or a date such as 2024-01-31',
        ),
        (
            {"parts": "target"},
            'prose.csv: target, line 2: found "poem"; allowed: one of: train, validation, test, unlabelled',
        ),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings, found):
    table(HEADER, *ROWS)
    assert found in lines(**{"folder": None, "file": "prose.csv"} | settings)[0]
