"""Stage `report`: records and verdicts -> index.html and pages/, answer.txt, figures as files, curves for dvc plots."""

import stage


def main() -> None:
    import json
    import shutil
    from pathlib import Path

    from reglab.config import params
    from reglab.core import plain
    from reglab.core.redaction import redact
    from reglab.experiments.pages import render
    from reglab.report.collect import collect
    from reglab.report.curves import curve_table
    from reglab.report.short_answer import short_answer
    from reglab.report.slides import slides
    from reglab.runtime.environment import describe_environment

    settings = params.load()
    entries = collect(Path("runs"), settings.expected())
    metrics = json.loads(Path("reports/metrics.json").read_text(encoding="utf-8"))
    dataset = json.loads(Path("data/study/dataset.json").read_text(encoding="utf-8"))
    given = plain.settings(settings) | {"dataset": dataset}
    text = redact(Path("params.yaml").read_text(encoding="utf-8"))  # a comment may hold an address
    reports = Path("reports")
    shutil.rmtree(reports / "pages", ignore_errors=True)  # a page that the study no longer has must go
    pages = render(entries, metrics, given, text, describe_environment(Path(__file__).parent), settings.report_sections)
    for path, page in pages.items():
        (reports / path).parent.mkdir(parents=True, exist_ok=True)
        (reports / path).write_text(page, encoding="utf-8")
    (reports / "answer.txt").write_text(short_answer(entries, metrics, given), encoding="utf-8")
    figures = reports / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    for name, drawing in slides(entries, metrics, given).items():
        (figures / f"{name}.svg").write_text(drawing, encoding="utf-8")
    (reports / "curves.csv").write_text(curve_table(entries), encoding="utf-8")


if __name__ == "__main__":
    stage.run(main)
