import pytest
import torch

from reglab.data.loader import Batch
from reglab.models.mlp import MLP
from reglab.regularizers.l1 import L1
from reglab.regularizers.weight_decay import WeightDecay
from reglab.training.network import build
from reglab.training.reference_problems import descend
from reglab.training.weights import weights


@pytest.mark.parametrize(
    ("technique", "solution"),
    [
        (L1(0.1), (0.5 - 0.001, 0.0)),
        (WeightDecay(0.1), (50 / 101.1, 5 / 101.1)),
    ],  # at strength 0: 1/2, 0 and 50/101, 5/101
    ids=["l1", "weight_decay"],
)
def test_of_all_solutions_of_ten_w1_plus_w2_equals_five_each_norm_finds_its_smallest(technique, solution):
    example = Batch(*(torch.tensor(values, dtype=torch.float64) for values in ([[10.0, 1.0]], [[5.0]], [0.0])))
    network = build(MLP(depth=0), (2,), 1, seed=0).double()
    torch.nn.init.zeros_(network.head.weight)
    torch.nn.init.zeros_(network.head.bias).requires_grad_(False)
    result = descend(network, technique, example, rate=0.015, steps=2000).head.weight.detach()[0]
    assert torch.allclose(result, torch.tensor(solution, dtype=torch.float64), rtol=0, atol=1e-6)
    assert (result[1] == 0) == isinstance(technique, L1)


def test_a_proximal_step_moves_every_weight_towards_zero_and_no_further(network, batch):
    before = {name: parameter.detach().clone() for name, parameter in network.named_parameters()}
    L1(1.0).after_step(network, learning_rate=0.1)
    for name, parameter in network.named_parameters():
        expected = torch.nn.functional.softshrink(before[name], 0.1) if name in weights(network) else before[name]
        assert torch.allclose(parameter, expected, rtol=0, atol=1e-7), name
        assert torch.equal(parameter == 0, expected == 0), name
    assert L1(1.0).penalty(network, batch, None) is None


def test_the_subgradient_is_strength_times_the_sign_and_the_penalty_the_norm(network, batch):
    technique, before = L1(0.3, "subgradient"), {name: weight.grad.clone() for name, weight in weights(network).items()}
    technique.transform_gradients(network)
    for name, weight in weights(network).items():
        assert torch.allclose(weight.grad - before[name], 0.3 * weight.sign(), rtol=0, atol=1e-6)
    expected = 0.3 * sum(weight.abs().sum().item() for weight in weights(network).values())
    assert abs(technique.penalty(network, batch, None).item() - expected) < 1e-5
