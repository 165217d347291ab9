"""Next sentence: pairs that nothing but reading them gives away, the network in closed form, and held-out text."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from reglab.core import figures
from reglab.core.streams import Moment, generator
from reglab.data import text
from reglab.data.augmentation.policy import Policy
from reglab.data.loader import Whole
from reglab.experiments.pretraining.base import Setting
from reglab.experiments.pretraining.methods.next_sentence import (
    NextSentence,
    Pairs,
    WordDropout,
    exchanged,
    weights_of_words,
)
from reglab.experiments.pretraining.sentence_pairs import OPENING, SHARPNESS, SentencePairs, build
from reglab.models.convnet import ConvNet
from reglab.training.one_seed import fit

PRETEXT, SETTING = NextSentence(), Setting(ConvNet(), Policy())
SEEDS = (0, 1)


@pytest.fixture(scope="module")
def topics(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    (folder / "topics.txt").write_text(text.topics_text(), encoding="utf-8")
    text.write(folder / "text", SimpleNamespace(file=str(folder / "topics.txt")), len(SEEDS))
    return PRETEXT.read(folder)


def drawn(topics, seed, part, *keys):
    return Pairs(topics.split(seed), part, 64, seed).drawn(part, *keys)


def trained(topics, seed, folder, epochs):
    pretext = NextSentence(epochs=epochs)
    task = pretext.task(topics.split(seed), None, SETTING, seed)
    fit(task.learner, task.training, [Whole(task.validation)], folder, pretext.training("cpu"))
    return task


@pytest.mark.parametrize("part", text.PARTS)
def test_right_pairs_are_neighbours_and_wrong_ones_others_of_the_same_block(topics, part):
    excerpts = topics.split(0)
    sentences, follows = drawn(topics, 0, part)
    first, second = sentences.T
    assert set(sentences.flat) <= set(excerpts.rows[part])
    assert np.array_equal(second == first + 1, follows == 1)
    assert (excerpts.stretches[first] == excerpts.stretches[second])[follows == 1].all()
    assert (excerpts.blocks[first] == excerpts.blocks[second]).all() and (first != second).all()


@pytest.mark.parametrize("draw", range(3))
def test_every_sentence_stands_as_often_in_right_pairs_as_in_wrong_ones(topics, draw):
    sentences, follows = drawn(topics, 0, "training", draw)
    assert follows.mean() == 0.5
    for place in (0, 1):
        right, wrong = (np.sort(sentences[follows == label, place]) for label in (1, 0))
        assert np.array_equal(right, wrong)


def test_an_epoch_is_balanced_shuffled_and_a_function_of_seed_and_epoch(topics):
    pairs = Pairs(topics.split(0), "training", 64, 0)

    def epoch(number):
        pairs.set_epoch(number)
        return [torch.cat(parts) for parts in zip(*(batch[:3] for batch in pairs), strict=True)]

    (inputs, targets, indices), again, next_one = epoch(3), epoch(3), epoch(4)
    assert len(list(pairs)) == len(pairs) and torch.equal(indices.sort().values, torch.arange(len(targets)))
    assert all(torch.equal(one, other) for one, other in zip((inputs, targets, indices), again, strict=True))
    assert not torch.equal(indices, next_one[2]) and targets.mean() == 0.5
    spread = 0.5 / len(targets) ** 0.5
    assert abs(targets[: len(targets) // 2].mean() - 0.5) < 4 * spread  # the place in the epoch tells nothing
    wrong, other_wrong = (set(map(bytes, x[y == 0].numpy())) for x, y in ((inputs, targets), next_one[:2]))
    assert len(wrong & other_wrong) < 0.3 * len(wrong)


def test_sentences_that_change_places_have_about_the_same_length():
    random = np.random.default_rng(0)
    pairs = np.stack([np.arange(0, 200, 2), np.arange(1, 200, 2)], 1)
    lengths = random.integers(4, 40, 200)
    away = np.abs(lengths[exchanged(pairs, lengths, random)] - lengths[pairs[:, 1]])
    assert np.median(away) <= 4 < np.median(np.abs(lengths[random.permutation(pairs[:, 1])] - lengths[pairs[:, 1]]))


def shape_of(topics, seed, sentences):
    """What can be said of pairs without reading: lengths, their difference and ratio, block, place of the second."""
    excerpts = topics.split(seed)
    (a, b), second = ((excerpts.words > 0).sum(1)[sentences].T, sentences[:, 1])
    return np.stack([a, b, a - b, abs(a - b), a / b, excerpts.blocks[second], second], 1)


def test_lengths_topic_and_place_do_not_tell_held_out_pairs_apart(topics):
    right = count = 0
    for seed in SEEDS:
        known = [drawn(topics, seed, "training", draw) for draw in range(2)]
        inputs = np.concatenate([shape_of(topics, seed, sentences) for sentences, _ in known])
        judge = HistGradientBoostingClassifier(max_iter=60, max_depth=4, random_state=0)
        judge.fit(inputs, np.concatenate([follows for _, follows in known]))
        for part in ("validation", "test"):
            sentences, follows = drawn(topics, seed, part)
            right += (judge.predict(shape_of(topics, seed, sentences)) == follows).sum()
            count += len(follows)
    assert abs(right / count - 0.5) < 4 * 0.5 / count**0.5


@pytest.mark.parametrize("place", [0, 1])
def test_one_sentence_alone_tells_exactly_nothing(topics, place):
    (known, follows), (asked, answers) = (drawn(topics, 0, part) for part in ("training", "test"))
    reader = CountVectorizer(ngram_range=(1, 2)).fit(topics.sentences)
    said = [reader.transform([topics.sentences[row] for row in rows[:, place]]) for rows in (known, asked)]
    judge = LogisticRegression(C=0.3, max_iter=200).fit(said[0], follows)
    assert (judge.predict(said[0]) == follows).mean() == 0.5 == (judge.predict(said[1]) == answers).mean()


def network(width=6, words=9):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = SentencePairs(words, width)
        for number, parameter in enumerate(net.parameters()):
            parameter.data = torch.randn(parameter.shape, generator=generator("network", number))
    return net


def test_the_odds_are_the_formula_written_out_to_1e_5():
    net, first, second = network(), [3, 1, 4], [5, 2, 6, 5]
    total = [sum(net.counts[w].exp() * net.vectors[w] for w in sentence) for sentence in (first, second)]
    u, v = (each / each.norm() for each in total)
    gain, offset = (sum(net.opening[w, k] for w in second[:OPENING]) for k in (0, 1))
    expected = (1 + gain) * sum(net.metric[k] * u[k] * v[k] for k in range(6)) + offset + net.bias
    pair = torch.tensor([[first + [0] * 4, second + [0] * 3]])
    assert net(pair).item() == pytest.approx(expected.item(), abs=1e-5)
    assert torch.allclose(net.encode(pair[:, 0]), u, atol=1e-6)


def test_places_without_a_word_change_nothing_and_an_empty_sentence_is_the_origin():
    net, pairs = network(), torch.randint(1, 9, (5, 2, 4), generator=generator("pairs"))
    assert torch.allclose(net(pairs), net(torch.nn.functional.pad(pairs, (0, 3))), atol=1e-6)
    assert not net.encode(torch.zeros(2, 4, dtype=torch.long)).any()


def test_at_first_the_odds_grow_with_the_share_of_common_words():
    net = build(words=1000, width=2048, seed=0)
    pairs = torch.tensor([[[1, 2, 3, 4], [*range(1, 1 + same), *range(9, 13 - same)]] for same in range(5)])
    expected = SHARPNESS * torch.arange(5) / 4
    assert torch.allclose(net(pairs), expected, atol=SHARPNESS * 4 / 2048**0.5)  # four standard deviations of a cosine


def test_word_dropout_leaves_out_its_share_by_step_and_nothing_at_zero(topics):
    batch = next(iter(Pairs(topics.split(0), "training", 512, 0)))
    moments = [Moment(0, 0, step) for step in (7, 7, 8)]
    one, same, other = (WordDropout(0.25)(batch, moment) for moment in moments)
    there = batch.inputs > 0
    assert torch.equal(one, same) and not torch.equal(one, other) and torch.equal(one[one > 0], batch.inputs[one > 0])
    assert (one[there] == 0).float().mean().item() == pytest.approx(0.25, abs=4 * (0.1875 / there.sum().item()) ** 0.5)
    assert torch.equal(WordDropout(0.0)(batch, moments[0]), batch.inputs)


def test_it_beats_chance_on_held_out_text_and_what_it_learned_can_be_drawn(topics, tmp_path):
    right = count = 0
    for seed in SEEDS:
        task = trained(topics, seed, tmp_path, epochs=4)
        metrics = task.learner.metrics(task.test)
        right, count = right + metrics["accuracy"].item() * len(task.test.targets), count + len(task.test.targets)
    assert right / count - 0.5 > 4 * 0.5 / count**0.5
    probes = task.learner.probed(task.probes[1])
    weights = weights_of_words(topics.split(seed), task.learner.network.counts.exp().squeeze(1).detach().numpy())
    assert max(weights[word] for word in ("the", "a", "of", "is")) < 0.9  # each began with 1
    assert set(probes) == {"linear_probe", "neighbour_probe"} and probes["neighbour_probe"] > 0.1
    task.training.excerpts.sentences[:] = [f"{said[:40]} costs $1 & $2 <5" for said in topics.sentences]
    drawing = figures.svg(PRETEXT.picture(task))
    assert drawing.count("costs $1 &amp; $2 &lt;5") == 20 and drawing == figures.svg(PRETEXT.picture(task))


def test_the_same_seed_gives_the_same_weights(topics, tmp_path):
    states = []
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        states.append(trained(topics, 0, tmp_path / str(number), epochs=1).learner.network.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert set(states[0]) == {"counts", "opening", "metric", "bias"}


def test_each_seed_learns_from_wrong_pairs_of_its_own(topics):
    """On one view of the text, so that nothing but the seed tells them apart."""
    excerpts = topics.split(0)
    one, other = (next(iter(PRETEXT.task(excerpts, None, SETTING, seed).training)).inputs for seed in SEEDS)
    again = next(iter(PRETEXT.task(excerpts, None, SETTING, 0).training)).inputs
    assert torch.equal(one, again) and not torch.equal(one, other)
    pairs = [Pairs(excerpts, "training", 64, seed).drawn("pairs", 0)[0] for seed in SEEDS]
    assert not np.array_equal(*pairs), "apart from the order of the batches"
