"""Every check of the suite fails on a technique that breaks what it claims, and says what it found."""

import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Annotated, Any, ClassVar

import pytest
import torch
from annotated_types import Ge
from torch import nn

from reglab.core.checks import Check
from reglab.core.errors import UserError
from reglab.core.streams import generator
from reglab.technique_checks import CHECKS, check_technique, run_check
from reglab.training.regularizer import Regularizer
from reglab.training.weights import weights

BROKEN = {}  # check -> (technique, words that the result must hold)
Strength = Annotated[float, Ge(0)]


def breaks(check, message, *settings):
    """Registers an instance of the class below as the technique on which this check must fail."""

    def register(kind):
        BROKEN[check] = kind(*settings), message
        return kind

    return register


def technique(kind):
    """As every technique is declared."""
    return dataclass(frozen=True)(kind)


# What a technique says of itself


@breaks("it_is_a_frozen_dataclass_of_plain_settings", "not frozen")
@dataclass
class Thawed(Regularizer):
    strength: Strength = 0.1


@breaks("every_setting_has_a_default", "no default: strength", 0.1)
@technique
class WithoutDefault(Regularizer):
    strength: Strength


@breaks("its_default_settings_are_allowed", "strength: found -1.0")
@technique
class DefaultOutOfRange(Regularizer):
    strength: Strength = -1.0


@breaks("every_setting_says_what_it_allows", "no range: strength")
@technique
class WithoutRange(Regularizer):
    strength: float = 0.1


@breaks("settings_out_of_range_are_refused_by_name", "strength: 'many' is accepted")
@technique
class AnythingGoes(Regularizer):
    strength: Any = 0.1


@breaks("equal_settings_are_an_equal_technique", "differs")
@dataclass(frozen=True, eq=False)
class Unequal(Regularizer):
    strength: Strength = 0.1


@breaks("its_repr_builds_it_again", "cannot be evaluated")
@dataclass(frozen=True, repr=False)
class Opaque(Regularizer):
    strength: Strength = 0.1


@breaks("it_reaches_worker_processes", "cannot be pickled")
@technique
class Unpicklable(Regularizer):
    def __reduce__(self):
        raise TypeError("cannot be pickled")


sys.modules["bare"] = ModuleType("bare")


@breaks("its_file_begins_with_a_sentence", "no docstring")
@technique
class InABareFile(Regularizer):
    __module__ = "bare"


@breaks("its_docstring_has_a_sentence_a_formula_and_a_source", "no docstring")
@technique
class WithoutWords(Regularizer):
    strength: Strength = 0.1


@breaks("what_switches_it_off_are_settings_that_it_has", "power")
@technique
class OffByAnotherName(Regularizer):
    off: ClassVar[dict] = {"power": 0.0}
    strength: Strength = 0.1


@breaks("what_it_needs_of_the_data_is_known", "sound")
@technique
class NeedsSound(Regularizer):
    needs: ClassVar[tuple] = ("sound",)


@breaks("its_place_in_the_lecture_is_known", "lecture: found 'cookery'; allowed: ")
@technique
class FromAnotherLecture(Regularizer):
    lecture: ClassVar[str] = "cookery"


@breaks("its_settings_stay_as_they_are_while_it_is_used", "changed the technique")
@technique
class Drifting(Regularizer):
    strength: Strength = 0.1

    def after_step(self, network, learning_rate):
        object.__setattr__(self, "strength", self.strength / 2)


@breaks("it_prints_nothing_and_warns_of_nothing", "a step")
@technique
class Talking(Regularizer):
    def after_step(self, network, learning_rate):
        print("a step")


@breaks("its_exact_checks_hold_each_time_with_the_same_gap", "a claim: gap 1, tolerance 0.5")
@technique
class Inexact(Regularizer):
    @classmethod
    def checks(cls):
        return [Check("a claim", 1.0, 0.5)]


# What it draws


class Noise(Regularizer):
    """Adds what `drawn` gives to the inputs."""

    leaves_unit_range: ClassVar[bool] = True

    def transform_batch(self, batch, network):
        return batch._replace(inputs=batch.inputs + self.drawn(batch.inputs, network))


@breaks("it_leaves_global_random_states_alone", "draws from torch")
@technique
class GlobalNoise(Noise):
    def drawn(self, inputs, network):
        return torch.rand(inputs.shape)


@breaks("global_seeds_do_not_reach_it", "another global seed")
@technique
class ForkedNoise(Noise):
    def drawn(self, inputs, network):
        with torch.random.fork_rng(devices=[]):
            return torch.rand(inputs.shape)


@breaks("it_leaves_the_defaults_of_torch_and_numpy_alone", "torch.get_float32_matmul_precision")
@technique
class Hasty(Regularizer):
    def prepare_model(self, network):
        torch.set_float32_matmul_precision("medium")


@breaks("the_same_seed_gives_the_same_bits", "two trainings from one seed differ")
@technique
class Counting(Noise):
    calls: ClassVar[list] = []

    def drawn(self, inputs, network):
        self.calls.append(1)
        return torch.full_like(inputs, len(self.calls) / 100)


@breaks("another_seed_draws_other_numbers", "fixed key")
@technique
class OneSeed(Noise):
    def drawn(self, inputs, network):
        return torch.rand(inputs.shape, generator=generator("noise", network.moment.step))


@breaks("another_step_draws_other_numbers", "fixed key")
@technique
class OneStep(Noise):
    def drawn(self, inputs, network):
        return torch.rand(inputs.shape, generator=generator("noise", network.moment.seed))


@breaks("what_was_trained_before_does_not_reach_it", "another network")
@technique
class Remembering(Noise):
    networks: ClassVar[list] = []

    def prepare_model(self, network):
        self.networks.append(1)

    def drawn(self, inputs, network):
        return torch.full_like(inputs, len(self.networks) / 100)


# What it makes of a batch


@breaks("targets_stay_distributions", "sum to one up to 0.1")
@technique
class LargeTargets(Regularizer):
    def transform_batch(self, batch, network):
        return batch._replace(targets=1.1 * batch.targets)


@breaks("a_batch_keeps_its_shape", "inputs of shape (8, 1, 8, 8) become (8, 64)")
@technique
class Flattened(Regularizer):
    def transform_batch(self, batch, network):
        return batch._replace(inputs=batch.inputs.flatten(1))


@breaks("a_batch_keeps_its_type_and_device", "float32 become torch.float64")
@technique
class Doubled(Regularizer):
    def transform_batch(self, batch, network):
        return batch._replace(inputs=batch.inputs.double())


@breaks("a_batch_keeps_the_order_of_its_examples", "indices")
@technique
class Turned(Regularizer):
    def transform_batch(self, batch, network):
        return batch._replace(indices=batch.indices.flip(0))


@breaks("inputs_stay_finite", "NaN")
@technique
class Stretched(Regularizer):
    def transform_batch(self, batch, network):
        return batch._replace(inputs=batch.inputs / batch.inputs.max())


@breaks("inputs_stay_between_zero_and_one", "leaves_unit_range")
@technique
class Brighter(Regularizer):
    def transform_batch(self, batch, network):
        return batch._replace(inputs=batch.inputs + 0.5)


@breaks("inputs_carry_no_gradient", "detach")
@technique
class Attached(Regularizer):
    def transform_batch(self, batch, network):
        return batch._replace(inputs=batch.inputs * network.head.bias.sum().exp())


@breaks("the_inputs_of_the_data_set_stay_as_they_are", "in place")
@technique
class Overwriting(Regularizer):
    def transform_batch(self, batch, network):
        batch.inputs.mul_(0.5)
        return batch


@breaks("the_labels_of_the_data_set_stay_as_they_are", "in place")
@technique
class Relabelling(Regularizer):
    def transform_batch(self, batch, network):
        batch.targets.copy_(batch.targets.roll(1, 1))
        return batch


@breaks("a_batch_of_one_can_be_trained", "the loss became nan")
@technique
class Standardised(Regularizer):
    def transform_batch(self, batch, network):
        return batch._replace(inputs=(batch.inputs - batch.inputs.mean(0)) / batch.inputs.std(0, correction=0))


@breaks("a_smaller_last_batch_can_be_trained", "RuntimeError")
@technique
class OneSizeFitsAll(Regularizer):
    def prepare_model(self, network):
        network.register_buffer("offsets", torch.zeros(8, 1, 1, 1))

    def transform_batch(self, batch, network):
        return batch._replace(inputs=batch.inputs + network.offsets)


@breaks("two_classes_can_be_trained", "IndexError")
@technique
class ThirdClass(Regularizer):
    def transform_batch(self, batch, network):
        batch.targets[:, 2]
        return batch


@breaks("inputs_that_are_no_images_are_taken_or_refused_as_declared", "IndexError")
@technique
class Mirrored(Regularizer):
    def transform_batch(self, batch, network):
        return batch._replace(inputs=batch.inputs.flip(3))


@breaks("inputs_beyond_zero_and_one_are_taken_or_refused_as_declared", 'needs lacks "unit_range"')
@technique
class Choosy(Regularizer):
    def transform_batch(self, batch, network):
        if batch.inputs.max() > 1:
            raise UserError("too bright")
        return batch


# What it adds to the loss, and does to gradients, weights and the network


@breaks("a_penalty_is_one_finite_number", "shape (3,)")
@technique
class PenaltyOfEachClass(Regularizer):
    def prepare_model(self, network):
        network.register_buffer("calls", torch.zeros(()))

    def penalty(self, network, batch, logits):
        network.calls.add_(1)
        return logits.mean(0) if network.calls > 2 else None


@breaks("a_penalty_is_in_the_curves_under_its_own_name", "no test_broken_penalty")
@technique
class LatePenalty(Regularizer):
    def prepare_model(self, network):
        network.register_buffer("calls", torch.zeros(()))

    def penalty(self, network, batch, logits):
        network.calls.add_(1)
        return logits.square().mean() if network.calls > 2 else None


@breaks("a_penalty_and_its_gradient_agree", "the gradients say")
@technique
class WithoutGradient(Regularizer):
    def penalty(self, network, batch, logits):
        return network.head.weight.detach().square().sum()


@breaks("its_curves_are_finite_and_named_after_it", "allowed: names that begin with test_broken_")
@technique
class ForeignCurve(Regularizer):
    def curves(self, network):
        return {"validation_accuracy": 1.0}


@breaks("gradients_stay_finite_and_keep_their_shape", "0 times")
@technique
class UnitGradients(Regularizer):
    def transform_gradients(self, network):
        for parameter in network.parameters():
            parameter.grad.div_(parameter.grad.norm())


@breaks("after_a_step_all_weights_are_finite", "0 times")
@technique
class UnitWeights(Regularizer):
    @torch.no_grad()
    def after_step(self, network, learning_rate):
        for weight in weights(network).values():
            weight.div_(weight.norm())


@breaks("after_a_step_it_changes_weights_only", "head.bias")
@technique
class ShrinkingBiases(Regularizer):
    @torch.no_grad()
    def after_step(self, network, learning_rate):
        for parameter in network.parameters():
            parameter.mul_(0.9)


@breaks("a_frozen_backbone_stays_frozen", "of a frozen backbone")
@technique
class Thawing(Regularizer):
    @torch.no_grad()
    def after_step(self, network, learning_rate):
        for weight in weights(network).values():
            weight.mul_(0.9)


@breaks("parameters_keep_their_names_and_shapes", "temperature")
@technique
class OneMoreParameter(Regularizer):
    def prepare_model(self, network):
        network.temperature = nn.Parameter(torch.ones(()))


@breaks("the_state_of_the_plain_network_is_part_of_its_state", "head.weight")
@technique
class Reparametrised(Regularizer):
    def prepare_model(self, network):
        nn.utils.parametrizations.weight_norm(network.head)


@breaks("what_lasts_from_step_to_step_is_in_the_state", "the network keeps mean")
@technique
class BesideTheBuffers(Regularizer):
    def transform_batch(self, batch, network):
        network.mean = batch.inputs.mean(0)
        return batch


@breaks("a_copy_of_the_network_predicts_the_same", "something else")
@technique
class AsksTheNetwork(Regularizer):
    def prepare_model(self, network):
        network.head.register_forward_hook(lambda _, __, scores: scores + 1 if network.training else scores)


@breaks("a_copy_of_the_network_is_independent", "changes when")
@technique
class TiedToTheOriginal(Regularizer):
    acts_in_prediction: ClassVar[bool] = True

    def prepare_model(self, network):
        network.head.register_forward_hook(lambda _, __, scores: scores + network.head.weight.square().sum())


# How the network is judged


@breaks("its_loss_is_one_finite_number", "shape (8,)")
@technique
class LossOfEachExample(Regularizer):
    def transform_criterion(self, criterion, network):
        return lambda logits, targets: nn.functional.cross_entropy(logits, targets, reduction="none")

    def transform_loss(self, loss, network, batch, criterion):
        return loss.mean()


@breaks("preparing_a_training_again_changes_nothing", "seen")
@technique
class CountsTrainings(Regularizer):
    def prepare_model(self, network):
        network.register_buffer("seen", torch.zeros(()))

    def prepare_training(self, network, examples):
        network.seen += len(examples.inputs)


@breaks("between_epochs_and_after_training_it_changes_buffers_only", "head.bias")
@technique
class CalibratedBias(Regularizer):
    def after_training(self, network, validation, logits):
        with torch.no_grad():
            network.head.bias.sub_(logits.mean(0))


class Judged(nn.Module):
    """The network, whose scores are changed."""

    def __init__(self, network, change):
        super().__init__()
        self.network, self.change = network, change

    def forward(self, inputs):
        return self.change(self.network(inputs))


@breaks("evaluation_mode_is_that_of_the_plain_network", "layer.training")
@technique
class AlwaysOn(Regularizer):
    def prepare_model(self, network):
        network.head.register_forward_hook(lambda _, __, scores: 2 * scores)


@breaks("what_acts_in_prediction_is_declared_rightly", "registers no forward hook")
@technique
class DeclaredOnly(Regularizer):
    acts_in_prediction: ClassVar[bool] = True


@breaks("prediction_gives_finite_scores_for_every_example", "shape (8, 1)")
@technique
class OneScore(Regularizer):
    def evaluation_model(self, network):
        return Judged(network, lambda scores: scores[:, :1])


@breaks("prediction_twice_gives_the_same_bits", "differ")
@technique
class NoisyPrediction(Regularizer):
    def evaluation_model(self, network):
        return Judged(network, lambda scores: scores + torch.rand(()))


@breaks("a_prediction_does_not_depend_on_the_rest_of_the_batch", "alone")
@technique
class CentredPrediction(Regularizer):
    def evaluation_model(self, network):
        return Judged(network, lambda scores: scores - scores.mean(0))


@breaks("evaluating_leaves_the_network_as_it_is", "head.weight")
@technique
class ChangesWhatItJudges(Regularizer):
    @torch.no_grad()
    def evaluation_model(self, network):
        network.head.weight.mul_(0.5)
        return network


@breaks("evaluating_between_steps_leaves_the_training_as_it_is", "trains otherwise")
@technique
class CountsPredictions(Regularizer):
    def prepare_model(self, network):
        network.register_buffer("predictions", torch.zeros(()))

        def count(layer, inputs, scores):
            if not layer.training:
                network.predictions.add_(1)

        network.head.register_forward_hook(count)

    def transform_batch(self, batch, network):
        return batch._replace(inputs=batch.inputs / (1 + network.predictions))


# Whole trainings


@breaks("switched_off_it_is_none_bit_for_bit", "differs from none")
@technique
class NeverOff(Regularizer):
    off: ClassVar[dict] = {"strength": 0.0}
    strength: Strength = 0.1

    def transform_batch(self, batch, network):
        return batch._replace(inputs=batch.inputs * (0.999 - self.strength))


@breaks("switched_on_it_is_not_none", "the training without it")
@technique
class Idle(Regularizer):
    off: ClassVar[dict] = {"strength": 0.0}
    strength: Strength = 0.1


@breaks("every_setting_changes_something", "power: no other value")
@technique
class OneIdleSetting(Regularizer):
    strength: Strength = 0.1
    power: Strength = 2.0

    def transform_batch(self, batch, network):
        return batch._replace(inputs=batch.inputs / (1 + self.strength))


@breaks("a_killed_training_goes_on_to_the_same_bits", "belongs in a buffer")
@technique
class Forgetful(Regularizer):
    def prepare_model(self, network):
        network.steps_taken = 0

    def transform_batch(self, batch, network):
        network.steps_taken += 1
        return batch._replace(inputs=batch.inputs / network.steps_taken)


@breaks("a_loss_that_diverges_is_reported_and_not_raised", "ValueError: infinite weights")
@technique
class Impatient(Regularizer):
    def after_step(self, network, learning_rate):
        if network.head.weight.abs().max() > 1e10:
            raise ValueError("infinite weights")


@breaks("convolutional_networks_can_be_trained", "in_features")
@technique
class PerceptronsOnly(Regularizer):
    def prepare_model(self, network):
        assert all(layer[1].in_features for layer in network.hidden_layers)


@breaks("a_network_of_ones_own_can_be_trained", "IndexError")
@technique
class TwoLayersOnly(Regularizer):
    def prepare_model(self, network):
        network.hidden_layers[1].train()


@breaks("networks_with_batch_normalization_and_shortcuts_can_be_trained", "a step moves running averages once")
@technique
class SecondLook(Regularizer):
    def penalty(self, network, batch, logits):
        return (network(batch.inputs) - logits.detach()).square().mean()


@breaks("double_precision_can_be_trained", "RuntimeError")
@technique
class SinglePrecisionOnly(Regularizer):
    def transform_batch(self, batch, network):
        return batch._replace(inputs=batch.inputs.float())


@breaks("its_cost_is_counted", "of none")
@technique
class HalfTheBatch(Regularizer):
    def transform_batch(self, batch, network):
        return type(batch)(*(part[::2] for part in batch[:3]))


@breaks("it_goes_before_every_other_technique", "then Dropout: ValueError: hooks of another")
@technique
class WithoutCompany(Regularizer):
    def transform_batch(self, batch, network):
        if any(layer._forward_hooks for layer in network.hidden_layers):
            raise ValueError("hooks of another")
        return batch


@breaks("it_goes_behind_every_other_technique", "Dropout, then FirstOnly: ValueError: hooks of another")
@technique
class FirstOnly(Regularizer):
    def prepare_model(self, network):
        if any(layer._forward_hooks for layer in network.hidden_layers):
            raise ValueError("hooks of another")


def test_there_is_a_broken_technique_for_every_check_in_its_order():
    assert list(BROKEN) == list(CHECKS)


@pytest.mark.parametrize("check", BROKEN)
def test_a_check_fails_on_what_breaks_its_claim_and_says_what_it_found(check):
    precision = torch.get_float32_matmul_precision()
    broken, message = BROKEN[check]
    result = run_check(check, broken)
    torch.set_float32_matmul_precision(precision)
    assert result.status == "failed" and message in result.message, result


def test_what_does_not_apply_says_why_and_is_no_failure():
    result = run_check("targets_stay_distributions", Idle())
    assert result == ("targets_stay_distributions", "not applicable", "it leaves batches as they are")


def test_all_checks_are_run_whatever_fails():
    results = check_technique(Idle())
    assert [result.name for result in results] == list(CHECKS) and len(CHECKS) >= 25
    assert "switched_on_it_is_not_none" in {result.name for result in results if result.status == "failed"}
