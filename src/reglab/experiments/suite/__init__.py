"""The suite: recipes over many data sets, each tuned with the same budget.

It is no family of the study: its data sets are profiles, and it has a pipeline, records and a page of its own
(suite/dvc.yaml, suite/runs, reports/suite.html).
"""

FAMILIES = ()
