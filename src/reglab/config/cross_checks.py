"""Checks one section of params.yaml against another."""

from difflib import get_close_matches
from math import isfinite, sqrt

from reglab.config.pretext_checks import check_pretext_searches
from reglab.config.problems import Key, Problems, at_places, is_named
from reglab.config.references import mapping, missing, references
from reglab.config.stacks import check_stacks
from reglab.config.suite_section import check_suite
from reglab.config.training_checks import check_training
from reglab.core.families import FAMILIES, sections
from reglab.core.plain import entry_name, has_setting
from reglab.core.redaction import has_secret
from reglab.core.registry import BASES, names
from reglab.core.wording import Plain, nearest, one_of, shown
from reglab.evaluation.metric_names import DECIDES, better, metric_names, over, relevance
from reglab.evaluation.metric_table import DECIDING
from reglab.experiments.few_labels.settings import reference_of
from reglab.experiments.robustness.settings import Attack
from reglab.experiments.tuning.settings import points

# A topic may have the name of the technique it explains, and a sweep has that of its technique; the keys of the others are
# names of folders, families, pairs and claims, or of files that are no part of a study.
OTHER_NAMES = (
    *sections(has_own_names=False),
    *("comparisons", "claims", "suite_claims", "profiles", "metrics", "report_sections"),
)


def check_references(given: dict, problems: Problems) -> None:
    """Report a missing entry once, with the places that name it; references to unreadable sections are not reported."""
    for reference in references(given):
        if not all(isinstance(given.get(section), dict) for section in reference.sections):
            problems.reported.setdefault(reference.place)
    for name, places in missing(given).items():
        section, *others = min((reference.sections for reference in places), key=len)
        if home := next((each for each in BASES if each in given and others and name in names(each)), None):
            section, others = home, []
        odd = set(given[section]) - set(names(section)) if not others and section in BASES else ()
        elsewhere = name == "none" or get_close_matches(name, odd, n=1)  # reported as an entry that is spelled wrong
        if len(places) == 1 and not elsewhere:
            continue  # reported at its place
        if not elsewhere:
            key = places[0].place if others else (section, name)
            found = f'no entry "{name}"' if others else "no such entry"
            alike = [entry for each in places[0].sections for entry in given[each]] if others else list(given[section])
            problems.add(
                key,
                f"{found}, but these name it: {at_places([reference.place for reference in places])}",
                f"such an entry, or none of these places (reglab repro --only takes them out){nearest(name, alike)}",
            )
        problems.reported |= dict.fromkeys(reference.place for reference in places)


def check_across(given: dict, values: dict, problems: Problems) -> None:
    """Add a line for each contradiction between sections."""
    regularizers = given.get("regularizers")
    if isinstance(regularizers, dict) and "none" not in regularizers:
        problems.add(("regularizers", "none"), "no such entry", "none: {}, with which every recipe is compared")
    owners: dict[str, str] = {}
    for family, entries in values.items():
        for name in entries if isinstance(entries, dict) and family not in OTHER_NAMES else ():
            if owners.setdefault(name, family) != family:
                problems.write((family, name), f"a name that {owners[name]} has already", "a name of its own")
    check_tracking(given.get("tracking"), problems)
    check_training(values, problems)
    check_relevant(values, problems)
    check_sizes(values, problems)
    check_used(given, values, problems)
    check_representations(values, problems)
    check_searches(given, values, problems)
    check_pretext_searches(given, values, problems)
    check_recipes(values, problems)
    check_declared(values, problems)
    check_ensembles(values, problems)
    check_stacks(values, problems)
    check_theory(values.get("theory") or {}, problems)
    check_suite(values, problems)
    for family, attack in (values.get("attacks") or {}).items():
        check_attack(("attacks", family), attack, mapping(given, "attacks", family), values, problems)
    data, vote = given.get("data"), values.get("baselines", {}).get("k_nearest_neighbours")
    size = data.get("train_size") if isinstance(data, dict) else None
    if vote and type(size) is int and vote.n_neighbors > size >= 1:
        key = ("baselines", "k_nearest_neighbours", "n_neighbors")
        problems.add(key, shown(vote.n_neighbors), f"at most {size}, the data.train_size")


def check_tracking(given: Plain, problems: Problems) -> None:
    """No password stands in params.yaml, for git, dvc.lock, `dvc exp show` and the report would all repeat it."""
    uri = given.get("uri") if isinstance(given, dict) else None
    if isinstance(uri, str) and has_secret(uri):
        allowed = "an address without one, or null: set MLFLOW_TRACKING_URI to the whole address instead"
        problems.add(("tracking", "uri"), "a password or a token, which git and dvc.lock would keep", allowed)


def check_sizes(values: dict, problems: Problems) -> None:
    """R² compares with the mean of the targets, so that one example has none."""
    data, evaluation = values.get("data"), values.get("evaluation")
    if not data or not evaluation or evaluation.metric != "r2":
        return
    for key in ("validation_size", "test_size"):
        if getattr(data, key) < 2:
            problems.add(("data", key), "1 with evaluation.metric: r2, which one example does not have", "2 or more")


def check_relevant(values: dict, problems: Problems) -> None:
    """What is relevant of a metric with a range is less than the range; of R² less than 1, for it has no lower end."""
    evaluation = values.get("evaluation")
    if not evaluation or not evaluation.relevant_difference:
        return
    about = DECIDING[evaluation.metric]
    width = about.high - about.low if isfinite(about.high - about.low) else about.high
    if evaluation.relevant_difference >= width:
        allowed = f"less than {width:g}, for {about.name} is {about.low:g} to {about.high:g}"
        problems.add(("evaluation", "relevant_difference"), f"{evaluation.relevant_difference:g}", allowed)


def check_used(given: dict, values: dict, problems: Problems) -> None:
    """What a stage cannot do without: a policy for few labels, something to attack."""
    learners = [section for section in ("pretraining", "transfer", "semi_supervised") if given.get(section)]
    if learners and isinstance(given.get("augmentation"), dict) and "study" not in given["augmentation"]:
        allowed = f"study: {{}}, which changes nothing, or some strengths, for the entries under {learners[0]}"
        problems.add(("augmentation", "study"), "no such entry", allowed)
    for family in values.get("attacks") or {}:
        entries = values.get(family) or {}
        if isinstance(given.get(family), dict) and not [
            entry for entry in entries.values() if not getattr(entry, "classes", None)
        ]:
            problems.add(
                ("attacks", family), f"nothing under {family} to attack", f"an entry there, or no attacks.{family}"
            )


def check_ensembles(values: dict, problems: Problems) -> None:
    """Members that are chosen among the recipes are no more than these; those that are built have a model to vary."""
    recipes, model = values.get("regularizers") or {}, values.get("model")
    for name, ensemble in (values.get("ensembles") or {}).items():
        if ensemble and ensemble.gathers and recipes and ensemble.members > len(recipes):
            allowed = f"at most {len(recipes)}, the recipes under regularizers of which it chooses"
            problems.add(("ensembles", name, "members"), shown(ensemble.members), allowed)
        for setting in ("width", "depth"):
            if ensemble and model and has_setting(ensemble, setting) and not has_setting(model, setting):
                found = f"a model without a {setting}, {entry_name(model)}"
                problems.add(("ensembles", name, setting), found, f"a model that has one, or no ensembles.{name}")


def check_theory(topics: dict, problems: Problems) -> None:
    """The circle of the Lagrangian's topic reaches its line, as the topic itself asks."""
    drawn = topics.get("lagrangian")
    if drawn and drawn.radius < (least := 1.01 * drawn.total / sqrt(2)):
        allowed = f"at least {least:.4g}, 1.01 times the distance of the line w1 + w2 = {drawn.total:g} from the origin"
        problems.add(("theory", "lagrangian", "radius"), shown(drawn.radius), allowed)


def check_representations(values: dict, problems: Problems) -> None:
    """What `transfer` starts from and is compared with; counts of labelled examples rise and do not exceed the data."""
    pretexts, transfers = values.get("pretraining") or {}, values.get("transfer") or {}
    for name, entry in transfers.items():
        if not entry or not is_named(("transfer", name, "start"), entry.start, list(pretexts), problems):
            continue
        networks = [pretext for pretext, of in pretexts.items() if of and of.source != "text" and of.transferable]
        if entry.start not in networks and (start := pretexts[entry.start]):
            what = "a pretext on text" if start.source == "text" else "which has no network of its own"
            problems.add(("transfer", name, "start"), f"{entry.start}, {what}", one_of(networks))
        learned = getattr(pretexts[entry.start], "classes", 0)
        if learned and min(entry.classes or (0,)) < learned:
            allowed = f"classes from {learned} on: those below have taught {entry.start}, labels and all"
            problems.add(("transfer", name, "classes"), shown(entry.classes and list(entry.classes)), allowed)
        if entry.classes and len(set(entry.classes)) < len(entry.classes):
            problems.add(("transfer", name, "classes"), shown(list(entry.classes)), "each class once")
        if reference_of(entry, transfers) is None:
            wanted = {"start": "scratch"} | ({"classes": list(entry.classes)} if entry.classes else {})
            found = "no entry that starts from scratch, augmented, on the same classes"
            problems.add(("transfer", name), found, f"one beside it to compare with: {shown(wanted)}")
    for section, key in (("few_labels", "labels_per_class"), ("few_scenes", "labelled")):
        if few := values.get(section):
            variants = list(getattr(few, key))
            if variants != sorted(set(variants)):
                problems.add((section, key), shown(variants), "numbers that rise")
    few, scenes = values.get("few_scenes"), values.get("scenes")
    if few and scenes and max(few.labelled) > scenes.train_size:
        found, allowed = shown(max(few.labelled)), f"at most {scenes.train_size}, the scenes.train_size"
        problems.add(("few_scenes", "labelled"), found, allowed)


def check_searches(given: dict, values: dict, problems: Problems) -> None:
    """Every technique is tuned with the same budget, on seeds that there are; what is varied is there too."""
    sweeps = {name: len(points(grid)) for name, grid in (values.get("sweeps") or {}).items() if grid}
    for name, count in sweeps.items():
        if count != (first := next(iter(sweeps.values()))):
            allowed = f"{first}, as many as {next(iter(sweeps))} has: the same budget for every technique"
            problems.add(("sweeps", name), f"{count} settings to try", allowed)
    seeds, tuning = values.get("seeds"), values.get("tuning")
    trained = tuning.seeds if tuning else mapping(given, "tuning").get("seeds")  # also beside what is wrong there
    if seeds and type(trained) is int and trained > seeds:
        problems.add(("tuning", "seeds"), shown(trained), f"at most {seeds}, the seeds that are trained")
    if tuning and not tuning.learning_rate[0] < tuning.learning_rate[1]:
        problems.add(("tuning", "learning_rate"), shown(list(tuning.learning_rate)), "two numbers, the lower first")
    if values.get("tuned") and "none" not in values["tuned"]:
        problems.add(("tuned", "none"), "no such entry", "none: {}, with which every tuned recipe is compared")


def check_recipes(values: dict, problems: Problems) -> None:
    """Check the lists of recipes: each exists and stands there once; then let each family check its own section."""
    for family in FAMILIES:
        section = values.get(family.section) if family.recipes_of else None
        if not section:
            continue
        choices = ["none", *(name for other in family.recipes_of for name in values.get(other) or () if name != "none")]
        for place, recipe in enumerate(section.recipes):
            is_named((family.section, "recipes", place), recipe, choices, problems)
        if len(set(section.recipes)) < len(section.recipes):
            problems.add((family.section, "recipes"), shown(list(section.recipes)), "each recipe once")
        for key, found, allowed in section.problems(values):
            problems.add((family.section, *key), found, allowed)


def check_declared(values: dict, problems: Problems) -> None:
    """Pairs and claims are about entries that train over seeds, by numbers that the records of both will hold."""
    known = {name: metrics for name, (_, metrics) in metric_names(values).items()}
    decides = values["evaluation"].rule["metric"] if values.get("evaluation") else DECIDES
    for section in ("comparisons", "claims"):
        for name, declared in (values.get(section) or {}).items():
            if not declared:
                continue
            key, other = (section, name), getattr(declared, "versus_metric", None)
            sides = {"recipe": declared.recipe, "versus": declared.versus}
            entries = {side: entry for side, entry in sides.items() if isinstance(entry, str)}
            if not all([is_named((*key, side), entry, list(known), problems) for side, entry in entries.items()]):
                continue
            metrics = known[declared.recipe]
            if section == "comparisons":
                metrics = [metric for metric in metrics if over(metric) == "seeds" and better(metric)]
            if "versus" in entries and not other:
                metrics = [metric for metric in metrics if metric in known[declared.versus]]
            if not is_named((*key, "metric"), declared.metric, metrics, problems):
                continue
            if getattr(declared, "direction", "") == "same" and not (
                declared.margin or relevance(declared.metric, 1.0, decides)
            ):
                allowed = "a number: evaluation.relevant_difference is of the metric that decides and of fractions"
                problems.add((*key, "margin"), f"no margin for {declared.metric}", allowed)
            if "versus" not in entries:
                if other:
                    problems.add((*key, "versus_metric"), shown(other), "nothing beside a number")
            elif declared.recipe == declared.versus and other in (None, declared.metric):
                problems.add(
                    (*key, "versus"), f"{declared.versus}, the recipe itself", "another entry, or versus_metric"
                )
            elif other:
                alike = [metric for metric in known[declared.versus] if over(metric) == over(declared.metric)]
                is_named((*key, "versus_metric"), other, alike, problems)


def check_attack(key: Key, attack: Attack | None, given: dict, values: dict, problems: Problems) -> None:
    """Its epsilons rise, and it asks for no more seeds than there are, also where another setting is wrong (None)."""
    if attack and list(attack.epsilons) != sorted(set(attack.epsilons)):
        problems.add((*key, "epsilons"), shown(list(attack.epsilons)), "numbers that rise")
    seeds, attacked = values.get("seeds"), attack.seeds if attack else given.get("seeds")
    if seeds and type(attacked) is int and attacked > seeds:
        problems.add((*key, "seeds"), shown(attacked), f"at most {seeds}, the seeds that are trained")
