"""The suite of a smaller study: that of params.yaml as far as its profile names one, and what it needs of the checkout."""

from reglab.config.references import SIDES, mapping
from reglab.core.wording import Plain


def without_suite(given: dict) -> dict:
    """The plain params without the suite and the claims over it."""
    given = {section: value for section, value in given.items() if section != "suite"}
    return without_claims(given, list(over_suite(given)))


def with_its_suite(whole: dict, given: dict, profile: Plain) -> dict:
    """The plain params with their suite where the profile names it, and the profiles among its data sets; else without."""
    if not isinstance(profile, dict) or not isinstance(profile.get("suite"), dict):
        return without_suite(whole)
    sets = profile["suite"].get("sets") or mapping(given, "suite").get("sets") or []
    entries = mapping(given, "profiles")
    return whole | {"profiles": {each: entries[each] for each in sets if isinstance(each, str) and each in entries}}


def pruned_suite(whole: dict, profile: Plain) -> dict:
    """The plain params of a smaller study, their suite without the baselines that are null there, and without the claims of
    params.yaml about recipes or data sets that it has not."""
    suite = whole.get("suite")
    if not isinstance(suite, dict):
        return whole
    baselines = {name: ranges for name, ranges in mapping(suite, "baselines").items() if ranges is not None}
    suite = suite | {"baselines": baselines}
    recipes = {name for key in ("recipes", "cocktails", "baselines") for name in suite.get(key) or ()}
    sets = set(suite.get("sets") or ())
    absent = [
        name
        for name, claim in over_suite(whole).items()
        if name not in mapping(profile, "claims")
        and not ({claim.get(side) for side in SIDES} <= recipes and set(claim.get("sets") or ()) <= sets)
    ]
    return without_claims(whole | {"suite": suite}, absent)


def over_suite(given: dict) -> dict[str, dict]:
    """The plain claims over the suite."""
    return {name: claim for name, claim in mapping(given, "claims").items() if "over" in mapping(claim)}


def without_claims(given: dict, absent: list[str]) -> dict:
    """The plain params without these claims."""
    if not absent:
        return given
    return given | {"claims": {name: each for name, each in given["claims"].items() if name not in absent}}


def data_sets(given: dict) -> list[str]:
    """The names of the suite's data sets, as far as they are names."""
    return [name for name in mapping(given, "suite").get("sets") or [] if isinstance(name, str)]
