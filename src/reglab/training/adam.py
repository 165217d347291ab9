"""Adam without the work around its arithmetic."""

import torch


class Adam(torch.optim.Adam):
    """torch's fused Adam, the same to the bit, which calls the kernel at once.

    At each step torch sorts the tensors by device and type and asks whether the step is compiled, profiled or
    differentiated, which takes longer than the arithmetic of a small network; as does `zero_grad`, in part. Here all
    parameters of a group are on one device and of one type, and only a step in which some of them are new goes torch's way.

    Kingma and Ba, Adam: A Method for Stochastic Optimization, 2015, algorithm 1.
    """

    def __init__(self, parameters, learning_rate: float) -> None:
        super().__init__(parameters, learning_rate, fused=True)

    def zero_grad(self) -> None:
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def step(self, closure=None):
        loss = closure() if closure else None
        learned = [
            [parameter for parameter in group["params"] if parameter.grad is not None] for group in self.param_groups
        ]
        if all(self.state[parameter] for parameters in learned for parameter in parameters):
            for group, parameters in zip(self.param_groups, learned, strict=True):
                if parameters:
                    self.update(parameters, group)
        else:
            super().step()
        return loss

    step.hooked = True  # says that torch need not wrap it for its profiler

    @torch.no_grad()
    def update(self, parameters: list[torch.nn.Parameter], settings: dict) -> None:
        """The step of parameters that have gradients and moments."""
        states = [self.state[parameter] for parameter in parameters]
        steps = [state["step"] for state in states]
        torch._foreach_add_(steps, 1)
        torch._fused_adam_(
            parameters,
            [parameter.grad for parameter in parameters],
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],  # the largest second moments, of another variant
            steps,
            lr=settings["lr"],
            beta1=settings["betas"][0],
            beta2=settings["betas"][1],
            weight_decay=settings["weight_decay"],
            eps=settings["eps"],
            amsgrad=False,
            maximize=False,
        )
