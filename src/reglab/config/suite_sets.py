"""The data sets of the suite: params.yaml with a profile and the budget of the suite, and the code of its recipes."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

from ruamel.yaml import YAML

from reglab.config import own_data, profiles
from reglab.config.data_section import paths
from reglab.config.packaged import PREFIX, resolved
from reglab.config.params import Params
from reglab.config.stage_code import Code
from reglab.core.errors import UserError
from reglab.core.plain import has_setting
from reglab.core.plain import settings as plain
from reglab.core.wording import Plain
from reglab.experiments.suite.settings import Suite

STAGES = {"tuned": "tune", "cocktails": "cocktail", "baselines": "baseline"}  # of dvc.yaml, which run the same code


def load(root: Path, name: str, suite: Suite) -> Params:
    """The settings of a data set; UserError with a line for each problem of its profile."""
    settings = profiles.load(root, name)
    model = settings.model
    if has_setting(model, "width"):
        model = replace(model, width=suite.width)
    tuning = replace(settings.tuning, settings=suite.settings, seeds=suite.search_seeds)
    training = replace(settings.training, epochs=suite.epochs)
    return replace(settings, seeds=suite.seeds, looks=None, model=model, training=training, tuning=tuning)


def depends_on(root: Path, name: str, settings: Params, suite: Suite) -> dict:
    """What decides the records of a data set, as plain values: its settings, those of the recipes, and its files by digest.

    Paths in packages are as the profile has them.
    """
    ingredients = [each for name in suite.cocktails for each in settings.cocktails[name].ingredients]
    used = dict.fromkeys([*suite.recipes, *ingredients])
    return {
        "data": data_as_written(root, name, settings),
        "files": dict(digests(root, plain(settings.data))),
        "settings": {key: plain(getattr(settings, key)) for key in ("seeds", "model", "training", "tuning")},
        "metric": settings.evaluation.metric,
        "regularizers": {name: plain(settings.regularizers[name]) for name in used},
        "recipes": {
            section: {each: plain(getattr(settings, section)[each]) for each in entries}
            for section, entries in suite.sections.items()
        },
        "baselines": plain(suite.baselines),
    }


def data_as_written(root: Path, name: str, settings: Params) -> dict:
    """The plain section `data` of a data set; paths of files in packages as its profile has them, alike on any machine."""
    data = plain(settings.data)
    return data | {key: unresolved(root, name, key, value) for key, value in data.items() if isinstance(value, str)}


def unresolved(root: Path, name: str, key: str, value: str) -> str:
    """The path of a file in a package as the profile names it; another text as it is."""
    given = profile_data(root, name).get(key)
    return given if isinstance(given, str) and given.startswith(PREFIX) and resolved(given) == value else value


def profile_data(root: Path, name: str) -> dict:
    """The plain section `data` of a profile."""
    given = YAML(typ="safe").load((root / "params.yaml").read_text(encoding="utf-8"))
    profile = profiles.read_profile(root, given, name)
    data = profile.get("data") if isinstance(profile, dict) else None
    return data if isinstance(data, dict) else {}


def digests(root: Path, data: Plain) -> Iterator[tuple[str, str]]:
    """The name and the SHA-256 of every file that a plain section `data` reads, in a package too."""
    for key, path in paths(data).items():
        for name, file in own_data.files(root, path):
            yield f"{key}/{name}", file_digest(file)


@cache
def file_digest(file: Path) -> str:
    with open(file, "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


class SetCode:
    """The code that the recipes of a data set run."""

    def __init__(self, root: Path, name: str) -> None:
        given = YAML(typ="safe").load(profiles.merged(root / "params.yaml", name))
        self.code = Code(root, given)
        self.own = self.code.closure([self.code.package / "experiments" / "suite" / "trainings.py"])

    def listing(self, section: str, recipe: str) -> str:
        """As `Code.listing`; UserError for a recipe that the profile lacks."""
        stage = f"{STAGES[section]}@{recipe}"
        if stage not in self.code.items:
            raise UserError(f"params.yaml: suite: found {recipe}; allowed: an entry of {section} of every data set")
        return self.code.lines(self.code.files(stage) | self.own)

    def digest(self, section: str, recipe: str) -> str:
        return hashlib.sha256(self.listing(section, recipe).encode()).hexdigest()

    def whole(self, suite: Suite, script: Path) -> str:
        """The listing of all recipes and of the script that runs them."""
        files = set(self.code.closure([script]))
        for section, names in suite.sections.items():
            for recipe in names:
                if f"{STAGES[section]}@{recipe}" in self.code.items:
                    files |= self.code.files(f"{STAGES[section]}@{recipe}")
        return self.code.lines(files)


def written(content: dict) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def own_sets(root: Path, suite: Suite) -> list[str]:
    """The data sets of the user's own: those whose profile reads a file that no package ships."""
    own = []
    for name in suite.sets:
        given = paths(profile_data(root, name))
        if given and not any(path.startswith(PREFIX) for path in given.values()):
            own.append(name)
    return own
