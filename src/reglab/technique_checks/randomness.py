"""Checks of the random numbers of a technique, and that it changes nothing outside the network."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from reglab.technique_checks.results import NotApplicable, require
from reglab.technique_checks.workbench import Steps, difference, examples, stepped
from reglab.training.regularizer import Regularizer

TRIED = 16  # seeds and steps, since a technique that draws a single yes or no gives the same bits at every second one


class _Draws(TorchDispatchMode):
    """Notes whether anything was drawn, from whatever generator of torch."""

    def __init__(self) -> None:
        super().__init__()
        self.any = False

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        self.any |= torch.Tag.nondeterministic_seeded in operation.tags
        return operation(*args, **(kwargs or {}))


def _draws(technique: Regularizer) -> bool:
    learner, batch = Steps(technique), examples()
    with _Draws() as draws:
        learner.take(batch)
    return draws.any


def _random_states() -> dict[str, object]:
    kind, keys, *place = np.random.get_state()
    return {
        "random": random.getstate(),
        "numpy.random": (kind, keys.tobytes(), *place),
        "torch": torch.get_rng_state().numpy().tobytes(),
    }


@contextmanager
def _global_seeds(seed: int) -> Iterator[None]:
    """Seed the global generators; afterwards restore their states."""
    kept = random.getstate(), np.random.get_state(), torch.get_rng_state()
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])
        torch.set_rng_state(kept[2])


def _defaults() -> dict[str, object]:
    return {
        "torch.get_num_threads": torch.get_num_threads(),
        "torch.get_default_dtype": torch.get_default_dtype(),
        "torch.get_default_device": torch.get_default_device(),
        "torch.are_deterministic_algorithms_enabled": torch.are_deterministic_algorithms_enabled(),
        "torch.is_grad_enabled": torch.is_grad_enabled(),
        "torch.is_anomaly_enabled": torch.is_anomaly_enabled(),
        "torch.get_float32_matmul_precision": torch.get_float32_matmul_precision(),
        "torch.backends.cudnn.benchmark": torch.backends.cudnn.benchmark,
        "torch.backends.cudnn.deterministic": torch.backends.cudnn.deterministic,
        "numpy.geterr": np.geterr(),
    }


def it_leaves_global_random_states_alone(technique: Regularizer) -> None:
    before = _random_states()
    stepped(technique).bits()
    after = _random_states()
    changed = [name for name in before if before[name] != after[name]]
    require(not changed, f"it draws from {', '.join(changed)}; draw from network.moment.generator(name)")


def global_seeds_do_not_reach_it(technique: Regularizer) -> None:
    results = []
    for seed in (1, 2):
        with _global_seeds(seed):
            results.append(stepped(technique).bits())
    differ = difference(*results)
    require(not differ, f"another global seed gives other bits: {differ}; draw from network.moment.generator(name)")


def it_leaves_the_defaults_of_torch_and_numpy_alone(technique: Regularizer) -> None:
    before = _defaults()
    stepped(technique).bits()
    changed = [f"{name}: {before[name]}, then {value}" for name, value in _defaults().items() if before[name] != value]
    require(not changed, "; ".join(changed))


def the_same_seed_gives_the_same_bits(technique: Regularizer) -> None:
    differ = difference(*(stepped(technique, steps=3).bits() for _ in range(2)))
    require(not differ, f"two trainings from one seed differ: {differ}")


def another_seed_draws_other_numbers(technique: Regularizer) -> None:
    if technique.off == {}:
        raise NotApplicable("it changes nothing")
    if not _draws(technique):
        raise NotApplicable("it draws nothing")
    first, *others = (stepped(technique, seed=seed).bits() for seed in range(TRIED))
    require(
        any(difference(first, other) for other in others),
        f"it draws, and seeds 0 to {TRIED - 1} give the same bits: its numbers have a fixed key",
    )


def another_step_draws_other_numbers(technique: Regularizer) -> None:
    if technique.off == {}:
        raise NotApplicable("it changes nothing")
    if not _draws(technique):
        raise NotApplicable("it draws nothing")
    first, *others = (stepped(technique, steps=1, first=first).bits() for first in range(TRIED))
    require(
        any(difference(first, other) for other in others),
        f"it draws, and steps 0 to {TRIED - 1} give the same bits: its numbers have a fixed key",
    )


def what_was_trained_before_does_not_reach_it(technique: Regularizer) -> None:
    first = stepped(technique, steps=1).bits()
    Steps(technique, seed=5)
    stepped(technique, steps=3, seed=5)
    differ = difference(first, stepped(technique, steps=1).bits())
    require(not differ, f"after the training of another network it gives other bits: {differ}")
