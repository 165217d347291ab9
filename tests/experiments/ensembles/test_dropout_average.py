"""The ensemble of masks: rates, number of members, and the one training that they share."""

import pytest
import torch

from reglab.core.streams import Moment, generator
from reglab.core.tasks import Classification
from reglab.experiments.ensembles.base import running
from reglab.experiments.ensembles.methods.dropout_average import DropoutAverage
from reglab.models.mlp import MLP
from reglab.regularizers.dropout import Dropout, masks
from reglab.training.network import build
from reglab.training.one_seed import Recipe
from reglab.training.settings import Training


def test_its_network_trains_with_dropout_at_the_rates_of_the_entry_and_nothing_else():
    recipe = Recipe((), MLP(width=6, depth=2), Training())
    trained = DropoutAverage(members=5, input_rate=0.1, hidden_rate=0.6).member_recipe(recipe)
    assert trained == Recipe((Dropout(0.1, 0.6, masks=1),), MLP(width=6, depth=2), Training())


@pytest.mark.parametrize(("members", "input_rate", "hidden_rate"), [(2, 0.1, 0.6), (5, 0.4, 0.2)])
def test_a_member_is_the_network_thinned_by_hand_at_these_rates(members, input_rate, hidden_rate):
    network = build(MLP(width=6, depth=2), (1, 4, 4), 3, seed=0).eval()
    network.moment = Moment(seed=0, epoch=0, step=0)
    inputs = torch.rand(8, 1, 4, 4, generator=generator("inputs"))
    entry = DropoutAverage(members=members, input_rate=input_rate, hidden_rate=hidden_rate)
    with torch.no_grad():
        result = entry.committee([network], None, Classification(3)).members(inputs)
        assert result.shape == (members, 8, 3) and entry.networks == 1
        for number, predictions in enumerate(result):
            random = generator(0, "dropout/prediction", number)
            units = inputs * masks(inputs, 1, input_rate, random)
            for layer in network.hidden_layers:
                units = layer(units)
                units = units * masks(units, 1, hidden_rate, random)
            assert torch.allclose(predictions, network.head(units).softmax(1), rtol=0, atol=1e-6)


@pytest.mark.parametrize("combine", ["average", "geometric", "vote"])
def test_the_thinned_networks_are_combined_as_the_entry_says(combine):
    network = build(MLP(width=6, depth=2), (1, 4, 4), 3, seed=0).eval()
    network.moment = Moment(seed=0, epoch=0, step=0)
    inputs = torch.rand(8, 1, 4, 4, generator=generator("inputs"))
    committee = DropoutAverage(members=5, combine=combine).committee([network], None, Classification(3))
    with torch.no_grad():
        members = committee.members(inputs)
        assert torch.equal(committee.predictions(inputs), running(members, torch.ones(5), combine)[-1])
