"""What a small run must have left behind: a record, a report row and MLflow runs for every entry of params.yaml."""

import json
import sqlite3
from pathlib import Path

from reglab.config import params

settings = params.load()
expected = settings.expected()
metrics = json.loads(Path("reports/metrics.json").read_text(encoding="utf-8"))
pages = [Path("reports/index.html"), *sorted(Path("reports/pages").glob("*.html"))]
page = "".join(path.read_text(encoding="utf-8") for path in pages)
for family, name in expected:
    record = json.loads(Path(f"runs/{family}/{name}/record.json").read_text(encoding="utf-8"))
    assert len(record["seeds"]) in (0, settings.seeds), f"{name}: {len(record['seeds'])} seeds"
    assert name in page, f"{name} is not in the report"
    reference = (family, name) == ("regimes", "none")  # with which the other cells are compared
    assert not record["seeds"] or reference or name in metrics[family], f"{family}/{name} is not in metrics.json"
assert metrics["regularizers"]["placebo"]["difference"] == 0, "placebo must be none, bit for bit"

ended = "select t.value, r.name from runs r join tags t on t.run_uuid = r.run_uuid and t.key = 'family'"
runs = (
    sqlite3.connect("mlflow.db")
    .execute(ended + " where r.lifecycle_stage = 'active' and r.status = 'FINISHED'")
    .fetchall()
)
missing = [entry for entry in expected if runs.count(entry) != 1]
assert not missing, f"MLflow has not just one finished run of {missing}"
print(f"{len(expected)} entries, {len(runs)} runs in MLflow: all there")
