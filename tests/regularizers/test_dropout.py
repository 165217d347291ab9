import copy
from collections import Counter

import pytest
import torch

from reglab.core.streams import Moment, generator
from reglab.regularizers import dropout
from reglab.regularizers.dropout import Dropout, MaskAverage, masks
from reglab.regularizers.weight_averaging import WeightAveraging


def test_a_mask_removes_the_share_asked_for_and_scales_the_rest():
    drawn = masks(torch.ones(1, 20, 30), 40, 0.2, generator("mask"))
    assert drawn.shape == (40, 20, 30) and drawn.unique().tolist() == [0.0, pytest.approx(1.25)]
    assert abs((drawn == 0).float().mean().item() - 0.2) < 4 * (0.2 * 0.8 / drawn.numel()) ** 0.5


def test_every_example_and_every_layer_has_a_mask_of_its_own_and_the_next_step_others(network, batch):
    alike = batch.inputs[:1].expand(8, -1, -1, -1) + 1
    Dropout(0.5, 0.5).prepare_model(network)
    seen = []
    for layer in network.hidden_layers:
        layer[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0] != 0))
    network(alike)
    assert len(Counter(map(str, seen[0].tolist()))) > 1  # examples differ
    network(alike)
    network.moment = Moment(seed=0, epoch=0, step=4)
    network(alike)
    first, again, later = seen[0], seen[2], seen[4]
    assert torch.equal(first, again) and not torch.equal(first, later)


def test_rates_of_zero_are_no_dropout_bit_for_bit(network, batch):
    expected = network(batch.inputs)
    Dropout(0.0, 0.0).prepare_model(network)
    assert torch.equal(network(batch.inputs), expected)


def test_a_copy_in_prediction_keeps_all_units_while_the_original_trains(network, batch):
    expected = network(batch.inputs)
    averaging = WeightAveraging(0.5)
    averaging.prepare_model(network)
    Dropout(0.5, 0.5).prepare_model(network)
    judged = averaging.evaluation_model(network).eval()
    assert network.training and torch.equal(judged(batch.inputs), expected)


@pytest.mark.parametrize("prediction", ["arithmetic", "geometric"])
def test_averages_are_distributions_the_same_at_each_call_and_whatever_the_batch(network, batch, prediction):
    technique = Dropout(0.2, 0.5, prediction, masks=5)
    technique.prepare_model(network)
    judged = technique.evaluation_model(network).eval()
    logits = judged(batch.inputs)
    assert torch.allclose(logits.exp().sum(1), torch.ones(8), rtol=0, atol=1e-6)
    network.moment = Moment(seed=0, epoch=7, step=99)
    assert torch.equal(judged(batch.inputs), logits)
    assert torch.allclose(judged(batch.inputs[2:4]), logits[2:4], rtol=0, atol=1e-6)
    network.moment = Moment(seed=1, epoch=0, step=0)
    assert not torch.allclose(judged(batch.inputs), logits, rtol=0, atol=1e-6)


def test_averages_are_those_of_networks_thinned_by_hand(network, batch):
    arithmetic, geometric = (
        MaskAverage(network.eval(), Dropout(0.2, 0.5, mean, 4)) for mean in ("arithmetic", "geometric")
    )
    thinned = []
    for number in range(4):
        copied = copy.deepcopy(network)
        random, (first, second) = generator(0, "dropout/prediction", number), copied.hidden_layers
        kept = [
            masks(units[:1], 1, 0.5 if place else 0.2, random)
            for place, units in enumerate((batch.inputs, first(batch.inputs), second(first(batch.inputs))))
        ]
        first.register_forward_pre_hook(lambda _, inputs, mask=kept[0]: (inputs[0] * mask,))
        first.register_forward_hook(lambda *call, mask=kept[1]: call[2] * mask)
        second.register_forward_hook(lambda *call, mask=kept[2]: call[2] * mask)
        thinned.append(copied(batch.inputs).softmax(1))
    mean, product = torch.stack(thinned).mean(0), torch.stack(thinned).prod(0) ** (1 / 4)
    assert torch.allclose(arithmetic(batch.inputs).softmax(1), mean, rtol=0, atol=1e-6)
    assert torch.allclose(geometric(batch.inputs).softmax(1), product / product.sum(1, keepdim=True), rtol=0, atol=1e-6)


def test_how_many_masks_share_a_pass_changes_no_output(network, batch, monkeypatch):
    average, rows = MaskAverage(network.eval(), Dropout(0.2, 0.5, "geometric", masks=5)), []
    network.head.register_forward_hook(lambda _, given, scores: rows.append(len(scores)))
    together = average.thinned(batch.inputs)
    monkeypatch.setattr(dropout, "ROWS", 2 * len(batch.inputs))
    assert torch.allclose(average.thinned(batch.inputs), together, rtol=0, atol=1e-6)
    monkeypatch.setattr(dropout, "ROWS", 1)
    assert torch.allclose(average.thinned(batch.inputs), together, rtol=0, atol=1e-6)
    assert [number // len(batch.inputs) for number in rows] == [5, 2, 2, 1, 1, 1, 1, 1, 1]


def test_weight_averaging_goes_before_and_behind(network, batch):
    averaging, thinning = WeightAveraging(0.5), Dropout(0.2, 0.5, "geometric", 3)
    averaging.prepare_model(network)
    thinning.prepare_model(network)
    with torch.no_grad():
        network.head.weight.mul_(3)
    averaging.after_step(network, learning_rate=0.1)
    before = thinning.evaluation_model(averaging.evaluation_model(network)).eval()(batch.inputs)
    behind = averaging.evaluation_model(thinning.evaluation_model(network)).eval()(batch.inputs)
    plain = thinning.evaluation_model(network).eval()(batch.inputs)
    assert torch.equal(before, behind) and not torch.allclose(before, plain)
