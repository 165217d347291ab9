"""MLflow as a mirror: written from the journal while a training runs, completed from records, never read back.

    store.py      one MLflow experiment: where it is, created once, found, filled
    content.py    what a run shows: names, params, tags, metrics, notes (pure functions of a record)
    curves.py     curves from the journal or the record, their bands over seeds, the picture
    recipe.py     the runs of one recipe: found again after a kill, filled, ended
    trials.py     what a sweep or a cocktail tried: nested runs with settings and validation numbers
    passes.py     `mirror` (journal to MLflow, live) and `sync_all` (records to MLflow, what it lacks)
    ui.py         `reglab ui`: MLflow's pages, on a free port
    follower.py   `start_follower`: the one process that mirrors while stages train; it ends by itself

No other package of reglab imports mlflow, and this one only inside functions: its import takes two seconds.
"""

from reglab.tracking.mirror.follower import following, start_follower
from reglab.tracking.mirror.sync import sync_all

__all__ = ["following", "start_follower", "sync_all"]
