"""Mean teacher: on examples without labels, a network learns to agree with the average of its past weights."""

import copy
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt, Le, Lt
from torch import Tensor, nn

from reglab.attacks.base import evaluation_mode
from reglab.data.loader import Batch
from reglab.experiments.few_labels.base import SemiSupervised, SemiSupervisedLearner
from reglab.training.network import Network
from reglab.training.normalization import running_averages


@torch.no_grad()
def follow(teacher: nn.Module, student: nn.Module, decay: float, step: int) -> None:
    """After step t = 1, 2, ...:  a <- d a + (1 - d) w  for each parameter, with d = min(decay, t / (t + 9)).

    Tarvainen and Valpola, eq. 1; the smaller decay at the start, which forgets the initial weights, is that of TensorFlow's
    ExponentialMovingAverage with its number of updates. Running averages of batch normalization follow as parameters do;
    other buffers, which techniques keep their state in, are copied.
    """
    pace = max(1 - decay, 9 / (step + 9))
    for average, parameter in zip(teacher.parameters(), student.parameters(), strict=True):
        average.lerp_(parameter, pace)
    following = {id(getattr(layer, name)) for layer, name in running_averages(teacher)}
    for kept, buffer in zip(teacher.buffers(), student.buffers(), strict=True):
        kept.lerp_(buffer, pace) if id(kept) in following else kept.copy_(buffer)


class MeanTeacherLearner(SemiSupervisedLearner):
    """The teacher follows the student after each step, and is what is judged, as techniques make it predict.

    It gives its opinion in evaluation mode: what acts in prediction acts on it too, and none of the student's noise does.
    """

    def __init__(self, network: Network, *others) -> None:
        super().__init__(network, *others)
        self.teacher = copy.deepcopy(network).requires_grad_(
            False
        )  # with the hooks that regularizers hang on a network

    def unlabelled_loss(self, batch: Batch) -> Tensor:
        with torch.no_grad(), evaluation_mode(self.teacher):
            opinion = self.teacher(self.view(batch, "teacher", self.method.weak_view_scale))
        return self.task.consistency(self.network(self.view(batch, "student")), opinion, self.method.temperature)

    def optimizer_step(self, epoch: int, batch_index: int, optimizer, closure=None) -> None:
        super().optimizer_step(epoch, batch_index, optimizer, closure)
        follow(self.teacher, self.network, self.method.decay, self.global_step + 1)

    def published_network(self) -> nn.Module:
        return self.teacher


@dataclass(frozen=True)
class MeanTeacher(SemiSupervised):
    """Minimises J + weight E KL(teacher(x') || student(x'')), x' and x'' two views of an example without its label.

    The teacher has the exponential moving average of the student's weights and sees a weaker view, the policy's strengths
    times `weak_view_scale`; its opinion is sharpened by `temperature`. `decay` 0 makes the student its own teacher.
    Of several labels the divergence is the mean over the labels. Of amounts it is (teacher(x') - student(x''))^2, in units of
    their standard deviation among the labelled examples, and `temperature` has no effect.

    Sources: Tarvainen and Valpola, Mean Teachers Are Better Role Models, 2017, section 2; the sharpening is that of
    Berthelot et al., MixMatch: A Holistic Approach to Semi-Supervised Learning, 2019, eq. 7.
    """

    weight: Annotated[float, Ge(0)] = 1.0
    decay: Annotated[float, Ge(0), Lt(1)] = 0.97
    temperature: Annotated[float, Gt(0), Le(1)] = 0.5
    weak_view_scale: Annotated[float, Ge(0), Le(1)] = 0.5
    unlabelled_batch_size: Annotated[int, Ge(1), Le(65_536)] = 32

    def learner_class(self) -> type[SemiSupervisedLearner]:
        return MeanTeacherLearner
