"""Sentences as points: random word vectors, summed by learned weights, and the odds that one sentence follows another."""

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from reglab.core import streams

OPENING = 2  # words with which the second sentence opens
SHARPNESS = 4.0  # log-odds between sentences that share all and sentences that share nothing, at the start


class SentencePairs(nn.Module):
    """The log-odds that the second sentence of each pair follows the first in the text.

        u = sum_w exp(a_w) e_w / |sum_w exp(a_w) e_w|
        log-odds = (1 + sum_(w opens) g_w) sum_k m_k u_1k u_2k + sum_(w opens) c_w + c

    The word vectors e (words, width) stay as they were drawn, nearly orthogonal, so that u_1 . u_2 tells which words two
    sentences share; a few thousand pairs would not teach a vector a word. What is learned is how much each word counts,
    a (words,), at first all the same, and what it means that the second opens with "This" or "If", g and c. Word 0 is no
    word. Arora, Liang and Ma, A Simple but Tough-to-Beat Baseline for Sentence Embeddings, 2017, eq. 1: there a word's
    weight is set by its frequency.
    """

    def __init__(self, words: int, width: int) -> None:
        super().__init__()
        vectors = torch.randn(words, width) / width**0.5
        vectors[0] = 0
        self.register_buffer("vectors", vectors, persistent=False)
        self.counts = nn.Parameter(torch.zeros(words, 1))
        self.opening = nn.Parameter(torch.zeros(words, 2))
        self.metric = nn.Parameter(torch.full((width,), SHARPNESS))
        self.bias = nn.Parameter(torch.zeros(()))

    def encode(self, words: Tensor) -> Tensor:
        """The representation (n, width) of sentences (n, length), of norm 1; of a sentence without words, zeros."""
        weights = self.counts[words].exp().transpose(1, 2)  # (n, 1, length)
        return normalize((weights @ self.vectors[words]).squeeze(1), dim=1)

    def forward(self, pairs: Tensor) -> Tensor:
        """pairs (n, 2, length) of words; log-odds (n,)."""
        first, second = self.encode(pairs.flatten(0, 1)).unflatten(0, (-1, 2)).unbind(1)
        openers = pairs[:, 1, :OPENING]
        gain, offset = (self.opening[openers] * (openers > 0)[..., None]).sum(1).unbind(1)
        return (1 + gain) * ((first * second) @ self.metric) + offset + self.bias


def build(words: int, width: int, seed: int) -> SentencePairs:
    """The network with the word vectors and initial weights of this seed, drawn from the stream `initialization`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(streams.seed_of(seed, "initialization"))
        return SentencePairs(words, width)
