"""A small regression problem on which techniques are compared with closed forms."""

from reglab.core.streams import Moment, generator


def regression(examples: int = 40):
    """Inputs (examples, 4), targets (examples, 1) and indices of a noisy linear relation; two inputs have no effect."""
    import torch

    random = generator("oracle")  # the key of published records
    inputs, noise = (torch.randn(examples, size, generator=random, dtype=torch.float64) for size in (4, 1))
    return inputs, 2 * inputs[:, :1] - inputs[:, 1:2] + 1 + noise, torch.arange(examples)


def ridge(inputs, targets, strength: float):
    """Weights (features,) at the minimum of 1/(2n) |X w + b - y|^2 + strength/2 |w|^2.

    They are (X'X/n + strength I)^-1 X'y/n of the centred data.
    """
    import torch

    inputs, targets, examples = inputs - inputs.mean(0), targets - targets.mean(0), len(inputs)
    curvature = inputs.T @ inputs / examples + strength * torch.eye(inputs.shape[1], dtype=inputs.dtype)
    return torch.linalg.solve(curvature, inputs.T @ targets / examples).flatten()


def descend(network, regularizer, batch, *, rate: float = 0.3, steps: int = 300, optimizer=None):
    """The network after full-batch steps on 1/(2n) |scores - targets|^2, with one regularizer's hooks in their order.

    `optimizer(parameters, rate)` is plain gradient descent unless given.
    """
    import torch

    network.moment = Moment(seed=0, epoch=0, step=0)
    regularizer.prepare_model(network)
    optimizer = (optimizer or torch.optim.SGD)(network.parameters(), rate)
    for step in range(steps):
        network.moment = Moment(seed=0, epoch=0, step=step)
        shown = regularizer.transform_batch(batch, network)
        scores = network(shown.inputs)
        loss = (scores - shown.targets).square().sum() / (2 * len(scores))
        penalty = regularizer.penalty(network, shown, scores)
        optimizer.zero_grad()
        (loss if penalty is None else loss + penalty).backward()
        regularizer.transform_gradients(network)
        optimizer.step()
        regularizer.after_step(network, rate)
    return network
