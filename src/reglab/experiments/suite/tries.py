"""What is tried for each recipe of the suite: as many settings for a technique, a cocktail or a classical method."""

from dataclasses import dataclass, replace
from typing import Any, Literal

from reglab.core.streams import seed_of
from reglab.experiments.applicability import Facts, needs_of, not_applicable, too_large
from reglab.experiments.suite.settings import Suite
from reglab.experiments.tuning.cocktail import with_ingredients
from reglab.experiments.tuning.ranges import shares, value_at
from reglab.experiments.tuning.settings import SHARED, Ranges, Settings
from reglab.experiments.tuning.tuned import proposals, with_settings
from reglab.regularizers.early_stopping import EarlyStopping
from reglab.training.one_seed import Recipe
from reglab.training.regularizer import Regularizer, name

Kind = Literal["tuned", "cocktail", "classical"]
KINDS: dict[str, Kind] = {"tuned": "tuned", "cocktails": "cocktail", "baselines": "classical"}  # by section


@dataclass(frozen=True)
class SearchedRecipe:
    """A recipe with the `settings` that are tried, and what each makes: a `Recipe`, or a classical method.

    `techniques` by name, in order of application; `ranges`: what varies, as params.yaml has it.
    """

    name: str
    kind: Kind
    techniques: dict[str, Any]
    ranges: dict
    settings: list[Settings]
    tries: list[Any]


def kind_of(suite: Suite, recipe: str) -> Kind:
    return KINDS[suite.section_of(recipe)]


def reason(settings, suite: Suite, recipe: str, facts: Facts) -> str:
    """Why a recipe is not applicable to data and network; "" where it is. `settings` are the `Params` of the data set.

    A cocktail is searched over the ingredients that are applicable, unless fewer than two are left.
    """
    kind = kind_of(suite, recipe)
    if kind == "cocktail":
        known = settings.cocktails[recipe].ingredients
        left = applicable_ingredients(settings, recipe, facts)
        return "" if len(left) > 1 else f"{len(left)} of {len(known)} ingredients are applicable"
    part = settings.regularizers[recipe] if kind == "tuned" else settings.baselines[recipe]
    return not_applicable(needs_of(part), facts, settings.model) or too_large(part, facts)


def applicable_ingredients(settings, cocktail: str, facts: Facts) -> dict[str, Ranges]:
    return {
        ingredient: ranges
        for ingredient, ranges in settings.cocktails[cocktail].ingredients.items()
        if not not_applicable(needs_of(settings.regularizers[ingredient]), facts, settings.model)
    }


def candidate(settings, suite: Suite, recipe: str, facts: Facts) -> SearchedRecipe:
    """The candidate of an applicable recipe; `settings` are the `Params` of the data set with the budget of the suite."""
    kind = kind_of(suite, recipe)
    if kind == "classical":
        return classical(recipe, settings.baselines[recipe], suite.baselines[recipe], suite.settings)
    best_epoch = EarlyStopping(patience=settings.training.epochs)  # trains every epoch and keeps the best one's weights
    last = {name(best_epoch): best_epoch}
    if kind == "tuned":
        techniques = {recipe: settings.regularizers[recipe]} | last
        whole = Recipe(tuple(techniques.values()), settings.model, settings.training)
        tries = proposals(recipe, settings.tuned[recipe], settings.tuning, whole)
        made = [with_settings(whole, each) for each in tries]
        return SearchedRecipe(recipe, kind, techniques, settings.tuned[recipe], tries, made)
    ingredients = applicable_ingredients(settings, recipe, facts)
    base = {each: settings.regularizers[each] for each in ingredients}
    whole = Recipe((best_epoch,), settings.model, settings.training)
    tries = subsets(base, ingredients, settings.tuning, whole)
    made = [with_ingredients(whole, base, each) for each in tries]
    return SearchedRecipe(recipe, kind, base | last, ingredients, tries, made)


def subsets(base: dict[str, Regularizer], ingredients: dict[str, Ranges], tuning, recipe: Recipe) -> list[Settings]:
    """The cocktails that are tried: which ingredients are in, half of the time each, how strong they are, and the training.

    Evenly spread as the settings of one technique are (`tuned.proposals`), at the same learning rates.
    """
    varied: list[tuple[str, str, tuple]] = [(SHARED, setting, values) for setting, values in tuning.ranges.items()]
    for ingredient, ranges in ingredients.items():
        varied += [(ingredient, "", (0.0, 1.0)), *((ingredient, setting, ranges[setting]) for setting in ranges)]
    shifts = [seed_of("tuned", of, setting) / 2**32 for of, setting, _ in varied]
    tries = []
    for point in shares(len(varied), tuning.settings, shifts):
        settings: Settings = {SHARED: {}}
        for (of, setting, values), share in zip(varied, point, strict=True):
            if not setting:
                settings |= {of: {}} if share >= 0.5 else {}
            elif of in settings:
                whole = type(getattr(recipe.training if of == SHARED else base[of], setting)) is int
                settings[of][setting] = value_at(share, tuple(values), whole=whole)
        tries.append(settings)
    return tries


def classical(method: str, baseline: Any, ranges: Ranges, count: int) -> SearchedRecipe:
    """A classical method over its ranges; one without ranges is tried as it is."""
    if not ranges:
        return SearchedRecipe(method, "classical", {method: baseline}, {}, [{method: {}}], [baseline])
    shifts = [seed_of("tuned", method, setting) / 2**32 for setting in ranges]
    tries = []
    for point in shares(len(ranges), count, shifts):
        settings = {}
        for (setting, values), share in zip(ranges.items(), point, strict=True):
            settings[setting] = value_at(share, tuple(values), whole=type(getattr(baseline, setting)) is int)
        tries.append({method: settings})
    made = [replace(baseline, **each[method]) for each in tries]
    return SearchedRecipe(method, "classical", {method: baseline}, ranges, tries, made)
