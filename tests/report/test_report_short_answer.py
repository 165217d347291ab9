"""The end of a run: three lines, plain text, what worries behind them; and where the report is."""

from conftest import SETTINGS

from reglab.report.collect import collect
from reglab.report.short_answer import counted, short_answer
from reglab.runtime.outcome import outcome


def claims(**verdicts: str) -> dict:
    return {name: {"verdict": verdict} for name, verdict in verdicts.items()}


def test_the_answer_is_three_lines_of_plain_text(study):
    runs, expected, metrics = study
    result = collect(runs, [entry for entry in expected if entry[1] != "clipping"])
    text = short_answer(result, metrics | {"claims": claims(a="supported", b="cannot tell", c="supported")}, SETTINGS)
    first, recipes, lecture = text.splitlines()
    assert "dropout_and_input_noise helps most" in first and "points" in first
    assert recipes == "10 recipes against none: helps 8, hurts 1, cannot tell 1.", "the control is none of them"
    assert lecture == "3 declared claims: supported 2, cannot tell 1."
    assert "<" not in text and "\u00a0" not in text and "&" not in text


def test_what_should_worry_stands_behind_them(study):
    runs, expected, metrics = study
    text = short_answer(collect(runs, expected), metrics, SETTINGS)
    assert any(line.startswith("Diverged: clipping (in ") for line in text.splitlines()[2:])


def test_verdicts_are_counted_in_order_and_unknown_ones_are_not_lost():
    assert counted(["new", "hurts", "helps", "hurts"], ("helps", "hurts", "diverged")) == "helps 1, hurts 2, new 1"


def test_an_experiment_in_a_workspace_that_dvc_deletes_says_how_to_get_its_report(tmp_path, monkeypatch):
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "answer.txt").write_text("On digits, dropout helps.\n")
    monkeypatch.setenv("DVC_EXP_NAME", "softer")
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "checkout"))
    assert outcome(tmp_path).endswith("dvc exp apply softer brings it into the checkout")
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    assert "index.html" in outcome(tmp_path)


def test_a_run_ends_with_the_answer_and_the_path_of_the_report(tmp_path, monkeypatch):
    monkeypatch.delenv("DVC_ROOT", raising=False)
    assert outcome(tmp_path) == "There is no report yet; dvc repro makes it."
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "answer.txt").write_text("On digits, dropout helps.\n")
    assert outcome(tmp_path).splitlines() == [
        "On digits, dropout helps.",
        f"The report: {tmp_path / 'reports' / 'index.html'}   (open it in a browser)",
    ]
