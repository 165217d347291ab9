"""Plain text: its sentences in their order, cut into blocks, some blocks to learn from and others to be tested on.

A stretch is a run of sentences that follow each other in the text and belong together. It ends with its paragraph (at a
blank line), after `BLOCK` sentences, and where a sentence is left out because it is a repetition or has fewer than four
words. So the sentences of a stretch are true neighbours, and no sentence occurs twice: none of training is also tested.
A block is as many whole stretches in a row as give `BLOCK` pairs of neighbours. Parts are made of whole blocks.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import numpy as np

from reglab.core.errors import UserError
from reglab.core.streams import seed_of

PARTS = ("training", "validation", "test")
HELD_OUT = 0.15  # of the blocks, for validation, and as many for the test
BLOCK = 24  # pairs of neighbours
LEAST = 10  # blocks that can be split
SHORTEST = 4  # words of a sentence
LENGTH = 40  # words of a sentence that are read
BUCKETS = 8192  # into which words are hashed; 0 stands for no word
STEM = 5  # letters by which a word is known, so that "argument" is "arguments"

WORD = re.compile(r"\w+")
END = re.compile(r"""[.!?…]["'”’»)\]]*\s+(?=["'“‘«(\[]*(\w))""")
ABBREVIATION = re.compile(
    r"(?:^|[\s(\[])(?:[^\W\d_a-z]|e\.g|i\.e|cf|vs|al|approx|resp|Mr|Mrs|Ms|Dr|Prof|St|Jr|Fig|Figs|Eq|Sec|No|Vol|pp|ed|eds)\.$"
)


class Excerpts(NamedTuple):
    """A seed's view of a text: every sentence in order, its words (n, LENGTH), its stretch and block (n,), all int64.

    `rows` has the numbers of the sentences of each part.
    """

    sentences: list[str]
    words: np.ndarray
    stretches: np.ndarray
    blocks: np.ndarray
    rows: dict[str, np.ndarray]


@dataclass(frozen=True)
class PreparedText:
    """The text that `write` wrote: its name, fingerprint, and `Excerpts` for each seed."""

    name: str
    fingerprint: str
    sentences: list[str]
    tensors: dict[str, np.ndarray]

    def split(self, seed: int) -> Excerpts:
        whole = (self.tensors[name] for name in ("words", "stretches", "blocks"))
        return Excerpts(self.sentences, *whole, {part: self.tensors[f"seed-{seed}/{part}"] for part in PARTS})


def sentences(text: str) -> list[list[str]]:
    """The stretches of a text, each a list of sentences; lines may be wrapped anywhere."""
    stretches, seen = [], set()
    for paragraph in re.split(r"\n\s*\n", "\n".join(text.splitlines())):
        stretch = []
        for sentence in split_paragraph(" ".join(paragraph.split())):
            left_out = sentence.lower() in seen or len(WORD.findall(sentence)) < SHORTEST
            if left_out or len(stretch) == BLOCK:
                stretches.append(stretch)
                stretch = []
            if not left_out:
                seen.add(sentence.lower())
                stretch.append(sentence)
        stretches.append(stretch)
    return [stretch for stretch in stretches if stretch]


def split_paragraph(paragraph: str) -> list[str]:
    """Split after each . ! ? … that neither ends an abbreviation nor precedes a small letter."""
    starts = [0]
    for end in END.finditer(paragraph):
        if not end[1].islower() and not ABBREVIATION.search(paragraph[starts[-1] : end.start() + 1]):
            starts.append(end.end())
    return [paragraph[start:stop].strip() for start, stop in zip(starts, [*starts[1:], len(paragraph)], strict=True)]


def blocks(sizes: Iterable[int]) -> np.ndarray:
    """The block (n,) of each of n stretches of so many sentences; an incomplete last block joins the one before."""
    numbers, block, pairs = [], 0, 0
    for size in sizes:
        numbers.append(block)
        pairs += size - 1
        if pairs >= BLOCK:
            block, pairs = block + 1, 0
    return np.minimum(np.array(numbers, dtype=np.int64), max(block - 1, 0))


def words(sentence: str) -> np.ndarray:
    """The numbers (LENGTH,) of a sentence's first words in lower case, hashed by their stems; then zeros.

    There is no vocabulary: a word has the same number in every text. Weinberger, Dasgupta, Langford, Smola and Attenberg,
    Feature Hashing for Large Scale Multitask Learning, 2009.
    """
    stems = [word[:STEM].encode() for word in WORD.findall(sentence.lower())[:LENGTH]]
    numbers = [1 + crc32(stem) % (BUCKETS - 1) for stem in stems]
    return np.array(numbers + [0] * (LENGTH - len(numbers)), dtype=np.int64)


def split(blocks: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """The sentences of each part: whole blocks, drawn by the seed, in the order of the text. blocks (n,): each sentence's."""
    order = np.random.default_rng(seed_of("text_split", seed)).permutation(blocks.max() + 1)
    held_out = round(HELD_OUT * len(order))
    test, validation, training = np.split(order, [held_out, 2 * held_out])
    drawn = zip(PARTS, (training, validation, test), strict=True)
    return {part: np.flatnonzero(np.isin(blocks, chosen)) for part, chosen in drawn}


def read_file(file: str) -> str:
    """The characters of a text file in UTF-8; UserError if it cannot be read."""
    where = f"params.yaml: text.file: {file}"
    try:
        return Path(file).read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"{where}: there is no such file; name a plain text file, or data/topics.txt") from None
    except UnicodeDecodeError as error:
        raise UserError(
            f"{where}: not UTF-8, byte {error.start} is {error.object[error.start]:#04x}; save it as plain text in UTF-8"
        ) from None
    except OSError as error:
        raise UserError(f"{where}: cannot be read, {error.strerror}; name a plain text file") from None


def problems(file: str, stretches: list[list[str]]) -> list[str]:
    """The reason why these sentences are too few to learn from, in a line; none if they are enough."""
    count, pairs = sum(map(len, stretches)), sum(len(stretch) - 1 for stretch in stretches)
    if blocks(map(len, stretches)).max(initial=-1) + 1 >= LEAST:
        return []
    needed = LEAST * BLOCK
    content = (
        f"{count} sentence{'' if count == 1 else 's'} with {pairs} pairs of neighbours" if count else "no sentence"
    )
    return [
        f"params.yaml: text.file: {file}: found {content}; needed: about {needed} pairs, in paragraphs that blank lines "
        f"part, to split into training, validation and test; give a longer text, of sentences of {SHORTEST} words or more"
    ]


def write(folder: Path, text, seeds: int) -> None:
    """Split `text.file` for every seed and write `data.safetensors`, `sentences.txt` and `dataset.json`.

    UserError if the file cannot be read or is too short.
    """
    from safetensors.numpy import save_file

    stretches = sentences(read_file(text.file))
    if reasons := problems(text.file, stretches):
        raise UserError(*reasons)
    sizes, lines = [len(stretch) for stretch in stretches], [sentence for stretch in stretches for sentence in stretch]
    tensors = {
        "words": np.stack([words(sentence) for sentence in lines]),
        "stretches": np.repeat(np.arange(len(sizes)), sizes),
        "blocks": np.repeat(blocks(sizes), sizes),
    }
    for seed in range(seeds):
        tensors |= {f"seed-{seed}/{part}": rows for part, rows in split(tensors["blocks"], seed).items()}
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "data.safetensors")
    (folder / "sentences.txt").write_text("".join(f"{sentence}\n" for sentence in lines), encoding="utf-8")
    digest = hashlib.sha256((folder / "data.safetensors").read_bytes() + (folder / "sentences.txt").read_bytes())
    description = {
        "name": Path(text.file).stem,
        "fingerprint": "sha256:" + digest.hexdigest(),
        "sentences": len(lines),
        "pairs": len(lines) - len(sizes),
        "blocks": int(tensors["blocks"].max()) + 1,
        "sizes": {part: len(tensors[f"seed-0/{part}"]) for part in PARTS},
        "seeds": seeds,
    }
    (folder / "dataset.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


def read(folder: Path) -> PreparedText:
    """Read the text that `write` wrote."""
    from safetensors.numpy import load_file

    try:
        description = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
        lines = (folder / "sentences.txt").read_text(encoding="utf-8").split("\n")[:-1]
        tensors = load_file(folder / "data.safetensors")
    except FileNotFoundError:
        raise UserError(f"{folder}: no prepared text; run: dvc repro text") from None
    return PreparedText(description["name"], description["fingerprint"], lines, tensors)


def topics_text() -> str:
    """The prose of Python's own language reference, as `help()` shows it: paragraphs of sentences, blank lines between.

    Without headings, code, grammar, tables, lists of fragments, version notes, marks of emphasis and repetitions.
    """
    from pydoc_data.topics import topics

    paragraphs = {}
    for name in sorted(topics):
        for block in re.split(r"\n\s*\n", topics[name]):
            if paragraph := prose(block):
                paragraphs.setdefault(paragraph)
    return "\n\n".join(paragraphs) + "\n"


def prose(block: str) -> str:
    """A block of marked-up text as a paragraph, or nothing if it is not made of sentences."""
    lines = [line for line in block.split("\n") if line.strip()]
    while len(lines) > 1 and indent(lines[0]) < indent(lines[1]) and not re.match(r"\s*(\*|\d+\.) ", lines[0]):
        lines = lines[1:]  # the term that the block explains
    paragraph = " ".join(" ".join(lines).split())
    paragraph = re.sub(r"^(\*|\d+\.|\(\d+\)|\[\d+\]|Note:) |\[\d+\]", "", paragraph)
    paragraph = re.sub(r"\*+([^\s*\"][^*\"]*)\*+(?!\w)|[\"“”‘`]|::(?=\s|$)|’(?!\w)", r"\1", paragraph).strip()
    letters = sum(letter.isalpha() or letter in " ,." for letter in paragraph)
    sentence = re.search(r"[.:?!]\)?$", paragraph) and len(WORD.findall(paragraph)) >= SHORTEST
    code = re.search(r"::=|>>>|\+--|[=*\-~^#]{3}|^(New|Changed|Deprecated) (in|since) version", paragraph)
    whole = sentence and not code and not paragraph[0].islower() and letters > 0.85 * len(paragraph)
    return paragraph if whole else ""


def indent(line: str) -> int:
    return len(line) - len(line.lstrip())
