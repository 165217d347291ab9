"""MLflow as a mirror: written from the journal while a training runs, completed from records, never read back.

    store.py            one MLflow experiment: opening it, finding and filling its runs
    content.py          the content of a run: names, params, tags, metrics, notes (pure functions of a record)
    learning_curves.py  curves from the journal or the record, their bands over seeds, the picture
    runs.py             the runs of one recipe: found again after a kill, filled, ended
    trials.py           the trials of a tuned recipe, a sweep or a cocktail: nested runs with settings and validation numbers
    verdict_tags.py     verdicts as tags of the runs, and the run of the report
    views.py            the description of the experiment and its saved views
    sync.py             `mirror` (journal to MLflow, live) and `sync_all` (records to MLflow, what it lacks)
    follower.py         `start_follower`: the one process that mirrors while stages train; it ends by itself
    models.py           a recipe as an MLflow model, in a folder or kept by the run of its record
    suite_runs.py       the suite: a run for each data set with its recipes below, in an experiment of its own
    suite_views.py      the description of that experiment and its saved views
    ui.py               `reglab ui`: MLflow's pages, on a free port

No other package of reglab imports mlflow, and this one only inside functions: its import takes two seconds.
"""

from reglab.tracking.mirror.follower import following, start_follower
from reglab.tracking.mirror.store import said_later
from reglab.tracking.mirror.sync import sync_all

__all__ = ["following", "said_later", "start_follower", "sync_all"]
