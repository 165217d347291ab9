"""Next sentence: of two sentences from the same passage the network tells whether the second follows the first.

Right pairs are neighbours in the text. For a wrong pair a first sentence gets the successor of another one in its block, of
about the same length: within a block the successors change places. So every sentence stands as often in right pairs as in
wrong ones, first or second, and no property of one sentence, of its topic or of its place tells anything.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import shorten
from typing import Annotated, Literal

import numpy as np
import torch
from annotated_types import Ge, Gt, Le, Lt
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from reglab.core.figures import COLORS, canvas
from reglab.core.streams import Moment, generator, seed_of
from reglab.data import text
from reglab.data.loader import Batch
from reglab.data.text import BUCKETS, Excerpts
from reglab.experiments.pretraining.base import Pretext, PretextLearner, Setting, Task
from reglab.experiments.pretraining.probes import Probed, nearest
from reglab.experiments.pretraining.sentence_pairs import build
from reglab.training.learner import device_of

JITTER = 3.0  # words by which the lengths of sentences that change places may differ, about
TENTHS = 10  # of the text: the probes predict which one a sentence is from
QUERIES, NEAREST, SHOWN = 5, 3, 105  # of the picture: sentences, those nearest to each, characters of a line
COMMON, EXTREMES = 60, 7  # words whose learned weights are compared, and how many of either end are shown


def neighbours(stretches: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The pairs (m, 2) of sentences of `rows` (n,) that follow each other within a stretch; stretches: of all sentences."""
    together = (np.diff(rows) == 1) & (np.diff(stretches[rows]) == 0)
    return np.stack([rows[:-1][together], rows[1:][together]], 1)


def exchanged(pairs: np.ndarray, lengths: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The seconds (m,) of the pairs of one block, each at the first of another pair: a cyclic shift in the order of lengths.

    Lengths are jittered, and drawn again where a sentence came to follow itself. lengths: of all sentences, in words.
    """
    first, second = pairs.T
    while True:
        order = np.argsort(lengths[second] + JITTER * random.standard_normal(len(pairs)), kind="stable")
        given = np.empty_like(second)
        given[order] = second[np.roll(order, random.choice([-1, 1]))]
        if not (given == first).any():
            return given


class Pairs:
    """Right pairs of some sentences, and as many wrong ones, drawn anew each epoch by (seed, epoch), in shuffled batches.

    Lightning tells the epoch, as it tells `reglab.data.loader.Loader`. Of a batch inputs are (batch, 2, length), targets
    (batch,) 1 where the second follows the first.
    """

    def __init__(self, excerpts: Excerpts, part: str, size: int, seed: int, device: str = "cpu") -> None:
        self.excerpts, self.size, self.seed, self.epoch = excerpts, size, seed, 0
        self.words = torch.as_tensor(excerpts.words).to(device)
        self.lengths = (excerpts.words > 0).sum(1)
        right = neighbours(excerpts.stretches, excerpts.rows[part])
        self.blocks = np.split(right, 1 + np.flatnonzero(np.diff(excerpts.blocks[right[:, 0]])))
        self.right = right
        self.sampler = self

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-2 * len(self.right) // self.size)

    def drawn(self, *keys: int | str) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of the sentences (2m, 2), the right pairs before the wrong ones, and which follow (2m,)."""
        random = np.random.default_rng(seed_of(self.seed, *keys))
        seconds = np.concatenate([exchanged(pairs, self.lengths, random) for pairs in self.blocks])
        wrong = np.stack([self.right[:, 0], seconds], 1)
        return np.concatenate([self.right, wrong]), np.repeat([1.0, 0.0], len(self.right))

    def batch(self, sentences: np.ndarray, follows: np.ndarray) -> Batch:
        chosen = torch.as_tensor(sentences).to(self.words.device)
        indices = torch.arange(len(chosen), device=chosen.device)
        return Batch(self.words[chosen], torch.as_tensor(follows).float().to(chosen.device), indices)

    def __iter__(self) -> Iterator[Batch]:
        whole = self.batch(*self.drawn("pairs", self.epoch))
        order = torch.randperm(len(whole.indices), generator=generator(self.seed, "batch_order", self.epoch))
        for rows in order.to(whole.indices.device).split(self.size):
            yield Batch(whole.inputs[rows], whole.targets[rows], whole.indices[rows])


@dataclass(frozen=True)
class WordDropout:
    """Leaves words out of sentences, each with the chance `share`, drawn anew each step."""

    share: float

    def __call__(self, batch: Batch, moment: Moment, stream: str = "word_dropout") -> Tensor:
        random = moment.generator(stream, batch.inputs.device)
        kept = torch.rand(batch.inputs.shape, generator=random, device=batch.inputs.device) >= self.share
        return batch.inputs * kept


class NextSentenceLearner(PretextLearner):
    """Minimises the cross-entropy of the answer; the representation of a sentence is its words' weighted sum."""

    def training_step(self, batch: Batch, batch_index: int = 0) -> Tensor:
        odds = self.network(self.vary(batch, self.moment))
        return self.accumulate(binary_cross_entropy_with_logits(odds, batch.targets))

    def features(self, inputs: Tensor) -> Tensor:
        return self.network.encode(inputs)

    def metrics(self, batch: Batch) -> dict[str, Tensor]:
        odds = self.network(batch.inputs)
        return {
            "loss": binary_cross_entropy_with_logits(odds, batch.targets),
            "accuracy": ((odds > 0) == (batch.targets > 0)).double().mean(),
            "chance": odds.new_tensor(0.5),
        }


@dataclass(frozen=True)
class NextSentence(Pretext):
    """Minimises the cross-entropy of P(second follows first) = sigmoid(network(first, second)).

    Sentences are points in `width` dimensions; `word_dropout` is the share of words left out while learning.

    Source: Devlin, Chang, Lee and Toutanova, BERT: Pre-training of Deep Bidirectional Transformers for Language
    Understanding, 2019, section 3.1, task 2; theirs takes wrong seconds from anywhere, so that the topic helps to answer.
    """

    source: Literal["text"] = "text"
    epochs: Annotated[int, Ge(1), Le(100_000)] = 15
    batch_size: Annotated[int, Ge(2), Le(65_536)] = 128
    learning_rate: Annotated[float, Gt(0)] = 0.01
    width: Annotated[int, Ge(1), Le(65_536)] = 256
    word_dropout: Annotated[float, Ge(0), Lt(1)] = 0.2
    search: dict[str, tuple] | None = field(default=None, metadata={"optional": True})

    def read(self, folder: Path) -> text.PreparedText:
        return text.read(folder / self.source)

    def task(self, source: Excerpts, study, setting: Setting, seed: int) -> Task:
        device = device_of(setting.accelerator)
        loaders = {part: Pairs(source, part, self.batch_size, seed, device) for part in source.rows}
        held_out = [loader.batch(*loader.drawn(part)) for part, loader in loaders.items() if part != "training"]
        words, tenths = torch.as_tensor(source.words), torch.arange(len(source.words)) * TENTHS // len(source.words)
        fitted, *held_out_parts = (
            [values[rows].to(device) for values in (words, tenths)] for rows in source.rows.values()
        )
        network = build(BUCKETS, self.width, seed).to(device)
        learner = NextSentenceLearner(network, self.training(setting.accelerator), WordDropout(self.word_dropout), seed)
        probes = tuple(Probed(*fitted, *part) for part in held_out_parts)
        learner.probe = probes[0]
        return Task(learner, loaders["training"], *held_out, probes)

    @torch.no_grad()
    def picture(self, task: Task) -> Figure:
        """Validation sentences from places far apart, each with the nearest learned from; and how much words count."""
        excerpts, probe, learner = task.training.excerpts, task.probes[0], task.learner.eval()
        queries = np.linspace(0, len(probe.held_out_inputs) - 1, QUERIES + 2).astype(int)[1:-1]
        features, points = learner.features(probe.inputs), learner.features(probe.held_out_inputs[queries])
        lines = []
        for point, row, others in zip(points, queries, nearest(features, points, NEAREST).tolist(), strict=True):
            lines.append((excerpts.sentences[excerpts.rows["validation"][row]], True))
            for other in others:
                sentence = excerpts.sentences[excerpts.rows["training"][other]]
                lines.append((f"{features[other] @ point:.2f}   {sentence}", False))
            lines.append(("", False))
        weights = weights_of_words(excerpts, learner.network.counts.exp().squeeze(1).cpu().numpy())
        words_by_weight = [f"{word} {weights[word]:.2f}" for word in sorted(weights, key=weights.get)]
        lines.append(("What the commonest words came to count, each beginning with 1: least, and most", True))
        lines += [(", ".join(some), False) for some in (words_by_weight[:EXTREMES], words_by_weight[-EXTREMES:])]
        figure, axes = canvas(8.0, 0.19 * len(lines))
        axes.set_axis_off()
        axes.set(xlim=(0, 1), ylim=(len(lines), -1))
        for place, (line, heading) in enumerate(lines):
            look = {"color": COLORS[0], "weight": "bold"} if heading else {}
            axes.text(0, place, shorten(line, SHOWN, placeholder=" …"), parse_math=False, **look)
        return figure


def weights_of_words(excerpts: Excerpts, weights: np.ndarray) -> dict[str, float]:
    """The weights of the commonest words that were learned from, no two of one number; weights: of all numbers."""
    counts = Counter(
        pair
        for row in excerpts.rows["training"]
        for pair in zip(text.WORD.findall(excerpts.sentences[row].lower()), excerpts.words[row].tolist(), strict=False)
    )
    commonest = {number: word for (word, number), _ in reversed(counts.most_common(COMMON))}
    return {word: weights[number].item() for number, word in commonest.items()}
