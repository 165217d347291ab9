"""Label spreading: labels run along a graph of neighbours; the classical method that networks have to beat."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Lt

from reglab.data.prepared import Split
from reglab.data.stored_inputs import joined
from reglab.experiments.baselines.base import flat, in_pieces
from reglab.experiments.few_labels.base import SemiSupervised
from reglab.experiments.few_labels.spreading import spread_labels


@dataclass(frozen=True)
class LabelSpreading(SemiSupervised):
    """Iterates  F <- alpha S F + (1 - alpha) Y  on the graph of `n_neighbors` nearest images, to its fixed point.

    S is the graph's normalised adjacency, Y the given labels. A new image takes the mean of its neighbours' F; where no
    label ever arrives all classes are equally probable. Of several labels each spreads on its own, as two classes.

    Source: Zhou, Bousquet, Lal, Weston and Schölkopf, Learning with Local and Global Consistency, 2004, section 2.
    """

    classical: ClassVar[bool] = True
    needs: ClassVar[tuple] = ("discrete",)  # scikit-learn has no regression on the graph

    n_neighbors: Annotated[int, Ge(1)] = 10
    alpha: Annotated[float, Gt(0), Lt(1)] = 0.8

    def predict(self, few: Split, classes: int) -> dict[str, np.ndarray]:
        if few.label_count is None:
            return self.spread(few, few.labels["labelled"], classes)
        of_each = [self.spread(few, known.astype(np.int64), 2) for known in few.labels["labelled"].T]
        return {part: np.stack([of[part][:, 1] for of in of_each], 1) for part in of_each[0]}

    def spread(self, few: Split, known: np.ndarray, classes: int) -> dict[str, np.ndarray]:
        """Class probabilities (examples, classes) by part, from the classes `known` (n,) of the labelled examples."""
        images = flat(joined([few.inputs["labelled"], few.inputs["unlabelled"]]))
        spread = spread_labels(images, known, self.n_neighbors, self.alpha, classes)
        return {part: in_pieces(spread.predict, few.inputs[part]) for part in ("labelled", "validation", "test")}
