"""Members that predict as one: the rules by hand, and a committee that is saved and loaded as a model is."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional

from reglab.core.streams import generator
from reglab.core.tasks import Classification
from reglab.experiments.ensembles.base import Committee, Ensemble, disagreement, running, stream
from reglab.models.mlp import MLP
from reglab.training.network import build

RULES = ("average", "geometric", "vote", "additive")


def probabilities(members=5, examples=40, classes=4, keys=0):
    return torch.randn(members, examples, classes, generator=generator("ensembles", keys)).mul(2).softmax(2)


def committee(combine="average", members=3, first=0, weights=None):
    networks = [build(MLP(width=6, depth=1), (1, 3, 3), 4, seed=first + member) for member in range(members)]
    return Committee(networks, combine, torch.ones(members) if weights is None else weights, Classification(3))


def test_the_vote_equals_a_count_by_hand():
    predicted = probabilities()
    shares = running(predicted, torch.ones(5), "vote")
    for number in range(1, 6):
        for example in range(40):
            votes = [int(np.argmax(predicted[member, example].numpy())) for member in range(number)]
            counted = [votes.count(label) / number for label in range(4)]
            assert shares[number - 1, example].tolist() == pytest.approx(counted, abs=1e-6)


def test_added_votes_have_the_same_winner_and_their_odds_are_the_votes_apart():
    predicted, weights = probabilities(), torch.tensor([1.0, 2.0, 0.5, 0.3, 3.0])
    shares, added = (running(predicted, weights, combine)[-1] for combine in ("vote", "additive"))
    assert torch.equal(shares.argmax(1), added.argmax(1))
    apart = (shares[:, :1] - shares) * weights.sum()
    assert torch.allclose((added[:, :1] / added).log(), apart, atol=1e-5)


def test_a_tie_goes_to_the_lower_class():
    predicted = torch.tensor([[[0.1, 0.2, 0.7]], [[0.1, 0.8, 0.1]]])
    assert running(predicted, torch.ones(2), "vote")[-1].argmax(1).item() == 1


def test_averages_are_the_arithmetic_and_the_renormalised_geometric_mean():
    predicted, weights = probabilities().double(), torch.tensor([1.0, 2.0, 0.5, 0.0, 3.0]).double()
    shares = (weights / weights.sum()).view(-1, 1, 1)
    geometric = (predicted**shares).prod(0)
    assert torch.allclose(running(predicted, weights, "average")[-1], (shares * predicted).sum(0), atol=1e-12)
    assert torch.allclose(
        running(predicted, weights, "geometric")[-1], geometric / geometric.sum(1, keepdim=True), atol=1e-12
    )


@pytest.mark.parametrize("combine", RULES)
def test_the_first_members_predict_as_if_there_were_no_more(combine):
    predicted, weights = probabilities(), torch.rand(5, generator=generator("weights")) + 0.1
    whole = running(predicted, weights, combine)
    for number in range(1, 6):
        assert torch.equal(whole[number - 1], running(predicted[:number], weights[:number], combine)[-1])


@pytest.mark.parametrize("combine", RULES)
def test_members_that_do_not_speak_on_an_example_have_no_part_in_it(combine):
    predicted, speaks = probabilities(members=3, examples=2), torch.tensor([[1, 0], [0, 1], [1, 1]])
    both = running(predicted, speaks, combine)[-1]
    for example, speakers in ((0, [0, 2]), (1, [1, 2])):
        assert torch.allclose(
            both[example], running(predicted[speakers], torch.ones(2), combine)[-1][example], atol=1e-6
        )


def test_geometric_mean_survives_a_certain_mistake():
    predicted = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]])
    assert running(predicted, torch.ones(2), "geometric")[-1].tolist() == [[0.5, 0.5]]


def test_disagreement_is_the_mean_over_all_pairs():
    predicted = probabilities()
    votes = predicted.argmax(2).numpy()
    apart = disagreement(predicted, Classification(predicted.shape[2]))
    for number in range(1, 6):
        pairs = [(votes[i] != votes[j]).mean() for j in range(number) for i in range(j)]
        assert apart[number - 1].item() == pytest.approx(np.mean(pairs) if pairs else 0.0, abs=1e-12)


def test_the_first_member_has_the_streams_of_the_single_model_and_no_other_has():
    streams = {stream(seed, member) for seed in range(10) for member in range(20)}
    assert stream(3, 0) == 3 and len(streams) == 200


@pytest.mark.parametrize("combine", RULES)
def test_an_ensemble_predicts_log_probabilities_as_a_model_does(combine):
    inputs = torch.randn(9, 1, 3, 3, generator=generator("inputs"))
    ensemble = committee(combine)
    scores = ensemble(inputs)
    assert scores.shape == (9, 4) and scores.isfinite().all()
    assert torch.allclose(scores.softmax(1), ensemble.predictions(inputs), atol=1e-6)


def test_gradients_reach_the_inputs_through_the_average():
    inputs = torch.randn(9, 1, 3, 3, generator=generator("inputs"), requires_grad=True)
    functional.cross_entropy(committee()(inputs), torch.zeros(9, dtype=torch.long)).backward()
    assert (inputs.grad != 0).any(dim=(1, 2, 3)).all()


@pytest.mark.parametrize("combine", ["vote", "additive"])
def test_votes_lend_the_gradient_of_the_average_and_keep_their_values(combine):
    inputs, labels = torch.randn(9, 1, 3, 3, generator=generator("inputs")), torch.arange(9) % 4
    weights = torch.tensor([1.0, 0.3, 2.0])

    def slope(model):
        moved = inputs.clone().requires_grad_()
        scores = model(moved)
        return scores, torch.autograd.grad(scores.gather(1, labels[:, None]).sum(), moved)[0]

    (voted, lent), (_, gradient) = slope(committee(combine, weights=weights)), slope(committee(weights=weights))
    assert torch.equal(lent, gradient) and (gradient != 0).any()
    assert torch.equal(voted, committee(combine, weights=weights).predictions(inputs).clamp(min=1.1754944e-38).log())


def test_an_ensemble_is_saved_and_loaded_bit_for_bit(tmp_path):
    inputs = torch.randn(9, 1, 3, 3, generator=generator("inputs"))
    trained, other = committee(weights=torch.tensor([1.0, 0.3, 2.0])), committee(first=50)
    save_file(trained.state_dict(), tmp_path / "ensemble.safetensors")
    assert not torch.equal(other(inputs), trained(inputs))
    other.load_state_dict(load_file(tmp_path / "ensemble.safetensors"))
    assert torch.equal(other(inputs), trained(inputs))


def test_by_default_a_member_trains_on_all_examples_and_none_is_chosen_drawn_or_checked():
    plain = Ensemble()
    assert plain.sample(np.array([2, 0, 1, 1]), Classification(3), 0, 1, None).tolist() == [0, 1, 2, 3]
    assert plain.choose({"none": None}) == plain.checks() == [] and plain.metrics(None, None, 0) == {}
    assert plain.picture(None, None, 0) is None and plain.member_recipe("recipe") == "recipe"
