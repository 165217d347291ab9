"""The families of experiments, one row each: what is known of a family before any of its code is imported.

A family is its row here, a folder of experiments/, a stage of dvc.yaml and a section of params.yaml. The rows stand in the
order in which records are read and reported.
"""

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
    home: str  # its folder of experiments/
    folder: str = ""  # below src/reglab/, searched by name
    base: str = ""
    settings: str = ""
    compared_with: Literal["none", "reference"] | None = None  # regularizers/none, a reference of its own, or nothing
    classical: bool = (
        False  # a method that a network should beat: corrected for multiple testing apart from the networks
    )
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


FAMILIES = (
    Family(
        section="baselines",
        stage="baseline",
        kind="classical",
        home="baselines",
        folder="experiments/baselines/methods",
        base="reglab.experiments.baselines.base.Baseline",
        compared_with="none",
        classifies=True,
        classical=True,
        marker="^",
    ),
    Family(
        section="regularizers",
        stage="train",
        kind="regularizer",
        home="recipes",
        folder="regularizers",
        base="reglab.training.regularizer.Regularizer",
        compared_with="none",
        classifies=True,
        in_lecture=True,
        marker="o",
        color=0,
    ),
    Family(
        section="combinations",
        stage="combine",
        kind="combination",
        home="recipes",
        compared_with="none",
        classifies=True,
        marker="D",
        color=2,
    ),
    Family(
        section="ensembles",
        stage="ensemble",
        kind="ensemble",
        home="ensembles",
        folder="experiments/ensembles/methods",
        base="reglab.experiments.ensembles.base.Ensemble",
        compared_with="none",
        classifies=True,
        in_lecture=True,
        marker="s",
        color=1,
    ),
    Family(
        section="augmentation",
        stage="augment",
        kind="augmentation",
        home="augmentation",
        settings="reglab.data.augmentation.policy.Policy",
        named_after=("study", "scenes"),  # the folders of data/ that hold images
        has_own_names=False,
        anchor="topic",
        has_own_section=True,
    ),
    Family(
        section="pretraining",
        stage="pretraining",
        kind="pretext",
        home="pretraining",
        folder="experiments/pretraining/methods",
        base="reglab.experiments.pretraining.base.Pretext",
        compared_with="reference",
    ),
    Family(
        section="transfer",
        stage="transfer",
        kind="transfer",
        home="few_labels",
        settings="reglab.experiments.few_labels.settings.Transfer",
        compared_with="reference",
        classifies=True,
    ),
    Family(
        section="semi_supervised",
        stage="semi_supervised",
        kind="semi-supervised",
        home="few_labels",
        folder="experiments/few_labels/methods",
        base="reglab.experiments.few_labels.base.SemiSupervised",
        compared_with="reference",
        classifies=True,
    ),
    Family(
        section="multitask",
        stage="multitask",
        kind="multitask",
        home="multitask",
        folder="experiments/multitask/methods",
        base="reglab.experiments.multitask.base.Multitask",
        compared_with="reference",
        in_lecture=True,
    ),
    Family(
        section="theory",
        stage="theory",
        kind="theory",
        home="theory",
        folder="experiments/theory/topics",
        base="reglab.experiments.theory.base.Topic",
        has_own_names=False,
        anchor="topic",
    ),
    Family(
        section="attacks",
        stage="attack",
        kind="attack",
        home="robustness",
        settings="reglab.experiments.robustness.settings.Attack",
        named_after=("regularizers", "combinations", "ensembles", "transfer"),  # the families that can be attacked
        has_own_names=False,
        anchor="attack",
        has_own_section=True,
    ),
    Family(section="sweeps", stage="sweep", kind="sweep", home="tuning", has_own_names=False),
    Family(section="cocktails", stage="cocktail", kind="cocktail", home="tuning"),
    Family(
        section="regimes",
        stage="regime",
        kind="regime",
        home="regimes",
        settings="reglab.experiments.regimes.settings.Regimes",
        recipes_of=("regularizers",),
        lists_none=True,
    ),
    Family(
        section="variance_sources",
        stage="variance_source",
        kind="variance source",
        home="variance_sources",
        settings="reglab.experiments.variance_sources.settings.VarianceSources",
        recipes_of=("regularizers", "combinations"),
    ),
)
BY_SECTION = {family.section: family for family in FAMILIES}


def sections(**facts) -> tuple[str, ...]:
    """The sections of the families with these facts, such as `sections(compared_with="none")` or `sections(trains=True)`."""
    return tuple(
        family.section for family in FAMILIES if all(getattr(family, fact) == value for fact, value in facts.items())
    )


def stage_name(section: str, entry: str) -> str:
    """The DVC stage that makes the record of an entry, such as train@dropout."""
    return f"{BY_SECTION[section].stage}@{entry}"
