"""Runs the recipes of the suite on one data set and writes their records, or why the data set cannot be used."""

import json
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reglab.core.errors import UserError
from reglab.data import load_examples, prepared
from reglab.data.source import Examples
from reglab.experiments.applicability import described_facts
from reglab.experiments.suite.cached import CachedStage
from reglab.experiments.suite.settings import Suite
from reglab.experiments.suite.trainings import train
from reglab.experiments.suite.tries import candidate, kind_of, reason
from reglab.tracking import checkout, record
from reglab.tracking.stage import StageBuilder

if TYPE_CHECKING:
    from reglab.runtime.compute.elsewhere import Elsewhere

DESCRIPTION = "data_set.json"  # beside the folders of the recipes
DESCRIBED = ("fingerprint", "examples", "task", "classes", "shape", "sizes", "split")  # what it has of dataset.json


def run_set(
    settings,
    suite: Suite,
    name: str,
    data_settings: dict,
    out: Path,
    code_of: Callable[[str, str], str],
    place: str,
    compute: "Elsewhere | None" = None,
    load: Callable[[Any], Examples] = load_examples,
) -> str:
    """Write `<out>/<recipe>/record.json` of every recipe and `<out>/data_set.json`; returns why the data set failed, else "".

    `settings` are the `Params` of the data set with the budget of the suite, `data_settings` their section `data` as records
    hold it; `code_of(section, recipe)` is the digest of the code that a recipe runs; `place` begins a line about a setting;
    `compute` is as that of a `Stage`; `load` reads the examples, UserError where nothing can be learned from them.
    """
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    folder = checkout.root() / ".reglab" / "suite" / "data" / name
    with ExitStack() as at_end:
        at_end.callback(shutil.rmtree, folder, ignore_errors=True)  # trainings read large inputs from the file in it
        try:
            data, description = prepare(settings, name, load(settings.data), folder)
        except UserError as error:
            failed = " ".join(line.replace("params.yaml: ", place, 1) for line in error.lines)
            write(out / DESCRIPTION, {"name": name, "failed": failed})
            return failed
        facts = described_facts(description)
        pairs = []
        for recipe in suite.names:
            if why := reason(settings, suite, recipe, facts):
                not_applicable(out / recipe, recipe, name, description, kind_of(suite, recipe), why)
                continue
            each = candidate(settings, suite, recipe, facts)
            others = {"ranges": each.ranges, "tuning": settings.tuning, "metric": settings.evaluation.metric}
            others |= (settings.shared() if each.kind != "classical" else {}) | {"data": data_settings}
            builder = StageBuilder("suite", recipe, list(range(suite.seeds)), out, settings.processes)
            about = builder.build(data, each.techniques, **others).about
            code = code_of(suite.section_of(recipe), recipe)
            pairs.append((each, CachedStage(about, out, settings.processes, compute=compute, code=code)))
        splits = {seed: data.split(seed) for seed in range(suite.seeds)}
        train(pairs, splits, suite.search_seeds, settings.evaluation.metric, name)
    for each, stage in pairs:
        stage.copy_to(out / each.name)
    about = {"name": name, "metric": settings.evaluation.metric} | {key: description[key] for key in DESCRIBED}
    write(out / DESCRIPTION, about | {"source": settings.data.name})
    return ""


def prepare(settings, name: str, examples: Examples, folder: Path) -> tuple[prepared.Prepared, dict]:
    """The data, prepared in the folder, and what dataset.json says of them; UserError where they cannot be split."""
    given = {"name": name, "class_names": examples.classes, "weights": examples.weights} | examples.structure()
    prepared.write(folder, settings.data, examples.inputs, examples.targets, settings.seeds, **given)
    return prepared.read(folder), prepared.describe(folder)


def not_applicable(folder: Path, recipe: str, name: str, description: dict, kind: str, why: str) -> None:
    """The record of a recipe that data and network do not suit."""
    dataset = {"name": name, "fingerprint": description["fingerprint"]}
    about = {"family": "suite", "name": recipe, "technique": [recipe], "dataset": dataset, "settings": {}}
    record.write(folder, about | {"kind": kind, "seeds": {}, "not_applicable": why})


def write(path: Path, content: dict) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
