"""Stage `report`: records and verdicts -> reports/index.html, and reports/curves.csv for dvc plots."""

import stage


def main() -> None:
    import json
    from pathlib import Path

    from reglab import params
    from reglab.report.collect import collect
    from reglab.report.curves import curve_table
    from reglab.report.page import render

    settings = params.load()
    entries = collect(Path("runs"), settings.expected())
    metrics = json.loads(Path("reports/metrics.json").read_text())
    dataset = json.loads(Path("data/study/dataset.json").read_text())
    page = render(entries, metrics, params.settings(settings) | {"dataset": dataset}, Path("params.yaml").read_text())
    Path("reports/index.html").write_text(page, encoding="utf-8")
    Path("reports/curves.csv").write_text(curve_table(entries))


if __name__ == "__main__":
    stage.run(main)
