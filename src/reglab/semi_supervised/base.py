"""What a semi-supervised method is: how it learns from a labelled and an unlabelled batch at each step."""

from typing import ClassVar

import numpy as np

from reglab.data.loader import Batch, Pairs, Repeated
from reglab.data.prepared import Split
from reglab.learners.supervised import Supervised
from reglab.models.base import Network
from reglab.pretexts.base import Variation
from reglab.sections import Training


class SemiSupervised:
    """A frozen dataclass whose fields are its entry under `semi_supervised:` in params.yaml.

    Either it gives a `learner`, or it is `classical` and answers by `predict`. With its weight on unlabelled examples at 0
    it is training from scratch on the labelled ones, bit for bit: what it draws comes from streams of its own.
    """

    classical: ClassVar[bool] = False
    unlabelled_batch_size: int

    def learner(
        self, network: Network, regularizers: tuple, training: Training, unlabelled: Variation, seed: int
    ) -> Supervised:
        """Learns from `Pair`s; the regularizers, augmentation first, act on the labelled examples as from scratch."""
        raise NotImplementedError

    def batches(self, labelled: Batch, unlabelled: Batch, training: Training, steps: int, seed: int) -> Pairs:
        """An epoch of so many steps."""
        return Pairs(
            Repeated(labelled, training.batch_size, seed, steps),
            Repeated(unlabelled, self.unlabelled_batch_size, seed, steps, stream="unlabelled_order"),
        )

    def predict(self, few: Split, classes: int) -> dict[str, np.ndarray]:
        """Class probabilities (examples, classes) on `labelled`, `validation` and `test`."""
        raise NotImplementedError
