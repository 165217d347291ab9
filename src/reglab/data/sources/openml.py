"""A data set of openml.org by its number, with numeric columns and one column of classes or amounts."""

import contextlib
import io
import warnings
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge

from reglab.core.errors import UserError
from reglab.core.wording import nearest
from reglab.data.classes import class_problems, numbered
from reglab.data.preprocessing.columns import Columns
from reglab.data.scaling import Scaling
from reglab.data.source import Examples, Source
from reglab.data.target_kind import amount_problems

ALLOWED = "the number of a data set, and a network or a cache of scikit-learn that has it (data.data_home)"


@dataclass(frozen=True)
class OpenML(Source):
    """`id` is the number in the address of the data set; scikit-learn's `fetch_openml` reads it, from its cache if it can.

    `target` is the column of the classes, or of amounts where its values are decimal numbers; without it, the one that OpenML
    declares. `data_home` is the folder of the cache; without it, scikit-learn's own (~/scikit_learn_data). The other columns
    must be numbers, and are scaled on the training part by `scaling`; a data set with other columns can be saved as csv and
    read by the source `table`.
    """

    paths: ClassVar[tuple[str, ...]] = ("data_home",)

    id: Annotated[int, Ge(1)]
    target: str | None = None
    data_home: str | None = None
    scaling: Scaling = "robust"

    def load(self) -> Examples:
        place = f"openml {self.id}"
        frame, target = self.fetch(place)
        wanted = self.target or target
        if wanted is None:
            raise UserError(
                f"params.yaml: data.target: found nothing, and {place} declares none; allowed: a column of it"
            )
        if wanted not in frame:
            near = nearest(wanted, list(frame))
            raise UserError(
                f"params.yaml: data.target: found {wanted}; allowed: a column of {place}: {', '.join(frame)}{near}"
            )
        columns, labels = frame.drop(columns=wanted), frame[wanted]
        others = [f"{name} ({kind})" for name, kind in columns.dtypes.items() if kind.kind not in "biuf"]
        if others or not len(columns.columns):
            found = f"columns that are no numbers: {', '.join(others)}" if others else "no columns beside the target"
            raise UserError(f"{place}: found {found}; allowed: numbers; save the data set as csv for the source table")
        values = columns.to_numpy(np.float64)
        if not np.isfinite(values).all():
            row, column = np.argwhere(~np.isfinite(values))[0]
            found = f"a missing or infinite value in {columns.columns[column]}, row {row}"
            raise UserError(
                f"{place}: found {found}; allowed: finite numbers; save the data set as csv for the source table"
            )
        if labels.isna().any():
            raise UserError(
                f"{place}: {wanted}, row {labels.isna().argmax()}: found nothing; allowed: a target in each row"
            )
        if labels.dtype.kind == "f":
            amounts = labels.to_numpy(np.float64)
            if lines := amount_problems(amounts):
                raise UserError(*(f"{place}: {wanted}: found {line}" for line in lines))
            return Examples(inputs=Columns(values, self.scaling), targets=amounts)
        targets, classes = numbered([str(label) for label in labels])
        if lines := class_problems(f"{place}: {wanted}", targets, classes):
            raise UserError(*lines)
        return Examples(inputs=Columns(values, self.scaling), targets=targets, classes=classes)

    def fetch(self, place: str):
        """All columns as a data frame, and the name of the target that OpenML declares; UserError where there are none."""
        from sklearn.datasets import fetch_openml

        try:
            with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
                warnings.simplefilter("ignore")  # of each try and of other versions of the data set
                bunch = fetch_openml(
                    data_id=self.id, data_home=self.data_home, as_frame=True, parser="liac-arff", n_retries=1, delay=0.1
                )
        except Exception as error:  # of the network, the server, the cache or the file
            reason = " ".join(str(error).split())[:160] or type(error).__name__
            raise UserError(
                f"{place}: found nothing to read ({type(error).__name__}: {reason}); allowed: {ALLOWED}"
            ) from None
        names = list(bunch.target_names or ())
        return bunch.frame, names[0] if len(names) == 1 else None
