"""The lecture, section by section in its own order: formula, what was run, figure, exact checks, claims."""

from dataclasses import dataclass
from functools import cache

from reglab.core.families import sections
from reglab.core.outlines import outlines
from reglab.core.registry import find, names


@dataclass(frozen=True)
class Part:
    """A section of the lecture. A technique and a theory topic say in `lecture` of their class to which they belong.

    `families`: all of their entries belong here too; `see`: ids of the page's sections where its figures stand, as far as
    the study has them. A formula is LaTeX, as far as latex2mathml knows it.
    """

    id: str
    title: str
    text: str
    formulas: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    see: tuple[str, ...] = ()


PARTS = (
    Part(
        "regularization",
        "Regularization",
        "A change to learning that lowers the error on new examples but not (much) the error on the training examples. "
        "It trades variance, how much the answer hangs on the examples that happened to be drawn, for bias.",
        (r"\text{E} \sum_c (\hat p_c - y_c)^2 = \sum_c (\bar p_c - y_c)^2 + \text{E} \sum_c (\hat p_c - \bar p_c)^2",),
        see=("answer", "bias-variance", "regimes", "sources", "cocktails"),
    ),
    Part(
        "constrained_optimization",
        "Constrained optimization",
        "A bound on the weights becomes a term of the loss: the multiplier is the price of the bound, and it is zero "
        "where the bound does not bind.",
        (
            r"\min\limits_{\mathbf x} \, f(\mathbf x), \quad g^{(i)}(\mathbf x) = 0, \quad h^{(j)}(\mathbf x) \le 0",
            r"L(\mathbf x, \lambda, \alpha) = f(\mathbf x) + \sum_i \lambda_i g^{(i)}(\mathbf x) "
            r"+ \sum_j \alpha_j h^{(j)}(\mathbf x), \quad \alpha_j \ge 0",
        ),
    ),
    Part(
        "norm_penalties",
        "Parameter norm penalties",
        "A penalty on the size of the weights, and on nothing else: biases and normalization scales stay free. On a loss "
        "surface it takes local minima away and moves the lowest one towards the centre.",
        (r"\tilde J(\theta; \mathbf X, \mathbf y) = J(\theta; \mathbf X, \mathbf y) + \alpha \Omega(\theta)",),
        see=("sweeps",),
    ),
    Part(
        "weight_decay",
        "Weight decay (L²)",
        "Every step first shrinks the weights by the same factor. It is the most probable answer when the weights are "
        "expected to lie around zero, normally distributed.",
        (
            r"\Omega(\theta) = \frac{1}{2} \left\| \mathbf w \right\|_2^2",
            r"\mathbf w \leftarrow (1 - \varepsilon \alpha) \mathbf w "
            r"- \varepsilon \nabla_{\mathbf w} J(\mathbf w; \mathbf X, \mathbf y)",
        ),
        see=("sweeps",),
    ),
    Part(
        "least_squares",
        "Least squares, ridge and the pseudo-inverse",
        "With fewer examples than features many weights fit equally well. A little weight decay leaves one answer, which "
        "tends to the smallest of them as the decay goes to zero.",
        (
            r"\mathbf w = (\mathbf X^T \mathbf X + \alpha \mathbf I)^{-1} \mathbf X^T \mathbf y",
            r"\mathbf X^+ = \lim\limits_{\alpha \to 0} (\mathbf X^T \mathbf X + \alpha \mathbf I)^{-1} \mathbf X^T",
        ),
    ),
    Part(
        "l1",
        "L¹ regularization",
        "The penalty pulls every weight towards zero with the same force, however small the weight is, so that weights "
        "which earn less than that become exactly zero.",
        (
            r"\Omega(\theta) = \left\| \mathbf w \right\|_1 = \sum_i | w_i |",
            r"\nabla_{\mathbf w} \tilde J = \alpha \, \text{sign}(\mathbf w) + \nabla_{\mathbf w} J",
        ),
        see=("sweeps",),
    ),
    Part(
        "data_augmentation",
        "Data augmentation",
        "Varied copies of the training examples that still mean the same: turned, shifted, scaled, partly covered, mixed.",
        (r"\text{mixed:} \quad \tilde{\mathbf x} = \beta \mathbf x_i + (1 - \beta) \mathbf x_j, "
         r"\quad \tilde{\mathbf y} = \beta \mathbf y_i + (1 - \beta) \mathbf y_j",),
        families=("augmentation",),
        see=("augmentation", "sweeps"),
    ),
    Part(
        "noise",
        "Noise in inputs, hidden units and targets",
        "Whoever has to be right in spite of noise cannot rely on small details. With hard targets the weights would grow "
        "for ever; smoothed targets are reached at a finite size.",
        (
            r"\tilde{\mathbf x} = \mathbf x + \mathbf n, \quad n_i \thicksim N(0, \sigma^2)",
            r"\tilde y_c = 1 - \varepsilon \quad \text{for the right class}, "
            r"\quad \tilde y_c = \frac{\varepsilon}{k - 1} \quad \text{for the others}",
        ),
        see=("sweeps",),
    ),
    Part(
        "semi_supervised",
        "Semi-supervised learning",
        "Examples without labels show which inputs are alike; the few labels then tell what they are called.",
        (r"J = J_{\text{labelled}}(\theta) + \alpha J_{\text{unlabelled}}(\theta)",),
        families=("semi_supervised",),
        see=("few-labels",),
    ),
    Part(
        "transfer",
        "Transfer learning",
        "A network that has learned something else starts nearer to a good answer: its last layer is replaced, and either "
        "that alone is trained or all of it.",
        families=("transfer",),
        see=("few-labels",),
    ),
    Part(
        "multitask",
        "Multi-task learning",
        "Tasks that have something in common share a trunk, and what either needs helps the other, or gets in its way.",
        (r"J = \sum_t \beta_t J_t(\theta_{\text{shared}}, \theta_t)",),
        families=("multitask",),
        see=("tasks",),
    ),
    Part(
        "self_supervised",
        "Self-supervised learning",
        "Labels that cost nothing: hide a part and fill it in, or tell which of two versions is the original one.",
        (r"\text{contrastive:} \quad J = - \log \, \frac{\exp(s(\mathbf z_i, \mathbf z_j) / \tau)}"
         r"{\sum\limits_{k \ne i} \exp(s(\mathbf z_i, \mathbf z_k) / \tau)}",),
        families=("pretraining",),
        see=("pretexts",),
    ),
    Part(
        "early_stopping",
        "Early stopping",
        "Training ends when the validation loss has not fallen for a while, and the weights of its lowest point are kept. "
        "Few steps lead not far: on a quadratic this is weight decay whose strength falls with the number of steps.",
        (r"\alpha \approx \frac{1}{\varepsilon t}",),
        see=("expect",),
    ),
    Part(
        "tying_and_sharing",
        "Parameter tying and sharing",
        "Weights that should be alike are pulled together, or are one and the same, as in a convolution, whose kernel "
        "serves all places of an image.",
        (r"\Omega(\mathbf w^{(A)}, \mathbf w^{(B)}) = \left\| \mathbf w^{(A)} - \mathbf w^{(B)} \right\|_2^2",),
        see=("tasks",),
    ),
    Part(
        "sparse_representations",
        "Sparse representations",
        "The penalty is on what the units say rather than on the weights; or only so many units may speak at all.",
        (
            r"\Omega(\mathbf h) = \left\| \mathbf h \right\|_1 = \sum_i | h_i |",
            r"\argmin\limits_{\mathbf h, \left\| \mathbf h \right\|_0 \le k} \, "
            r"\left\| \mathbf x - \mathbf W \mathbf h \right\|^2",
        ),
    ),
    Part(
        "bagging",
        "Ensembles and bagging",
        "Several models vote. The more they err apart, the more of their variance the mean takes away; each sees a sample "
        "that leaves out about a third of the examples.",
        (
            r"\text{Var}(\text{mean}) = \frac{v}{k} + \frac{k - 1}{k} c",
            r"(1 - \frac{1}{n})^n \to \frac{1}{e} \approx 0.368",
        ),
        see=("ensembles",),
    ),
    Part(
        "boosting",
        "Boosting",
        "Each further weak model attends to what the others got wrong, so that together they can do more than one: the "
        "other way round than bagging.",
        (r"F_m(\mathbf x) = F_{m-1}(\mathbf x) + \eta f_m(\mathbf x)",),
        see=("ensembles",),
    ),
    Part(
        "dropout",
        "Dropout",
        "Every step trains another part of the network. To predict, all units are there and the weights are scaled; for "
        "softmax regression that is the geometric mean over all masks, exactly.",
        (
            r"\text{E}_\mu J(\theta, \mu)",
            r"\tilde P(y \mid \mathbf x) = \sqrt[2^n]{\prod\limits_{\mathbf d \in \{0,1\}^n} P(y \mid \mathbf x; \mathbf d)} "
            r"\propto \exp(\frac{1}{2} \mathbf W_y^T \mathbf x + b_y)",
        ),
        see=("ensembles", "sweeps"),
    ),
    Part(
        "adversarial_training",
        "Adversarial training",
        "A change too small to see can change the answer. Training on such examples is meant for security, and sometimes "
        "regularizes as well.",
        (r"\tilde{\mathbf x} = \mathbf x + \varepsilon \, \text{sign}(\nabla_{\mathbf x} J(\theta, \mathbf x, y))",),
        families=("attacks",),
        see=("robustness",),
    ),
    Part(
        "learning_curves",
        "Learning curves",
        "What to expect when regularization is applied: the training error falls more slowly, and the validation error does "
        "not turn upwards again.",
        see=("expect", "sweeps", "few-labels"),
    ),
    Part(
        "other_techniques",
        "Other techniques",
        "Techniques whose files name no section of the lecture.",
    ),
)  # fmt: skip
OTHER = PARTS[-1]  # of techniques whose files name no section of the lecture


def place_of(technique: str) -> Part | None:
    """The section of the lecture that the file of a technique names; None for what is no technique."""
    return next((part for family in sections(in_lecture=True) if (part := place_in(family, technique))), None)


@cache
def place_in(family: str, name: str) -> Part | None:
    """The section that the file `name` of a family names, read from its text; None where there is no such file."""
    if name not in names(family):
        return None
    with outlines():
        lecture = find(family, name).lecture
    return next((part for part in PARTS if part.id == lecture), OTHER)
