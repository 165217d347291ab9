"""What a search has tried, as nested runs with settings and validation numbers: tuned recipes, sweeps, cocktails."""

from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from reglab.tracking.mirror import content
from reglab.tracking.mirror.store import Store

if TYPE_CHECKING:
    from mlflow.entities import Run

TRIAL = "reglab.trial"  # tag: the number of a trial


class Trial(NamedTuple):
    """One trial: params by the names of the recipe, metrics as means over the seeds of the search."""

    params: dict[str, str]
    metrics: dict[str, float]
    chosen: bool


def trials_of(record: dict) -> list[Trial]:
    """The trials in their order; none without a search. A metric is missing if a seed diverged."""
    tried = record.get("tries") or record.get("grid") or record.get("trials") or []
    chosen = (record.get("chosen") or record.get("best") or {}).get("number") if tried else None
    trials = []
    for number, trial in enumerate(tried):
        settings = {record["name"]: trial["settings"]} if "grid" in record else trial["settings"]
        training = {"training": trial["training"]} if "training" in trial else {}
        params = content.params({"settings": settings | training, "seeds": []})
        if "trials" in record:
            params["ingredients"] = ", ".join(settings) or "none"
        metrics = {name: fmean(values) for name, values in trial.items() if listed(values) and None not in values}
        trials.append(Trial(params, metrics, number == chosen))
    return trials


def listed(values: object) -> bool:
    return isinstance(values, list)


def send(store: Store, parent: "Run", record: dict, moment: int) -> None:
    """Create the missing runs; safe to repeat after a kill."""
    trials = trials_of(record)
    if not trials:
        return
    present = store.find(f"tags.kind = 'trial' AND tags.`{content.PARENT}` = '{parent.info.run_id}'")
    known = {run.data.tags[TRIAL]: run for run in present}
    for number, trial in enumerate(trials):
        nesting = {"kind": "trial", "family": record["family"], TRIAL: str(number), content.PARENT: parent.info.run_id}
        shown = {"ingredients": trial.params["ingredients"]} if "ingredients" in trial.params else trial.params
        name = content.run_name(f"{record['name']}/trial-{number}", shown)
        run = known.get(str(number)) or store.create(name, nesting, moment)
        if run.info.status != "FINISHED":
            metrics = [(name, value, moment, 0) for name, value in content.for_display(trial.metrics).items()]
            store.log(run, metrics, trial.params, {"chosen": "yes"} if trial.chosen else {})
            store.end(run, "FINISHED", moment)
