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
        "Regularization is a change to learning that is meant to lower the error on new examples, but not (much) the error "
        "on the training examples. It lowers the variance, the dependence of a prediction on the drawn training examples, "
        "and accepts more bias.",
        (r"\text{E} \sum_c (\hat p_c - y_c)^2 = \sum_c (\bar p_c - y_c)^2 + \text{E} \sum_c (\hat p_c - \bar p_c)^2",),
        see=("answer", "bias-variance", "tuned-searches", "regimes", "sources", "cocktails"),
    ),
    Part(
        "constrained_optimization",
        "Constrained optimization",
        "A constraint on the weights is added to the loss as a term with a multiplier. The multiplier is zero where the "
        "constraint is not active.",
        (
            r"\min\limits_{\mathbf x} \, f(\mathbf x), \quad g^{(i)}(\mathbf x) = 0, \quad h^{(j)}(\mathbf x) \le 0",
            r"L(\mathbf x, \lambda, \alpha) = f(\mathbf x) + \sum_i \lambda_i g^{(i)}(\mathbf x) "
            r"+ \sum_j \alpha_j h^{(j)}(\mathbf x), \quad \alpha_j \ge 0",
        ),
    ),
    Part(
        "norm_penalties",
        "Parameter norm penalties",
        "The loss gets a penalty on the size of the weights; biases and normalization scales are not penalized. A penalty "
        "can remove local minima of a loss surface, and it moves the global minimum towards the centre of the penalty.",
        (r"\tilde J(\theta; \mathbf X, \mathbf y) = J(\theta; \mathbf X, \mathbf y) + \alpha \Omega(\theta)",),
        see=("sweeps",),
    ),
    Part(
        "weight_decay",
        "Weight decay (L²)",
        "Every step first shrinks all weights by the same factor. The minimum is the most probable solution under a normal "
        "prior of the weights with mean zero.",
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
        "With fewer examples than features, many solutions fit equally well. Weight decay makes the solution unique; as the "
        "decay goes to zero, it tends to the one of least norm.",
        (
            r"\mathbf w = (\mathbf X^T \mathbf X + \alpha \mathbf I)^{-1} \mathbf X^T \mathbf y",
            r"\mathbf X^+ = \lim\limits_{\alpha \to 0} (\mathbf X^T \mathbf X + \alpha \mathbf I)^{-1} \mathbf X^T",
        ),
    ),
    Part(
        "l1",
        "L¹ regularization",
        "The penalty pulls every weight towards zero with the same force, however small the weight is. A weight that the "
        "loss pulls less strongly becomes exactly zero.",
        (
            r"\Omega(\theta) = \left\| \mathbf w \right\|_1 = \sum_i | w_i |",
            r"\nabla_{\mathbf w} \tilde J = \alpha \, \text{sign}(\mathbf w) + \nabla_{\mathbf w} J",
        ),
        see=("sweeps",),
    ),
    Part(
        "data_augmentation",
        "Data augmentation",
        "The network is trained on changed copies of the examples whose label is still known: rotated, shifted, scaled, "
        "partly covered or mixed.",
        (r"\text{mixed:} \quad \tilde{\mathbf x} = \beta \mathbf x_i + (1 - \beta) \mathbf x_j, "
         r"\quad \tilde{\mathbf y} = \beta \mathbf y_i + (1 - \beta) \mathbf y_j",),
        families=("augmentation",),
        see=("augmentation", "sweeps"),
    ),
    Part(
        "noise",
        "Noise in inputs, hidden units and targets",
        "A network that is trained with noise cannot rely on small details. On separable data with hard targets the weights "
        "would grow without bound; smoothed targets are reached by finite weights.",
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
        "Examples without labels show which inputs are similar; the few labels then give the classes of similar inputs.",
        (r"J = J_{\text{labelled}}(\theta) + \alpha J_{\text{unlabelled}}(\theta)",),
        families=("semi_supervised",),
        see=("few-labels",),
    ),
    Part(
        "transfer",
        "Transfer learning",
        "Training starts from a network that was trained on another task: its last layer is replaced, and either this layer "
        "alone or the whole network is trained.",
        families=("transfer",),
        see=("few-labels",),
    ),
    Part(
        "multitask",
        "Multi-task learning",
        "Related tasks share a trunk. The features that one task needs may help the other task or interfere with it.",
        (r"J = \sum_t \beta_t J_t(\theta_{\text{shared}}, \theta_t)",),
        families=("multitask",),
        see=("tasks",),
    ),
    Part(
        "self_supervised",
        "Self-supervised learning",
        "The labels are made from the inputs alone: the network fills in a part that was hidden, or decides which of two "
        "versions is the original one.",
        (r"\text{contrastive:} \quad J = - \log \, \frac{\exp(s(\mathbf z_i, \mathbf z_j) / \tau)}"
         r"{\sum\limits_{k \ne i} \exp(s(\mathbf z_i, \mathbf z_k) / \tau)}",),
        families=("pretraining",),
        see=("pretexts",),
    ),
    Part(
        "early_stopping",
        "Early stopping",
        "Training ends when the validation loss has not fallen for a number of epochs, and the weights with the lowest "
        "validation loss are kept. After few steps the weights are still near their initial values: on a quadratic loss "
        "this is weight decay whose strength falls with the number of steps.",
        (r"\alpha \approx \frac{1}{\varepsilon t}",),
        see=("expect",),
    ),
    Part(
        "tying_and_sharing",
        "Parameter tying and sharing",
        "Weights that should be similar are pulled towards each other, or are shared, as in a convolution, which uses the "
        "same kernel at all positions of an image.",
        (r"\Omega(\mathbf w^{(A)}, \mathbf w^{(B)}) = \left\| \mathbf w^{(A)} - \mathbf w^{(B)} \right\|_2^2",),
        see=("tasks",),
    ),
    Part(
        "sparse_representations",
        "Sparse representations",
        "The penalty is on the activations of the units and not on the weights, or the number of active units is limited.",
        (
            r"\Omega(\mathbf h) = \left\| \mathbf h \right\|_1 = \sum_i | h_i |",
            r"\argmin\limits_{\mathbf h, \left\| \mathbf h \right\|_0 \le k} \, "
            r"\left\| \mathbf x - \mathbf W \mathbf h \right\|^2",
        ),
    ),
    Part(
        "bagging",
        "Ensembles and bagging",
        "Several models are averaged. The less their errors are correlated, the more the mean lowers the variance. In "
        "bagging each model is trained on a bootstrap sample, which leaves out about a third of the examples.",
        (
            r"\text{Var}(\text{mean}) = \frac{v}{k} + \frac{k - 1}{k} c",
            r"(1 - \frac{1}{n})^n \to \frac{1}{e} \approx 0.368",
        ),
        see=("ensembles",),
    ),
    Part(
        "boosting",
        "Boosting",
        "Each further weak model is trained mainly on the examples that the previous ones got wrong. Boosting therefore "
        "builds an ensemble of higher capacity than its members, while bagging lowers the variance of its members.",
        (r"F_m(\mathbf x) = F_{m-1}(\mathbf x) + \eta f_m(\mathbf x)",),
        see=("ensembles",),
    ),
    Part(
        "dropout",
        "Dropout",
        "Every step trains a random part of the network. Predictions use all units, with scaled weights; for softmax "
        "regression this equals the geometric mean over all masks.",
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
        "A change of the input that is too small to see can change the prediction. Training on such examples is meant to "
        "make the network secure, and sometimes it regularizes as well.",
        (r"\tilde{\mathbf x} = \mathbf x + \varepsilon \, \text{sign}(\nabla_{\mathbf x} J(\theta, \mathbf x, y))",),
        families=("attacks",),
        see=("robustness",),
    ),
    Part(
        "learning_curves",
        "Learning curves",
        "With regularization the training error is expected to fall more slowly, and the validation error not to rise "
        "again.",
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
