"""A data set of openml.org by its number: a table, whose columns have the kinds that OpenML says."""

import contextlib
import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from annotated_types import Ge

from reglab.core.errors import UserError
from reglab.core.wording import nearest
from reglab.data.scaling import Scaling
from reglab.data.source import Examples, Source
from reglab.data.sources.table import Table
from reglab.data.tables.files import RawTable
from reglab.data.tables.frames import of_frame
from reglab.data.tables.inference import infer, most_levels, understood_target
from reglab.data.tables.settings import MISSING, MOST_LEVELS, Column

if TYPE_CHECKING:
    import pandas as pd

ALLOWED = "the number of a data set, and a network or a cache of scikit-learn that has it (data.data_home)"


@dataclass(frozen=True)
class OpenML(Source):
    """`id` is the number in the address of the data set; scikit-learn's `fetch_openml` reads it, from its cache if it can.

    `target` is the column of the classes, or of amounts where its values are decimal numbers, or more different whole numbers
    than there are classes; without it, the one that OpenML declares. `data_home` is the folder of the cache; without it,
    scikit-learn's own (~/scikit_learn_data). The other columns are prepared as the source `table` prepares them: numbers are
    scaled by `scaling`, nominal columns and strings with few different values are levels, and other strings are left out, as
    are columns with one value.
    """

    paths: ClassVar[tuple[str, ...]] = ("data_home",)

    id: Annotated[int, Ge(1)]
    target: str | None = None
    data_home: str | None = None
    scaling: Scaling = "robust"

    def load(self) -> Examples:
        table, raw = self.table()
        return table.examples(raw)

    def table(self) -> tuple[Table, RawTable]:
        """The columns as text, and the schema by which they are read; UserError where there is no such data set or target."""
        place = f"openml {self.id}"
        frame, declared = self.fetch(place)
        target = self.target or declared
        if target is None:
            raise UserError(
                f"params.yaml: data.target: found nothing, and {place} declares none; allowed: a column of it"
            )
        if target not in frame:
            near = nearest(target, list(frame))
            raise UserError(
                f"params.yaml: data.target: found {target}; allowed: a column of {place}: {', '.join(frame)}{near}"
            )
        raw = of_frame(frame, (), place)
        kinds = {name: kind_of(values) for name, values in frame.drop(columns=target).items()}
        of_target = {"f": "numeric", "i": None}.get(frame[target].dtype.kind, "categorical")
        understood = [understood_target(raw, target, kind=of_target, decimal=".")]
        understood += infer(raw.without(target), kinds=kinds)
        columns = {each.name: each.column for each in understood}
        return Table(file=place, target=target, columns=columns, missing=(), scaling=self.scaling), raw

    def reader(self, encoding: dict[str, Any], shape: tuple[int, ...] | None = None) -> Table:
        numbers = len(encoding["names"]) - len(encoding["levels"])
        levels = dict(zip(encoding["names"][numbers:], map(tuple, encoding["levels"]), strict=True))
        columns = {name: Column("numeric", missing=name in encoding["missing"]) for name in encoding["names"][:numbers]}
        columns |= {name: Column("categorical", of_column, missing=True) for name, of_column in levels.items()}
        taken = {level for of_column in levels.values() for level in of_column}
        missing = tuple(spelling for spelling in MISSING if spelling not in taken)
        return Table(file=f"openml {self.id}", target="", columns=columns, missing=missing, scaling=self.scaling)

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


def kind_of(values: "pd.Series") -> str:
    """The kind of a column that is an input, from its type: a number, nominal (a category), or a string."""
    distinct = values.nunique()
    if distinct < 2:
        return "constant"
    if values.dtype.kind in "iuf":
        return "numeric"
    most = MOST_LEVELS if values.dtype == "category" else most_levels(values.count())
    return "categorical" if distinct <= most else "text"
