"""What projected gradient and the strong attack cost, and how strong they are, beside others on the same network.

    python benchmarks/attacks.py

Three minutes, most of them AutoAttack's. foolbox, ART and AutoAttack (pyautoattack) are no requirements of this project:
`make bench` installs them beside it (benchmarks/requirements.txt), and without them the attacks are compared with a plain
loop alone. Convolutional network of width 16, digits that it gets right, maximum norm, one thread; all take turns, and
each turn counts in seconds of processor time. At epsilon 0 no example is fooled and all take every step; at larger ones the
fooled examples stay behind. The strong attack ends with an error where it leaves more examples right than AutoAttack.
"""

import os
import sys
from functools import partial
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

import torch
from tools.others import foolbox, moved_by_autoattack, projected_gradient_of_art
from tools.ratios import cpu_seconds, save, spread
from torch.nn.functional import cross_entropy

from reglab.attacks.base import accuracy
from reglab.attacks.projected_gradient import projected_gradient
from reglab.attacks.strong import strong
from reglab.data.sources.digits import load
from reglab.models.convnet import ConvNet
from reglab.training.network import build

TURNS, STEPS, EXAMPLES = 15, 20, 256
EPSILONS = (0.0, 0.02, 0.05, 0.1)  # 0, and those of the study
STRONG_TURNS, STRONG_EXAMPLES = 3, 100  # as many as in the study


def plain_loop(network, inputs, labels, epsilon: float):
    """Projected gradient as one writes it down first."""
    moved = (inputs + epsilon * (2 * torch.rand_like(inputs) - 1)).clamp(0, 1)
    for _ in range(STEPS):
        moved.requires_grad_()
        gradient = torch.autograd.grad(cross_entropy(network(moved), labels), moved)[0]
        moved = moved.detach() + 2.5 * epsilon / STEPS * gradient.sign()
        moved = torch.min(torch.max(moved, inputs - epsilon), inputs + epsilon).clamp(0, 1)
    return moved


def of_foolbox(network, inputs, labels, epsilon: float):
    attack = foolbox.attacks.LinfPGD(steps=STEPS, rel_stepsize=2.5 / STEPS)
    return attack(foolbox.PyTorchModel(network, bounds=(0, 1)), inputs, labels, epsilons=epsilon)[1]


def of_art(network, inputs, labels, epsilon: float):
    return projected_gradient_of_art(network, inputs, labels, max(epsilon, 1e-9), STEPS)  # it takes no 0


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


def compare_projected_gradient(network, inputs, labels) -> None:
    others = {"a plain loop": plain_loop}
    others |= {"foolbox": of_foolbox} if foolbox else {}
    others |= {"ART": of_art} if projected_gradient_of_art else {}
    attacks = {"ours": ours} | others
    total = []
    for epsilon in EPSILONS:
        turns = []
        for _ in range(TURNS):
            turns.append(
                {name: cpu_seconds(partial(of, network, inputs, labels, epsilon)) for name, of in attacks.items()}
            )
        if epsilon:
            total.append(turns)
        left = {name: accuracy(network, of(network, inputs, labels, epsilon), labels) for name, of in attacks.items()}
        for name in others:
            ratio = spread([(turn["ours"], turn[name]) for turn in turns])
            print(
                f"epsilon {epsilon:4.2f}: {ratio} x {name}; accuracy left {left['ours']:.3f}, {name} {left[name]:.3f}"
            )
            save({f"projected gradient, 20 steps, epsilon {epsilon:g}, against {name}": ratio})
    for name in others:  # the epsilons of the study together, as a study takes them
        sums = [[sum(turn[of] for turn in turns) for of in ("ours", name)] for turns in zip(*total, strict=True)]
        save({f"projected gradient, 20 steps, epsilons of the study, against {name}": spread(sums)})


def compare_strong(network, inputs, labels, epsilon: float = 0.1) -> None:
    found, turns = {}, []

    def ours() -> None:
        found["ours"] = strong(network, inputs, labels, epsilon)

    def autoattack() -> None:
        found["AutoAttack"] = moved_by_autoattack(network, inputs, labels, epsilon)

    for _ in range(STRONG_TURNS):
        turns.append((cpu_seconds(ours), cpu_seconds(autoattack)))
    left = {name: accuracy(network, moved, labels) for name, moved in found.items()}
    print(f"strong attack: {spread(turns)} x AutoAttack; accuracy left {left}")
    assert left["ours"] <= left["AutoAttack"] and (found["ours"] - inputs).abs().max() <= epsilon + 1e-6
    save({"strong attack, against AutoAttack": spread(turns)})


def main() -> None:
    torch.set_num_threads(1)
    inputs, labels = map(torch.as_tensor, load())
    network = trained(inputs[:900], labels[:900])
    inputs, labels = inputs[900:], labels[900:]
    with torch.no_grad():
        rows = (network(inputs).argmax(1) == labels).nonzero()[:EXAMPLES, 0]
    inputs, labels = inputs[rows], labels[rows]
    compare_projected_gradient(network, inputs, labels)
    if moved_by_autoattack:
        compare_strong(network, inputs[:STRONG_EXAMPLES], labels[:STRONG_EXAMPLES])


if __name__ == "__main__":
    main()
