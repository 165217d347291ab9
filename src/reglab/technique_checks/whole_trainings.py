"""Checks of whole trainings: off, killed, diverged, counted, on other networks."""

from dataclasses import fields, replace
from functools import cache
from itertools import product
from typing import get_args, get_origin

import torch

from reglab.config.problems import Problems, checked, hints
from reglab.config.stacks import overrides
from reglab.regularizers.dropout import Dropout
from reglab.technique_checks.results import NotApplicable, require
from reglab.technique_checks.workbench import (
    CONVOLUTIONAL,
    NORMALIZED,
    OWN,
    Steps,
    difference,
    examples,
    parts,
    recipe,
    stepped,
    trained,
)
from reglab.training.one_seed import cost_of_step
from reglab.training.regularizer import Regularizer


@cache
def _plain() -> tuple:
    return trained()


@cache
def _plain_cost() -> dict[str, float]:
    return cost_of_step(recipe(), parts())


def _others(technique: Regularizer, name: str) -> list[Regularizer]:
    """The technique with other values of a setting that are allowed: the choices, or smaller and larger numbers."""
    kind, value = hints(type(technique))[name], getattr(technique, name)
    if isinstance(value, bool):
        candidates = [not value]
    elif isinstance(value, str):
        candidates = [choice for choice in get_args(kind) if choice != value] if get_origin(kind) else []
    elif isinstance(value, int):
        candidates = [1, 2, value + 1]
    else:
        candidates = [value / 100, value / 2, (1 + value) / 2, 2 * value + 0.1]
    others = []
    for candidate in candidates:
        problems = Problems("")
        checked(type(technique), {name: candidate}, (), problems)
        if candidate != value and not problems.lines:
            others.append(replace(technique, **{name: candidate}))
    return others


# A technique is also tried beside dropout, as alone it may change nothing: a second pass differs from the first by masks.
COMPANY = ((), (Dropout(),))


def _acts_between_epochs(technique: Regularizer) -> bool:
    """Whether its results depend on the number of epochs, or come after the last one."""
    return bool(technique.callbacks()) or any(overrides(technique, hook) for hook in ("after_epoch", "after_training"))


def _results(technique: Regularizer, company: tuple[Regularizer, ...] = ()) -> dict[str, torch.Tensor]:
    """All results of a training, including the epochs if the technique acts between them."""
    learner = stepped(*company, technique, steps=3)
    seen = learner.bits() | {f"curves/{key}": torch.tensor(value) for key, value in learner.curves().items()}
    if _acts_between_epochs(technique):
        outcome, tensors, _ = trained(*company, technique, epochs=6, learning_rate=1.0, momentum=0.9)
        seen |= tensors | {f"outcome/{key}": torch.tensor(outcome[key]) for key in ("epochs", "best_epoch")}
    return seen


def switched_off_it_is_none_bit_for_bit(technique: Regularizer) -> None:
    if technique.off is None:
        raise NotApplicable("it has no setting that switches it off, and says so")
    outcome, tensors, curves = trained(replace(technique, **technique.off))
    expected, plain, plain_curves = _plain()
    missing = sorted(set(plain) - set(tensors))
    differ = ", ".join(missing) or difference(plain, tensors)
    require(not differ, f"with {technique.off} it differs from none in {differ}")
    require(outcome == expected, f"the outcome is {outcome}, that of none {expected}")
    for epoch, line in zip(curves, plain_curves, strict=True):
        odd = [key for key in line if epoch.get(key) != line[key]]
        require(not odd, f"with {technique.off} its curves differ from those of none in {', '.join(odd)}")


def switched_on_it_is_not_none(technique: Regularizer) -> None:
    if technique.off == {}:
        raise NotApplicable("it changes nothing")
    candidates = [technique, *(other for field in fields(technique) for other in _others(technique, field.name))]
    for company in COMPANY:
        plain = stepped(*company, steps=3).bits()
        if _acts_between_epochs(technique):
            plain |= trained(*company, epochs=6, learning_rate=1.0, momentum=0.9)[1]
        if any(difference(plain, _results(candidate, company)) for candidate in candidates):
            return
    require(False, "whatever its settings, a training with it is the training without it, dropout beside it or not")


def every_setting_changes_something(technique: Regularizer) -> None:
    if not fields(technique):
        raise NotApplicable("it has no settings")
    names = [field.name for field in fields(technique)]
    for name in names:
        near = [other for also in names if also != name for other in _others(technique, also)]
        for company, base in product(COMPANY, [technique, *near]):
            results = _results(base, company)
            others = (_results(other, company) for other in _others(base, name))
            if any(difference(results, seen) or set(results) ^ set(seen) for seen in others):
                break
        else:
            require(False, f"{name}: no other value makes any difference to a training, whatever the other settings")


def a_killed_training_goes_on_to_the_same_bits(technique: Regularizer) -> None:
    whole, resumed = trained(technique, epochs=3), trained(technique, epochs=3, interrupt=2)
    differ = difference(whole[1], resumed[1]) or ", ".join(sorted(set(whole[1]) ^ set(resumed[1])))
    require(
        not differ, f"resumed after a kill it differs in {differ}; what lasts from step to step belongs in a buffer"
    )
    require(resumed[0] == whole[0], f"the outcome is {resumed[0]}, undisturbed {whole[0]}")
    require(resumed[2] == whole[2], "resumed after a kill its learning curves differ")


def a_loss_that_diverges_is_reported_and_not_raised(technique: Regularizer) -> None:
    outcome, tensors, _ = trained(technique, learning_rate=1e30)
    if outcome["status"] == "finished":
        finite = all(values.isfinite().all() for values in tensors.values())
        require(finite, "the training counts as finished, and its weights or predictions are NaN or infinite")


def _needs_no_residual_blocks(technique: Regularizer) -> None:
    if "residual_blocks" in technique.needs:
        raise NotApplicable("it needs residual blocks, which this network has none of")


def convolutional_networks_can_be_trained(technique: Regularizer) -> None:
    _needs_no_residual_blocks(technique)
    bits = stepped(technique, architecture=CONVOLUTIONAL).bits()
    require(all(value.isfinite().all() for value in bits.values()), "something becomes NaN or infinite")


def a_network_of_ones_own_can_be_trained(technique: Regularizer) -> None:
    _needs_no_residual_blocks(technique)
    bits = stepped(technique, architecture=OWN).bits()
    require(all(value.isfinite().all() for value in bits.values()), "something becomes NaN or infinite")


def networks_with_batch_normalization_and_shortcuts_can_be_trained(technique: Regularizer) -> None:
    learner = stepped(technique, architecture=NORMALIZED)
    bits = learner.bits()
    require(all(value.isfinite().all() for value in bits.values()), "something becomes NaN or infinite")
    counts = {key: value.item() for key, value in bits.items() if key.endswith("num_batches_tracked")}
    moved = {key: count for key, count in counts.items() if count != learner.taken}
    require(
        not moved,
        f"after {learner.taken} steps {moved}: a step moves running averages once; second passes run in evaluation_mode, "
        "in network.another_pass or in normalization.running_averages_kept",
    )
    evaluated = Steps(technique, architecture=NORMALIZED)
    for _ in range(learner.taken):
        evaluated.take(examples())
        evaluated.predicted(examples().inputs)
    differ = difference(bits, evaluated.bits())
    require(not differ, f"a network that is evaluated after every step trains otherwise: {differ}")
    Steps(technique, architecture=NORMALIZED).take(examples(1))  # batch normalization of one example


def double_precision_can_be_trained(technique: Regularizer) -> None:
    network = stepped(technique, dtype=torch.float64).network
    kinds = {parameter.dtype for parameter in network.parameters()}
    require(kinds == {torch.float64}, f"parameters become {', '.join(sorted(map(str, kinds)))}")


def its_cost_is_counted(technique: Regularizer) -> None:
    cost, again = (cost_of_step(recipe(technique), parts()) for _ in range(2))
    require(cost == again, f"counted twice it is {cost} and {again}")
    cheaper = [f"{key} {cost[key]:g}, of none {plain:g}" for key, plain in _plain_cost().items() if cost[key] < plain]
    require(not cheaper, "; ".join(cheaper))
