"""Label propagation: examples without labels get those of their neighbours in a network's features, and it learns them."""

import numpy as np
import torch
from torch import Tensor

from reglab.attacks.base import evaluation_mode
from reglab.core.losses import weighted_mean
from reglab.data.loader import Batch
from reglab.experiments.few_labels.base import SemiSupervisedLearner
from reglab.experiments.few_labels.spreading import spread_labels
from reglab.training.passes import outputs_on


def certainty(probabilities: Tensor) -> Tensor:
    """1 - H(p) / log(classes) of probabilities p (n, classes), (n,): 1 of a sure one, 0 where all classes are equal.

    Iscen, Tolias, Avrithis and Chum, Label Propagation for Deep Semi-supervised Learning, 2019, eq. 11.
    """
    entropy = torch.special.entr(probabilities).sum(1)
    return (1 - entropy / np.log(probabilities.shape[1])).clamp(0, 1)


class PropagationLearner(SemiSupervisedLearner):
    """Minimises J + weight sum_i w_i (-log p(y_i | x_i')) / sum_i w_i, x' a view of an example without its label.

    At the start of every epoch the labels spread along the graph of neighbours in the network's features as it is then
    (`spread_labels`): y_i is the class that arrives with the highest probability, w_i its `certainty`. `method` is a
    `settings.LabelPropagation`. Until the first epoch no example has a label, and all weights are 0.

    Source: Iscen, Tolias, Avrithis and Chum, Label Propagation for Deep Semi-supervised Learning, 2019, section 4. Here the
    features of the first epoch are those of a pretext, which has seen no label; the graph is that of scikit-learn's label
    spreading; and classes are not weighted by their frequency.
    """

    def __init__(self, *arguments) -> None:
        super().__init__(*arguments)
        device, outputs = self.network.head.weight.device, self.task.outputs
        self.guesses = torch.full((self.vary.examples, outputs), 1 / outputs, device=device)
        self.certainties = torch.zeros(self.vary.examples, device=device)

    def on_train_epoch_start(self) -> None:
        batches = self.trainer.train_dataloader
        self.propagate(batches.labelled.examples, batches.unlabelled.examples)

    def propagate(self, labelled: Batch, unlabelled: Batch) -> None:
        """Give every unlabelled example the class and the certainty that its neighbours lend it now."""
        with torch.no_grad(), evaluation_mode(self.network):
            parts = [outputs_on(self.network.backbone, batch.inputs).flatten(1) for batch in (labelled, unlabelled)]
        points, known = torch.cat(parts).double().cpu().numpy(), labelled.targets.argmax(1).cpu().numpy()
        spread = spread_labels(points, known, self.method.n_neighbors, self.method.alpha, self.task.outputs)
        arrived = torch.as_tensor(spread.probabilities[len(known) :])
        self.guesses = self.task.targets(arrived.argmax(1)).to(self.guesses)
        self.certainties = certainty(arrived).to(self.certainties)

    def unlabelled_loss(self, batch: Batch) -> Tensor:
        outputs = self.network(self.view(batch, "student"))
        losses = self.task.losses(outputs, self.guesses[batch.indices])
        return weighted_mean(losses, self.certainties[batch.indices])
