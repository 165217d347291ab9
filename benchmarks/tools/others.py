"""The packages of benchmarks/requirements.txt that attacks and augmentation are compared with; None where one is missing."""

import logging

import torch

try:
    import foolbox
except ImportError:
    foolbox = None

try:
    from kornia.augmentation import RandomAffine
except ImportError:
    RandomAffine = None

try:
    from pyautoattack import AutoAttack
except ImportError:
    moved_by_autoattack = None
else:

    def moved_by_autoattack(network, inputs, labels, epsilon: float) -> torch.Tensor:
        """What AutoAttack's standard ensemble makes of the inputs in the maximum norm, all examples in one batch."""
        attack = AutoAttack(network, norm="Linf", eps=epsilon, version="standard", seed=0)
        return attack.run_standard_evaluation(inputs, labels, batch_size=len(inputs))[0]


try:
    from art.attacks.evasion import ProjectedGradientDescentPyTorch
    from art.estimators.classification import PyTorchClassifier
except ImportError:
    projected_gradient_of_art = None
else:
    logging.getLogger("art").setLevel(logging.ERROR)

    def projected_gradient_of_art(network, inputs, labels, epsilon: float, steps: int) -> torch.Tensor:
        """ART's projected gradient in the maximum norm, all examples in one batch, from one random start."""
        classes = network(inputs[:1]).shape[1]
        loss, shape = torch.nn.CrossEntropyLoss(), tuple(inputs.shape[1:])
        classifier = PyTorchClassifier(network, loss, shape, classes, clip_values=(0.0, 1.0), device_type="cpu")
        attack = ProjectedGradientDescentPyTorch(
            classifier,
            eps=epsilon,
            eps_step=2.5 * epsilon / steps,
            max_iter=steps,
            num_random_init=1,
            batch_size=len(inputs),
            verbose=False,
        )
        return torch.as_tensor(attack.generate(inputs.numpy(), labels.numpy()))


__all__ = ["RandomAffine", "foolbox", "moved_by_autoattack", "projected_gradient_of_art"]
