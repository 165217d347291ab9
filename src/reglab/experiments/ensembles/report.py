"""The section on ensembles: metrics by the number of members, and what each member costs."""

from dataclasses import dataclass

from markupsafe import Markup

from reglab.report.collect import Entry, Shown
from reglab.report.drawings import picture
from reglab.report.formats import capital, fixed, percent, significant
from reglab.report.measure import ACCURACY, RMSE, Measure
from reglab.report.study import Placed, Section, Study, body

# Columns of members.csv: heading, what a cell shows, and what the number means.
COLUMNS = {
    "test_accuracy": ("Accuracy %", percent, "On the test examples, mean over seeds"),
    "test_nll": (
        "Loss",
        lambda x: fixed(x, 3),
        "Negative log-likelihood in nats: minus the log-likelihood of an example",
    ),
    "test_ece": (
        "Calibration",
        lambda x: fixed(x, 3),
        "Expected calibration error: how far confidence is from accuracy",
    ),
    "disagreement": (
        "Disagreement %",
        percent,
        "Share of the test examples on which two members choose different classes",
    ),
    "bias_squared": ("Bias²", lambda x: fixed(x, 3), "Of the Brier score, over seeds"),
    "variance": ("Variance", lambda x: fixed(x, 3), "Of the Brier score, over seeds: the part that averaging reduces"),
}
COLUMNS_OF_AMOUNTS = {
    "test_rmse": ("RMSE", RMSE.value, "Root mean squared error on the test examples, mean over seeds"),
    "test_mae": ("MAE", RMSE.value, "Mean absolute error on the test examples, mean over seeds"),
    "test_r2": ("R²", lambda x: fixed(x, 3), "Share of the variance of the test targets that is explained"),
    "disagreement": ("Disagreement", RMSE.value, "Root mean squared difference of what two members predict"),
    "bias_squared": ("Bias²", lambda x: significant(x, 4), "Of the squared error, over seeds"),
    "variance": (
        "Variance",
        lambda x: significant(x, 4),
        "Of the squared error, over seeds: what averaging reduces",
    ),
}
COLUMNS_OF_LABELS = {
    "test_hamming_loss": ("Hamming loss %", percent, "Of the test examples, mean over seeds"),
    "test_binary_cross_entropy": ("Loss", lambda x: fixed(x, 3), "Binary cross-entropy in nats, mean over labels"),
    "disagreement": ("Disagreement %", percent, "Share of the labels that two members decide differently"),
    "bias_squared": ("Bias²", lambda x: fixed(x, 3), "Of the Brier score of labels, over seeds"),
    "variance": (
        "Variance",
        lambda x: fixed(x, 3),
        "Of the Brier score of labels, over seeds: the part that averaging reduces",
    ),
}
# Metrics that only some kinds of ensemble have; those that end in rmse are in the unit of the target, the others are shares.
FACTS = {
    "distinct_share": "of the labelled examples are in a member's bootstrap sample",
    "out_of_bag_share": "were left out by some member",
    "out_of_bag_accuracy": "of those are classified as labelled, wrong labels included, by the members that left them out",
    "weight_scaling_test_accuracy": "accuracy by weight scaling, one pass with all units in their place",
    "trees_test_accuracy": "accuracy by scikit-learn's AdaBoost on as many trees",
    "best_recipe_test_accuracy": "accuracy by the best recipe alone",
    "first_member_test_accuracy": "accuracy by the first member alone",
    "one_member_test_accuracy": "accuracy by one member alone, the mean over all of them",
    "out_of_bag_rmse": "root mean squared error on those, by the members that left them out",
    "weight_scaling_test_rmse": "root mean squared error by weight scaling, one pass with all units in their place",
    "trees_test_rmse": "root mean squared error by scikit-learn's gradient boosting on as many trees",
    "best_recipe_test_rmse": "root mean squared error by the best recipe alone",
    "first_member_test_rmse": "root mean squared error by the first member alone",
    "one_member_test_rmse": "root mean squared error by one member alone, over all of them",
    "out_of_bag_hamming_loss": "Hamming loss on those, by the members that left them out",
    "weight_scaling_test_hamming_loss": "Hamming loss by weight scaling, one pass with all units in their place",
    "best_recipe_test_hamming_loss": "Hamming loss by the best recipe alone",
    "first_member_test_hamming_loss": "Hamming loss by the first member alone",
    "one_member_test_hamming_loss": "Hamming loss by one member alone, the mean over all of them",
}


@dataclass(frozen=True)
class EnsembleEntry(Shown):
    """An ensemble's record, ready for the page."""

    measure: Measure = ACCURACY

    @property
    def figure(self) -> Markup | None:
        return picture(self.entry, "ensemble", "error, loss, bias and variance by the number of members")

    @property
    def settings(self) -> dict:
        return self.entry.record["settings"][self.name]

    @property
    def passes(self) -> float:
        """Forward passes of a network that one member's prediction takes."""
        return self.entry.record["cost"]["prediction_passes"] / self.settings["members"]

    @property
    def rows(self) -> list[dict]:
        """Those of members.csv for 1, 2, 4, ... and all members, by the ensemble's own rule, means over seeds."""
        last, shown = self.settings["members"], 1
        numbers = {last}
        while shown < last:
            numbers.add(shown)
            shown *= 2
        rows = [
            row for row in self.entry.members if row["seed"] == "all" and row["combine"] == self.settings["combine"]
        ]
        return [
            {name: float(row.get(name) or "nan") for name in columns(self.measure)}
            | {"members": int(row["members"]), "passes": round(int(row["members"]) * self.passes)}
            for row in rows
            if int(row["members"]) in numbers
        ]

    @property
    def facts(self) -> list[str]:
        """Its own metrics in words, means over seeds."""
        summary = self.entry.record["summary"]
        means = {name: summary[name]["mean"] for name in FACTS if name in summary}
        return [
            f"{RMSE.value(mean) if name.endswith('rmse') else f'{percent(mean)} %'} {FACTS[name]}"
            for name, mean in means.items()
        ]

    @property
    def chosen(self) -> list[str]:
        """The recipes whose networks are its members, where it trains none."""
        return self.entry.record["chosen"]

    @property
    def cost(self) -> float:
        return self.entry.record["cost"]["relative_to_none"]


def columns(measure: Measure) -> dict[str, tuple]:
    """Those of the table, the metric that decides first."""
    heading = capital(measure.axis(measure.title))
    known = {"classification": COLUMNS, "regression": COLUMNS_OF_AMOUNTS, "multilabel": COLUMNS_OF_LABELS}[measure.task]
    column = known.get(measure.metric, (heading, measure.value, "On the test examples, mean over seeds"))
    return {measure.metric: column} | known


def ensemble_entries(entries: list[Entry], measure: Measure = ACCURACY) -> list[EnsembleEntry]:
    """The ensembles, in the order of params.yaml."""
    return [EnsembleEntry(entry, measure) for entry in entries if entry.family == "ensembles"]


def ensembles_section(study: Study) -> Section | None:
    ensembles = ensemble_entries(study.entries, study.measure)
    if not ensembles:
        return None
    return Section(
        "ensembles", "Ensembles", body("ensembles.html", ensembles=ensembles, columns=columns(study.measure))
    )


SECTIONS = (Placed(ensembles_section, "pages/recipes.html", place=1),)
