"""The learning rate of each step, a function of the number of the step alone, so that a resumed training has the same."""

from math import cos, pi
from typing import Literal

Schedule = Literal["constant", "cosine"]


def factor(schedule: Schedule, step: int, steps: int, warmup: int) -> float:
    """The learning rate of step 0, 1, ... steps - 1, as a share of the one in the settings.

    During the first `warmup` steps (step + 1)/warmup; then 1 if `constant`, and if `cosine`

        (1 + cos(pi (step - warmup)/(steps - warmup)))/2,

    which starts at 1 and would reach zero one step after the last.

    Sources: Goyal et al., Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour, 2017, section 2.2, for the warm-up;
    Loshchilov and Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, 2017, eq. 5, without restarts.
    """
    if step < warmup:
        return (step + 1) / warmup
    if schedule == "constant":
        return 1.0
    return (1 + cos(pi * (step - warmup) / (steps - warmup))) / 2
