"""Adam without the work around its arithmetic."""

import torch
from torch.nn import Parameter


class Adam(torch.optim.Adam):
    """torch's fused Adam, the same to the bit, which calls the kernel at once.

    At each step torch sorts the tensors by device and type and asks whether the step is compiled, profiled or
    differentiated, which takes longer than the arithmetic of a small network; as does `zero_grad`, in part. Here all
    parameters of a group are on one device and of one type, and only a step in which some of them are new goes torch's way.

    Kingma and Ba, Adam: A Method for Stochastic Optimization, 2015, algorithm 1.
    """

    def __init__(self, parameters, learning_rate: float) -> None:
        self.kept: dict[int, Moments] = {}  # by number of the group, of the parameters that had gradients last
        super().__init__(parameters, learning_rate, fused=True)

    def __setstate__(self, state: dict) -> None:
        self.kept = {}  # a checkpoint replaces the moments
        super().__setstate__(state)

    def zero_grad(self) -> None:
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def step(self, closure=None):
        loss = closure() if closure else None
        learned = [
            [parameter for parameter in group["params"] if parameter.grad is not None] for group in self.param_groups
        ]
        moments = [self.moments(number, parameters) for number, parameters in enumerate(learned)]
        if None in moments:
            super().step()
        else:
            for group, parameters, of_group in zip(self.param_groups, learned, moments, strict=True):
                if parameters:
                    update(parameters, of_group, group)
        return loss

    step.hooked = True  # says that torch need not wrap it for its profiler

    def moments(self, number: int, parameters: list[Parameter]) -> "Moments | None":
        """The moments of parameters of the group of this number; None if some of them have had no step."""
        names = list(map(id, parameters))
        if number not in self.kept or self.kept[number].names != names:
            states = [self.state[parameter] for parameter in parameters]
            if not all(states):
                return None
            self.kept[number] = Moments(names, states)
        return self.kept[number]


class Moments:
    """What Adam keeps of some parameters, as lists in their order. Their numbers of steps lie in one tensor."""

    def __init__(self, names: list[int], states: list[dict]) -> None:
        self.names = names
        self.counts = torch.stack([state["step"] for state in states]) if states else torch.empty(0)
        self.steps = list(self.counts.unbind())
        for state, step in zip(states, self.steps, strict=True):
            state["step"] = step
        self.first, self.second = ([state[name] for state in states] for name in ("exp_avg", "exp_avg_sq"))


@torch.no_grad()
def update(parameters: list[Parameter], moments: Moments, settings: dict) -> None:
    """The step of parameters that have gradients and moments, with the settings of their group."""
    moments.counts.add_(1)
    torch._fused_adam_(
        parameters,
        [parameter.grad for parameter in parameters],
        moments.first,
        moments.second,
        [],  # the largest second moments, of another variant
        moments.steps,
        lr=settings["lr"],
        beta1=settings["betas"][0],
        beta2=settings["betas"][1],
        weight_decay=settings["weight_decay"],
        eps=settings["eps"],
        amsgrad=False,
        maximize=False,
    )
