"""The row of a family of experiments: what is known of it before its code is imported."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Family:
    """What its entries are, and how other parts of the project treat them.

    Entries are found by name where `folder` is given: one class a file there, derived from `base`. Elsewhere `settings` is
    the class of each entry, or of the whole section where the section lists its `recipes`.
    """

    section: str  # of params.yaml; also the folder of its records under runs/
    stage: str  # of dvc.yaml, before the @
    kind: str  # what the report and MLflow call an entry
    order: int  # in which records are read and reported, among all families
    home: str = ""  # its folder of experiments/, as `core.families` finds it
    module: str = "run"  # of this folder, with the function `run_entry` that its stages call
    folder: str = ""  # below src/reglab/, searched by name
    base: str = ""
    settings: str = ""
    compared_with: Literal["none", "reference"] | None = None  # regularizers/none, a reference of its own, or nothing
    needs: tuple[str, ...] = ()  # of the data, all its entries, as in `experiments.applicability`
    classical: bool = False  # a method that a network should beat, with a correction for multiple testing of its own
    grows: bool = False  # its entries may get more seeds than `seeds.first`
    classifies: bool = False  # its records hold class probabilities of test examples
    has_own_names: bool = True  # no entry has the name of an entry of another family
    named_after: tuple[str, ...] = ()  # the names that its entries may have, where these are not the user's own
    recipes_of: tuple[str, ...] = ()  # the sections of the entries that the section lists under `recipes`
    lists_none: bool = False  # `none` is among these recipes, and the others are compared with it
    in_lecture: bool = False  # the class of an entry says in `lecture` to which section of the lecture it belongs
    anchor: str = ""  # before an entry's name in links to it; the section unless given
    has_own_section: bool = False  # its checks are shown in a section of the report, not in the chapter
    marker: str = ""  # in figures, with the place of its colour in `core.figures.COLORS` (None: ink)
    color: int | None = None

    @property
    def trains(self) -> bool:
        """Whether its entries train over seeds, so that pairs and claims may be about them."""
        return self.compared_with is not None
