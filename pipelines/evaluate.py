"""Stage `evaluate`: every record against `none`, paired over seeds -> reports/metrics.json."""

import stage


def main() -> None:
    import json
    import sys
    from dataclasses import asdict
    from pathlib import Path

    from reglab import params
    from reglab.evaluation.by_metric import compare_metrics
    from reglab.evaluation.comparison import compare, too_few_seeds
    from reglab.evaluation.questions import questions
    from reglab.report.collect import by_family, collect

    settings = params.load()
    records = by_family(collect(Path("runs"), settings.expected()))
    if warning := too_few_seeds(records, settings.evaluation.confidence):
        print(warning, file=sys.stderr)
    rows = compare(records, **asdict(settings.evaluation))
    for question in questions(settings):
        for family, found in compare_metrics(records, question, **asdict(settings.evaluation)).items():
            rows.setdefault(family, {}).update(found)
    Path("reports").mkdir(exist_ok=True)
    Path("reports/metrics.json").write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    stage.run(main)
