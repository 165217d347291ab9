"""Predicts new examples with a classical method, fitted again as the study fitted it: its record holds no fitted model."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from reglab.core.registry import find
from reglab.data.inputs import Inputs
from reglab.data.prepared import Prepared, prepared_by
from reglab.data.preprocessing.ready import ReadyInputs
from reglab.experiments.baselines.base import fit_split
from reglab.experiments.prediction import finished_record, seeds_of, trained_on


def predict_again(
    folder: Path, data: Prepared, inputs: Inputs | np.ndarray, seeds: Sequence[int] | None = None
) -> np.ndarray:
    """Probabilities of classes or labels (n, outputs), or amounts (n, 1): the mean over these seeds of the record in
    `folder`, or over all, of the method fitted to the labelled part of each.

    UserError where a seed is not there, or the record is of other data than `data`.
    """
    inputs = ReadyInputs(inputs) if isinstance(inputs, np.ndarray) else inputs
    content = finished_record(folder)
    trained_on(data, folder, content)
    baseline = find("baselines", content["name"])(**content["settings"][content["name"]])
    predictions = []
    for seed in seeds_of(content, seeds):
        split, prepared = data.split(seed), prepared_by(data.preprocessor(seed), inputs)
        predictions.append(fit_split(baseline.estimator_for(split), split, {"new": prepared})["new"])
    return np.mean(predictions, axis=0)
