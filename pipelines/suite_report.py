"""Stage `report` of the suite: its records -> reports/suite.json, the page suite.html, and the answer in short, suite.txt."""

import stage


def main() -> None:
    import json
    from pathlib import Path

    from reglab.config import params
    from reglab.config.suite_sets import own_sets
    from reglab.experiments.suite.over_data_sets import evaluate, read
    from reglab.experiments.suite.suite_page import answer, render

    settings, reports = params.load(), Path("reports")
    sets, records = read(Path("suite/runs"), settings.suite)
    own = own_sets(Path.cwd(), settings.suite)
    confidence = settings.evaluation.confidence
    results = evaluate(settings.suite, settings.suite_claims, sets, records, own, confidence)
    reports.mkdir(exist_ok=True)
    (reports / "suite.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    (reports / "suite.html").write_text(render(results, settings.suite), encoding="utf-8")
    (reports / "suite.txt").write_text(answer(results), encoding="utf-8")


if __name__ == "__main__":
    stage.run(main)
