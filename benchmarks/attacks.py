"""What a step of projected gradient costs, and how strong it is, beside another implementation on the same network.

    python benchmarks/attacks.py

About half a minute. The other one is foolbox where it can be imported, which is no requirement of this project:

    pip install --target /tmp/foolbox --no-deps foolbox eagerpy GitPython gitdb smmap
    PYTHONPATH=/tmp/foolbox python benchmarks/attacks.py

and else a plain loop. Convolutional network of width 16, 256 digits, 20 steps, maximum norm, one thread; the two take
turns, so that a busy minute of the machine hits both. At epsilon 0 nobody is fooled and all take every step; at 0.1 the
fooled examples stay behind. Expected: about 0.9 x foolbox at 0, 0.7 at 0.1.
"""

import os
import sys
import time
from pathlib import Path
from statistics import median

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

import torch
from torch.nn.functional import cross_entropy

from reglab.attacks.base import accuracy
from reglab.attacks.projected_gradient import projected_gradient
from reglab.data.sources.digits import load
from reglab.models.convnet import ConvNet
from reglab.training.network import build

TURNS, STEPS = 15, 20

try:
    import foolbox
except ImportError:
    foolbox = None


def plain_loop(network, inputs, labels, epsilon: float):
    """Projected gradient as one writes it down first."""
    moved = (inputs + epsilon * (2 * torch.rand_like(inputs) - 1)).clamp(0, 1)
    for _ in range(STEPS):
        moved.requires_grad_()
        gradient = torch.autograd.grad(cross_entropy(network(moved), labels), moved)[0]
        moved = moved.detach() + 2.5 * epsilon / STEPS * gradient.sign()
        moved = torch.min(torch.max(moved, inputs - epsilon), inputs + epsilon).clamp(0, 1)
    return moved


def foolboxs(network, inputs, labels, epsilon: float):
    attack = foolbox.attacks.LinfPGD(steps=STEPS, rel_stepsize=2.5 / STEPS)
    return attack(foolbox.PyTorchModel(network, bounds=(0, 1)), inputs, labels, epsilons=epsilon)[1]


def ours(network, inputs, labels, epsilon: float):
    return projected_gradient(network, inputs, labels, epsilon, steps=STEPS)


def trained(inputs, labels):
    network = build(ConvNet(width=16, depth=2), (1, 8, 8), 10, seed=0)
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    for _ in range(60):
        optimizer.zero_grad()
        cross_entropy(network(inputs), labels).backward()
        optimizer.step()
    return network.eval()


def main() -> None:
    torch.set_num_threads(1)
    inputs, labels = map(torch.as_tensor, load())
    network = trained(inputs[:900], labels[:900])
    inputs, labels = inputs[900:], labels[900:]
    with torch.no_grad():
        rows = (network(inputs).argmax(1) == labels).nonzero()[:256, 0]
    inputs, labels = inputs[rows], labels[rows]
    name, other = ("foolbox", foolboxs) if foolbox else ("a plain loop", plain_loop)
    for epsilon in (0.0, 0.1):
        seconds = {attack: [] for attack in (ours, other)}
        for _ in range(TURNS):
            for attack, spent in seconds.items():
                start = time.process_time()
                attack(network, inputs, labels, epsilon)
                spent.append(time.process_time() - start)
        mine, theirs = (median(spent) / STEPS * 1e3 for spent in seconds.values())
        ratio = median(a / b for a, b in zip(*seconds.values(), strict=True))
        left = [accuracy(network, attack(network, inputs, labels, epsilon), labels) for attack in (ours, other)]
        print(
            f"epsilon {epsilon:3.1f}: {mine:5.2f} ms a step, {name} {theirs:5.2f}: {ratio:4.2f} x; "
            f"accuracy left {left[0]:.3f}, {name} {left[1]:.3f}"
        )


if __name__ == "__main__":
    main()
