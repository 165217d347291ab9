"""Text: what counts as a sentence, which sentences are neighbours, and that nothing learned from is tested."""

import hashlib
import json
import re
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from reglab.core.errors import UserError
from reglab.data import text
from reglab.data.text import BLOCK, LENGTH, PARTS, blocks, read, sentences, split, split_paragraph, words, write


@pytest.fixture(scope="module")
def topics():
    return text.topics_text()


@pytest.fixture(scope="module")
def prepared(topics, tmp_path_factory):
    return written(tmp_path_factory.mktemp("topics"), topics.encode())


def written(folder, content, seeds=3):
    (folder / "prose.txt").write_bytes(content)
    write(folder / "text", SimpleNamespace(file=str(folder / "prose.txt")), seeds)
    return read(folder / "text")


def numbered_text(paragraphs, length=5, start=0):
    """So many paragraphs of sentences that are all different."""
    numbers = iter(range(start, start + paragraphs * length))
    return "\n\n".join(
        " ".join(f"Sentence number {next(numbers)} stands here." for _ in range(length)) for _ in range(paragraphs)
    )


def test_the_prose_of_the_topics_is_paragraphs_of_sentences_each_once(topics):
    paragraphs = topics.strip().split("\n\n")
    assert len(paragraphs) == len(set(paragraphs)) > 1000
    assert all(re.search(r"^[^a-z\s].*[.:?!]\)?$", paragraph) for paragraph in paragraphs)
    assert not re.search(r"::=|>>>|[`“”]|\+--|====|\*\*\*|^New in version", topics, re.MULTILINE)
    assert topics == text.topics_text()


@pytest.mark.parametrize(
    ("paragraph", "expected"),
    [
        ("One ends. Another begins! A third? Yes.", ["One ends.", "Another begins!", "A third?", "Yes."]),
        ("Many do, e.g. Python and i.e. CPython. So it is.", ["Many do, e.g. Python and i.e. CPython.", "So it is."]),
        ("Dr. Watson met J. Smith (cf. Eq. 3). They talked.", ["Dr. Watson met J. Smith (cf. Eq. 3).", "They talked."]),
        ("Numbers like 3.14 stay. Names like a.b.c too.", ["Numbers like 3.14 stay.", "Names like a.b.c too."]),
        ("It was late etc. and so on. Über alles.", ["It was late etc. and so on.", "Über alles."]),
        ('He said "No." Then (it rained.) We left.', ['He said "No."', "Then (it rained.)", "We left."]),
        ("Called x. __init__ follows. 3 remain", ["Called x.", "__init__ follows.", "3 remain"]),
        ("", [""]),
    ],
)
def test_sentences_end_where_a_reader_ends_them(paragraph, expected):
    assert split_paragraph(paragraph) == expected


def test_lines_may_be_wrapped_anywhere_and_by_any_system(topics):
    wrapped = re.sub(r"(?<=\S) (?=\S)", "\n", topics)
    assert sentences(wrapped) == sentences(topics) == sentences(topics.replace("\n", "\r\n"))


def test_sentences_of_a_stretch_follow_each_other_in_the_text(topics):
    flat = " ".join(topics.split())
    stretches = sentences(topics)
    assert all(f"{one} {other}" in flat for stretch in stretches for one, other in pairwise(stretch))
    assert sum(len(stretch) - 1 for stretch in stretches) > 1000


def test_no_sentence_stands_twice_and_a_stretch_ends_where_one_is_left_out():
    said = "The first is said here. It is said again. The last one is new."
    again = "Something else is new. It is said again. Yes. Then another is new."
    assert sentences(f"{said}\n\n{again}") == [
        ["The first is said here.", "It is said again.", "The last one is new."],
        ["Something else is new."],
        ["Then another is new."],
    ]


def test_a_text_without_blank_lines_is_cut_into_stretches():
    result = sentences(numbered_text(1, length=100))
    assert [len(stretch) for stretch in result] == [BLOCK] * 4 + [100 - 4 * BLOCK]


@pytest.mark.parametrize("sizes", [[5] * 60, [BLOCK] * 20, [1, 2, 3] * 50, [1] * 7 + [200]])
def test_blocks_are_whole_stretches_in_a_row_with_enough_pairs(sizes):
    result = blocks(sizes)
    assert np.array_equal(np.unique(result), np.arange(result.max() + 1)) and (np.diff(result) >= 0).all()
    assert (np.bincount(result, weights=np.array(sizes) - 1) >= BLOCK).all()


def test_parts_are_disjoint_cover_the_text_and_consist_of_whole_blocks(prepared):
    for seed in range(3):
        excerpts = prepared.split(seed)
        assert np.array_equal(np.sort(np.concatenate([*excerpts.rows.values()])), np.arange(len(prepared.sentences)))
        parts = [set(excerpts.blocks[excerpts.rows[part]]) for part in PARTS]
        assert not parts[0] & parts[1] | parts[0] & parts[2] | parts[1] & parts[2]
        held_out = round(text.HELD_OUT * (excerpts.blocks.max() + 1))
        assert [len(part) for part in parts[1:]] == [held_out, held_out]
        assert {part: list(rows) for part, rows in split(excerpts.blocks, seed).items()} == {
            part: list(rows) for part, rows in excerpts.rows.items()
        }


def test_seeds_draw_blocks_of_their_own(prepared):
    assert set(prepared.split(0).rows["test"]) != set(prepared.split(1).rows["test"])


def test_words_are_numbers_of_stems_in_lower_case_of_a_fixed_length():
    one, other = words("Arguments, of RETURNING functions!"), words("argument of returned function")
    assert np.array_equal(one, other) and one.dtype == np.int64 and one.shape == (LENGTH,)
    assert (one[:4] > 0).all() and (one[4:] == 0).all() and len(set(one[:4])) == 4
    assert words("word " * 100).min() > 0 and not words("... !").any()
    assert words("1234567")[0] == 1 + 0xCBF53A1C % (text.BUCKETS - 1)  # the CRC-32 of "12345"


def test_what_is_written_is_read_and_the_same_text_gives_the_same_bytes(tmp_path):
    content = numbered_text(70).encode()
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    one, other = written(first, content), written(second, b"\xef\xbb\xbf" + content)
    assert one.fingerprint == other.fingerprint and one.name == "prose"
    assert one.sentences == [sentence for stretch in sentences(content.decode()) for sentence in stretch]
    assert np.array_equal(one.split(1).words[7], words(one.sentences[7]))
    described = json.loads((first / "text" / "dataset.json").read_text(encoding="utf-8"))
    assert (described["sentences"], described["pairs"]) == (350, 280), "70 paragraphs of 5 sentences"
    for name in ("data.safetensors", "sentences.txt", "dataset.json"):
        assert (first / "text" / name).read_bytes() == (second / "text" / name).read_bytes()
    assert written(second, numbered_text(70, start=1).encode()).fingerprint != one.fingerprint


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "found no sentence"),
        (b"\n \n\n", "found no sentence"),
        (b"Only one sentence stands here.", "found 1 sentence with 0 pairs of neighbours; needed: about 240 pairs"),
        (numbered_text(20).encode(), "found 100 sentences with 80 pairs of neighbours; needed: about 240 pairs"),
        ("Größe zählt hier sehr viel.".encode("latin1"), "not UTF-8, byte 2 is 0xf6"),
        (numbered_text(300, length=1).encode(), "found 300 sentences with 0 pairs"),
    ],
)
def test_a_text_that_can_not_be_learned_from_is_refused_in_a_line(tmp_path, content, expected):
    with pytest.raises(UserError) as error:
        written(tmp_path, content)
    [line] = error.value.lines
    assert line.startswith(f"params.yaml: text.file: {tmp_path / 'prose.txt'}: ") and expected in line
    assert not (tmp_path / "text").exists()


@pytest.mark.parametrize(("count", "refused"), [(text.LEAST - 1, 1), (text.LEAST, 0)])
def test_a_text_needs_just_so_many_blocks(count, refused):
    stretches = [["a sentence"] * (BLOCK + 1)] * count
    assert len(text.problems("mine.txt", stretches)) == refused


@pytest.mark.parametrize(("name", "expected"), [("absent.txt", "no such file"), (".", "cannot be read")])
def test_a_file_that_can_not_be_read_is_refused_in_a_line(tmp_path, name, expected):
    with pytest.raises(UserError, match=expected):
        write(tmp_path / "text", SimpleNamespace(file=str(tmp_path / name)), 1)


def test_text_that_was_not_prepared_says_what_to_run(tmp_path):
    with pytest.raises(UserError, match="dvc repro text"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("A statement ends the\nlogical line here.", "A statement ends the logical line here."),
        ("   * A list item is a sentence too.", "A list item is a sentence too."),
        ("12. The twelfth step is taken next.", "The twelfth step is taken next."),
        ("(2) The second case is another one.", "The second case is another one."),
        ("[3] A footnote says some more words.", "A footnote says some more words."),
        ("Note: This is worth a second look.", "This is worth a second look."),
        ("A call may raise an error here[4].", "A call may raise an error here."),
        ("It *must* be a **valid name** there.", "It must be a valid name there."),
        ('The "name" is `bound` “here” again.', "The name is bound here again."),
        ("Names are looked up as follows: so.", "Names are looked up as follows: so."),
        ("Is it allowed to do that?", "Is it allowed to do that?"),
        ("(It is allowed to do that.)", "(It is allowed to do that.)"),
        ("object.__init__(self)\n   Called after it has been created.", "Called after it has been created."),
        ("* An item that is\n  indented goes on here.", "An item that is indented goes on here."),
        ("Two words.", ""),
        ("it begins with a small letter here.", ""),
        ("A heading of some words without end", ""),
        ("The grammar x ::= y is left out.", ""),
        ("The prompt >>> x is left out.", ""),
        ("A line of === signs is left out.", ""),
        ("Changed in version 3.2 it was moved.", ""),
        ("In version 3.2 it was changed again.", "In version 3.2 it was changed again."),
        ("The signs %&%&%&%&%&%&%& are left out.", ""),
        ("", ""),
    ],
)
def test_a_paragraph_is_what_is_made_of_sentences(block, expected):
    assert text.prose(block) == expected


def test_a_description_says_how_much_was_written(tmp_path):
    written(tmp_path, numbered_text(70).encode(), seeds=2)
    described = json.loads((tmp_path / "text" / "dataset.json").read_text(encoding="utf-8"))
    files = [(tmp_path / "text" / name).read_bytes() for name in ("data.safetensors", "sentences.txt")]
    result, count = read(tmp_path / "text"), described["blocks"]
    assert described == {
        **{"name": "prose", "fingerprint": "sha256:" + hashlib.sha256(b"".join(files)).hexdigest()},
        **{"sentences": 350, "pairs": 280, "blocks": 11, "seeds": 2},
        "sizes": {part: len(result.split(0).rows[part]) for part in PARTS},
    }
    assert count == result.split(1).blocks.max() + 1 and described["fingerprint"] == result.fingerprint


def test_blocks_are_whole_numbers_also_of_no_stretch_at_all():
    assert [blocks(sizes).dtype for sizes in ([], [30])] == [np.int64, np.int64] and len(blocks([])) == 0
