"""Checks the suite before any work: profiles, recipes that apply to no data set, rows that two data sets share."""

from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import numpy as np

from reglab.config import profiles, suite_sets
from reglab.config.machine_checks import machine_problems
from reglab.config.params import Params
from reglab.config.shared_rows import row_digests, shared
from reglab.config.usable_examples import loaded, metric_problems
from reglab.config.usable_structure import load_checked
from reglab.config.yaml_source import read
from reglab.core.errors import UserError
from reglab.core.plain import entry_name
from reglab.core.wording import unknown
from reglab.experiments.applicability import Facts, facts_of_examples, needs_of, not_applicable
from reglab.experiments.suite.settings import Suite
from reglab.experiments.suite.tries import reason

SHARED = 0.05  # of the rows of the smaller set: above it two sets are not independent


def check(root: Path, suite: Suite, note: Callable[[str], object] = str) -> dict[str, Params]:
    """The settings of each data set, by the profiles of `root`; UserError with a line for each problem.

    `note` gets a line for each data set that cannot be read, which is no problem of the others.
    """
    sets, lines = {}, []
    if not suite.sets:
        allowed = "the names of at least two profiles; a profile of a smaller study has a suite of its own"
        raise UserError(f"params.yaml: suite.sets: found no data sets; allowed: {allowed}")
    known = profiles.names(root, read(root / "params.yaml")[0])
    for name in suite.sets:
        if name not in known:
            lines += unknown("params.yaml: suite.sets", name, known).lines
            continue
        try:
            sets[name] = suite_sets.load(root, name, suite)
        except UserError as error:
            lines += error.lines
    for name, settings in sets.items():
        lines += lacking(name, settings, suite)
    if not lines:
        lines = data_problems(root, sets, suite, note)
    if lines:
        raise UserError(*lines)
    return sets


def lacking(name: str, settings: Params, suite: Suite) -> list[str]:
    """A line for each recipe of the suite that a profile has taken out."""
    return [
        f"profiles/{name}.yaml: {section}: found no {recipe}, which suite names; allowed: a profile that keeps it"
        for section, recipes in suite.sections.items()
        for recipe in recipes
        if recipe not in getattr(settings, section)
    ]


def data_problems(root: Path, sets: dict[str, Params], suite: Suite, note: Callable[[str], object]) -> list[str]:
    """Lines about settings that do not go with the data of a set, about recipes that apply to no data set, and about data
    sets that share rows.

    A data set that cannot be read is left to its stage, which shows the reason in its place.
    """
    facts, rows, lines = {}, {}, []
    for name, settings in sets.items():
        place = profiles.where(root, name)
        try:
            examples = loaded(settings.data, load_checked)
        except UserError as error:
            why = " ".join(line.replace("params.yaml: ", place, 1) for line in error.lines)
            note(f"params.yaml: suite.sets: {name} will be left out: {why}")
            continue
        facts[name] = facts_of_examples(examples.inputs, examples.targets, settings.data.train_size)
        rows[name] = row_digests(examples)
        unfit = unfit_settings(settings, facts[name], examples.targets)
        lines += [line.replace("params.yaml: ", place, 1) for line in unfit]
    for recipe in suite.names if facts else ():
        reasons = {name: reason(sets[name], suite, recipe, known) for name, known in facts.items()}
        if all(reasons.values()):
            first, why = next(iter(reasons.items()))
            found = f"{recipe}, which is applicable to none of the data sets (on {first}: {why})"
            lines.append(f"params.yaml: suite: found {found}; allowed: a recipe that is applicable to one of them")
    for one, two in combinations(rows, 2):
        share = shared(rows[one], rows[two])
        if share > SHARED or same_file(sets[one], sets[two]):
            found = f"{one} and {two}, which share rows" + (f" ({share:.0%} of the smaller)" if share else "")
            lines.append(f"params.yaml: suite.sets: found {found}; allowed: one of the two, for no row may count twice")
    return lines


def unfit_settings(settings: Params, facts: Facts, targets: np.ndarray) -> Iterator[str]:
    """A line for each setting of a data set that neither its data nor this machine can serve: metric, network, devices."""
    yield from metric_problems(settings.evaluation.metric, targets)
    if why := not_applicable(needs_of(settings.model), facts, settings.model):
        yield f"params.yaml: model.name: found {entry_name(settings.model)}, which {why}; allowed: another model"
    yield from machine_problems(settings.training)


def same_file(one: Params, two: Params) -> bool:
    """Whether both read the same file, whose columns they may use in other ways."""
    names = [
        {str(getattr(each.data.source, key)) for key in each.data.source.paths if getattr(each.data.source, key)}
        for each in (one, two)
        if each.data.source is not None
    ]
    return len(names) == 2 and bool(names[0] & names[1])
