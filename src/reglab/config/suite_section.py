"""Checks the section `suite`, and the claims over it, against the other sections of params.yaml."""

from reglab.config.problems import Problems, is_named
from reglab.core.wording import Plain, shown
from reglab.evaluation.settings import Claim
from reglab.experiments.suite.settings import Suite
from reglab.experiments.suite.suite_claim import SuiteClaim


def claim_class(given: Plain) -> type[Claim | SuiteClaim]:
    """Of a plain entry of `claims`: one that says `over` is about the suite."""
    return SuiteClaim if isinstance(given, dict) and "over" in given else Claim


def split_claims(claims: dict[str, Claim | SuiteClaim | None]) -> tuple[dict[str, Claim], dict[str, SuiteClaim]]:
    """The claims about the study and those over the suite; None, a claim with problems, is one of the study."""
    over = {name: claim for name, claim in claims.items() if isinstance(claim, SuiteClaim)}
    return {name: claim for name, claim in claims.items() if name not in over}, over


def check_suite(values: dict, problems: Problems) -> None:
    """The suite's lists agree with each other, and name what is there, with ranges of settings that it has; so do claims."""
    suite = values.get("suite")
    if not suite:
        return
    for key, found, allowed in suite.problems():
        problems.write(("suite", *key), found, allowed)
    for section, names in suite.sections.items():
        for name in dict.fromkeys(names):
            key = ("suite", "recipes" if section == "tuned" else section, name)
            is_named(key, name, list(values.get(section) or ()), problems)
    for name, ranges in suite.baselines.items():
        method = (values.get("baselines") or {}).get(name)
        for setting, given in ranges.items():
            key = ("suite", "baselines", name, setting)
            if method and is_named(key, setting, list(vars(method)), problems):
                numbers = [value for value in given if type(value) in (int, float)]
                if len(given) < 2 or (numbers and (len(numbers) != 2 or len(given) != 2 or numbers[0] >= numbers[1])):
                    allowed = "two numbers, the lower first, or words of which one is chosen"
                    problems.add(key, shown(list(given)), allowed)
    check_claims(values.get("suite_claims") or {}, suite, problems)


def check_claims(claims: dict[str, SuiteClaim], suite: Suite, problems: Problems) -> None:
    """Claims over the suite are about its recipes and data sets; where there is no suite, nothing is claimed."""
    for name, claim in claims.items() if suite.sets else ():
        for key, found, allowed in claim.problems(suite):
            problems.write(("claims", name, *key), found, allowed)
