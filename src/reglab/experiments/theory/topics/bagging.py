"""The error of ensembles compared with that of their members, for averaging, voting, bootstrap samples and boosting.

Averaging. k errors with mean 0, variance v and covariance c between any two: their mean has variance v/k + (k - 1) c/k.

Voting. k voters, each wrong with probability e, independent: the majority is wrong when more than half are (and in
half of the ties). If on a share r of the examples all votes agree, any two errors have correlation r, and the majority
is wrong with probability r e + (1 - r) times that of independent voters.

Bootstrap. In n draws with replacement from n examples, the probability that an example is drawn m times is
binomial(m; n, 1/n): 36.8 % for 0 times, the limit of (1 - 1/n)^n, 36.8 % for once, and 26.4 % for more often. A sample
thus holds 63.2 % of the examples.

Boosting. With weighted errors e_1 ... e_T of the members, the training error is at most prod_t 2 sqrt(e_t (1 - e_t)),
the mean exponential loss of their weighted vote.

Sources: Goodfellow, Bengio and Courville, Deep Learning, 2016, eqs. 7.50 and 7.51; Breiman, Bagging Predictors, 1996;
Freund and Schapire, A Decision-Theoretic Generalization of On-Line Learning, 1997, theorem 6.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from reglab.core.checks import Check
from reglab.core.figures import COLORS, canvas
from reglab.core.streams import seed_of
from reglab.experiments.theory.base import Finding, Topic

TRIALS = 20_000  # simulated examples of an error
RESAMPLES = 500  # simulated bootstrap samples
SURE = 5.0  # standard errors that a right simulation stays within: a miss has probability 6e-7


def variance_of_mean(members: np.ndarray | int, variance: float, covariance: float) -> np.ndarray:
    """v/k + (k - 1) c/k."""
    return variance / members + (members - 1) * covariance / members


def vote_error(members: np.ndarray | int, error: float, correlation: float = 0.0) -> np.ndarray:
    """Probability that a majority of k voters is wrong; a tie counts as half a mistake."""
    from scipy.stats import binom

    half = np.asarray(members) / 2
    independent = binom.sf(np.floor(half), members, error) + binom.pmf(half, members, error) / 2
    return correlation * error + (1 - correlation) * independent


def distinct_share(examples: int) -> float:
    """1 - (1 - 1/n)^n: the expected share of the examples that a bootstrap sample holds."""
    return 1 - (1 - 1 / examples) ** examples


def distinct_std(examples: int) -> float:
    """The standard deviation of that share over bootstrap samples."""
    n, one, two = examples, (1 - 1 / examples) ** examples, (1 - 2 / examples) ** examples
    return float(np.sqrt(n * (n - 1) * two + n * one - (n * one) ** 2)) / n


def boosting_bound(errors: np.ndarray) -> np.ndarray:
    """prod 2 sqrt(e (1 - e)) over the first 1 ... T members."""
    return np.cumprod(2 * np.sqrt(errors * (1 - errors)))


def averaged_errors(members: int, correlation: float) -> np.ndarray:
    """The mean error (TRIALS, members) of the first 1 ... k of normal errors with variance 1, in simulation."""
    random = np.random.default_rng(seed_of("bagging", "errors"))
    common, separate = random.standard_normal((TRIALS, 1)), random.standard_normal((TRIALS, members))
    return running_mean(correlation**0.5 * common + (1 - correlation) ** 0.5 * separate)


def voted_errors(members: int, error: float, correlation: float) -> np.ndarray:
    """Whether (TRIALS, members) the majority of the first 1 ... k is wrong, a tie 1/2, in simulation."""
    random = np.random.default_rng(seed_of("bagging", "votes"))
    wrong = random.random((TRIALS, members)) < error
    alike = random.random(TRIALS) < correlation
    wrong[alike] = wrong[alike, :1]
    return (np.sign(running_mean(wrong) - 0.5) + 1) / 2


def running_mean(values: np.ndarray) -> np.ndarray:
    """The mean of the first 1 ... k along the second axis of (n, k)."""
    return np.cumsum(values, axis=1) / np.arange(1, values.shape[1] + 1)


def times_drawn(examples: int) -> np.ndarray:
    """How often each example (RESAMPLES, examples) is in a bootstrap sample, in simulation."""
    random = np.random.default_rng(seed_of("bagging", "bootstrap"))
    draws = random.integers(0, examples, (RESAMPLES, examples))
    return np.stack([np.bincount(draw, minlength=examples) for draw in draws])


def tree_errors(members: int) -> np.ndarray:
    """Errors (142, members) on diabetes patients held out, of trees on bootstrap samples of the other 300."""
    from sklearn.datasets import load_diabetes
    from sklearn.tree import DecisionTreeRegressor

    inputs, targets = load_diabetes(return_X_y=True)
    random = np.random.default_rng(seed_of("bagging", "trees"))
    train, test = np.split(random.permutation(len(inputs)), [300])
    errors = []
    for member in range(members):
        rows = random.choice(train, len(train))
        tree = DecisionTreeRegressor(random_state=member).fit(inputs[rows], targets[rows])
        errors.append(tree.predict(inputs[test]) - targets[test])
    return np.stack(errors, axis=1)


def boosted_stumps(rounds: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """scikit-learn's AdaBoost as the lecture's detector of the digit 8.

    Returns the members' weighted errors (T,), their votes (T, n) and the truth (n,), both -1 or 1.
    """
    from sklearn.datasets import load_digits
    from sklearn.ensemble import AdaBoostClassifier

    inputs, digits = load_digits(return_X_y=True)
    truth = np.where(digits == 8, 1, -1)
    boosted = AdaBoostClassifier(n_estimators=rounds, random_state=0).fit(inputs, truth)
    return boosted.estimator_errors_, np.stack([stump.predict(inputs) for stump in boosted.estimators_]), truth


@dataclass(frozen=True)
class Bagging(Topic):
    """An ensemble of `members`, each wrong with probability `error`, any two errors with this correlation.

    `examples` is the size n of a training set and of its bootstrap samples. Every part draws its panel and returns its
    numbers and checks.
    """

    lecture: ClassVar[str] = "bagging"

    members: Annotated[int, Ge(2), Le(100)] = 25
    correlation: Annotated[float, Ge(0), Le(1)] = 0.3
    error: Annotated[float, Gt(0), Lt(1)] = 0.3
    examples: Annotated[int, Ge(2), Le(5_000)] = 900
    boosting_rounds: Annotated[int, Ge(1), Le(200)] = 100

    def run(self) -> Finding:
        figure, panels = canvas(7.2, 5.4, rows=2, columns=2)
        parts = (self.averaging, self.voting, self.bootstrap, self.boosting)
        findings = [part(panel) for part, panel in zip(parts, panels.flat, strict=True)]
        numbers = {name: float(value) for numbers, _ in findings for name, value in numbers.items()}
        return Finding(numbers, [check for _, checks in findings for check in checks], figure)

    def averaging(self, panel: Axes) -> tuple[dict, list[Check]]:
        count = np.arange(1, self.members + 1)
        variance = variance_of_mean(count, 1.0, self.correlation)
        simulated = np.square(averaged_errors(self.members, self.correlation)).mean(0)
        gap = np.abs(simulated - variance) / (variance * (2 / TRIALS) ** 0.5)
        matrix = np.full((self.members, self.members), self.correlation)
        np.fill_diagonal(matrix, 1)

        trees = tree_errors(self.members)
        products = trees.T @ trees / len(trees)
        square = products.trace() / self.members
        cross = (products.sum() - products.trace()) / (self.members * (self.members - 1))
        bagged = np.square(running_mean(trees)).mean(0)
        predicted = variance_of_mean(count, square, cross)

        for color, line, dots, label in (
            (COLORS[0], 1 / count, None, "independent"),
            (COLORS[1], variance, simulated, f"correlation {self.correlation:g}, simulated"),
            (COLORS[2], predicted / square, bagged / square, f"correlation {cross / square:.2f}, real trees"),
        ):
            panel.plot(count, line, color=color, label=label)
            if dots is not None:
                panel.plot(count, dots, "o", color=color, markersize=3)
        panel.set(xlabel="members k", ylabel="squared error (one member = 1)", ylim=(0, None))
        panel.set_title("Averaging: v/k + (k − 1)c/k", fontsize=9)
        panel.legend(fontsize=7)
        return {
            "variance_of_the_mean": variance[-1],
            "variance_of_the_mean_simulated": simulated[-1],
            "tree_correlation_of_errors": cross / square,
            "tree_squared_error_one": square,
            "tree_squared_error_bagged": bagged[-1],
        }, [
            Check("v/k + (k-1)c/k = the sum of the covariance matrix / k²", abs(matrix.mean() - variance[-1]), 1e-12),
            Check("simulated variance of the mean, every k, in standard errors", gap.max(), SURE),
            Check(
                "real trees: squared error of their mean = v/k + (k-1)c/k", abs(predicted[-1] / bagged[-1] - 1), 1e-10
            ),
        ]

    def voting(self, panel: Axes) -> tuple[dict, list[Check]]:
        count = np.arange(1, self.members + 1)
        independent, closed = (vote_error(count, self.error, correlation) for correlation in (0.0, self.correlation))
        simulated = voted_errors(self.members, self.error, self.correlation).mean(0)
        # The second term is for mistakes too rare to be seen.
        gap = np.abs(simulated - closed) / (np.sqrt(closed * (1 - closed) / TRIALS) + 1 / TRIALS)

        panel.plot(count, independent, color=COLORS[0], label="independent")
        panel.plot(count, closed, color=COLORS[1], label=f"correlation {self.correlation:g}, simulated")
        panel.plot(count, simulated, "o", color=COLORS[1], markersize=3)
        panel.set(xlabel="members k", ylabel="error of the majority", ylim=(0, None))
        panel.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        panel.set_title(f"Voting: members wrong in {self.error:.0%}", fontsize=9)
        panel.legend(fontsize=7)
        return {
            "vote_error": closed[-1],
            "vote_error_simulated": simulated[-1],
            "vote_error_if_independent": independent[-1],
        }, [Check("simulated error of the majority, every k, in standard errors", gap.max(), SURE)]

    def bootstrap(self, panel: Axes) -> tuple[dict, list[Check]]:
        from scipy.stats import binom

        closed, drawn, times = distinct_share(self.examples), times_drawn(self.examples), np.arange(6)
        simulated = (drawn > 0).mean()
        gap = abs(simulated - closed) / (distinct_std(self.examples) / RESAMPLES**0.5)
        above_limit = closed - (1 - np.exp(-1))

        shares = np.array([(drawn == number).mean() for number in times])
        expected = binom.pmf(times, self.examples, 1 / self.examples)
        panel.bar(times[:1], shares[:1], color=COLORS[1], label="left out, simulated")
        panel.bar(times[1:], shares[1:], color=COLORS[5], label="drawn, simulated")
        panel.plot(times, expected, "o", color=COLORS[0], label="closed form")
        panel.annotate(f"{shares[0]:.1%}", (0, shares[0] / 2), ha="center", va="center", fontsize=8)
        panel.set(xlabel=f"times drawn in a sample of n = {self.examples}", ylabel="share of the examples")
        panel.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        panel.set_title(f"Bootstrap: {closed:.1%} distinct examples", fontsize=9)
        panel.legend(fontsize=7)
        return {
            "share_distinct": closed,
            "share_distinct_simulated": simulated,
            "share_left_out": expected[0],
            "share_drawn_once": expected[1],
            "share_drawn_more_than_once": closed - expected[1],
        }, [
            Check("simulated share of distinct examples, in standard errors", gap, SURE),
            Check("1 - (1 - 1/n)^n lies above 1 - 1/e by less than 1/(2n)", abs(above_limit), 1 / (2 * self.examples)),
        ]

    def boosting(self, panel: Axes) -> tuple[dict, list[Check]]:
        errors, votes, truth = boosted_stumps(self.boosting_rounds)
        score = np.cumsum(np.log((1 - errors) / errors)[:, None] / 2 * votes, axis=0)
        exponential = np.exp(-truth * score).mean(1)
        mistakes = (truth * score <= 0).mean(1)
        bound = boosting_bound(errors)

        rounds = np.arange(1, len(bound) + 1)
        panel.plot(rounds, bound, color=COLORS[3], label="bound: ∏ 2√(e(1 − e))")
        panel.plot(rounds, mistakes, color=COLORS[0], label="training error")
        panel.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        panel.set(xlabel="boosted stumps", ylabel="share of the images", ylim=(0, None))
        panel.set_title("Boosting: the “8” detector", fontsize=9)
        panel.legend(fontsize=7)
        return {"boosting_training_error": mistakes[-1], "boosting_bound": bound[-1]}, [
            Check(
                "boosting: mean exponential loss = prod 2 sqrt(e(1-e))", np.abs(exponential / bound - 1).max(), 1e-10
            ),
            Check("boosting: training error within the bound, every round", max(0.0, *(mistakes - bound)), 1e-12),
        ]
