"""The figure of bagging on members whose draws, gradients and votes are known."""

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex
from torch import nn

from reglab.core.figures import COLORS, canvas
from reglab.core.tasks import Classification
from reglab.data.prepared import Split
from reglab.experiments.ensembles import bagging_figure
from reglab.experiments.ensembles.base import Committee

WANTED = 1
LABELS = np.array([0, 1, 1, 0, 2, 1, 1, 1, 0, 2])  # the first four examples of class 1, and the first four of others:
SHOWN = [1, 2, 5, 6, 0, 3, 4, 8]
TRAIN = np.arange(1, 11, dtype=np.float32)[:, None, None, None] * np.ones((1, 1, 2, 3), np.float32)  # image i is i + 1
SAMPLES = [np.array([1, 1, 1, 0, 8, 8, 2]), np.array([6, 4, 4]), *[np.arange(10)] * 3]


@pytest.fixture
def panel():
    return canvas()[1]


def tiles(panel, height: int, width: int) -> np.ndarray:
    """The pixels of the drawn images (rows, columns, height, width), without the empty pixels between them."""
    (image,) = panel.images
    data = np.ma.filled(image.get_array().astype(float), np.nan)
    data = np.pad(data, ((0, 1), (0, 1)), constant_values=np.nan)
    rows, columns = data.shape[0] // (height + 1), data.shape[1] // (width + 1)
    cut = data.reshape(rows, height + 1, columns, width + 1).swapaxes(1, 2)
    assert np.isnan(cut[:, :, -1]).all() and np.isnan(cut[:, :, :, -1]).all()
    return cut[:, :, :-1, :-1]


def test_each_member_shows_the_images_that_it_drew_and_how_often(panel):
    split = Split({"labelled": TRAIN}, {"labelled": LABELS}, {}, None, classes=3)
    bagging_figure.resampled(panel, split, SAMPLES, WANTED)
    drawn = tiles(panel, 2, 3)
    assert drawn.shape == (5, 8, 2, 3)  # the originals and four of five members
    assert (drawn == drawn[:, :, :1, :1]).all()
    assert drawn[0, :, 0, 0].tolist() == [image + 1 for image in SHOWN]
    assert drawn[1, :, 0, 0].tolist() == [2, 3, 0, 0, 1, 0, 0, 9]
    assert drawn[2, :, 0, 0].tolist() == [0, 0, 0, 7, 0, 0, 5, 0]
    assert drawn[3, :, 0, 0].tolist() == drawn[0, :, 0, 0].tolist()
    marks = {
        (text.get_text(), *text.get_position()) for text in panel.texts
    }  # two pixels left of and above the next tile
    assert marks == {("×3", 1 * 4 - 2, 2 * 3 - 2), ("×2", 8 * 4 - 2, 2 * 3 - 2), ("×2", 7 * 4 - 2, 3 * 3 - 2)}
    names = [label.get_text() for label in panel.get_yticklabels()]
    assert names == ["original", "member 1", "member 2", "member 3", "member 4"]
    assert panel.get_yticks().tolist() == [0.5, 3.5, 6.5, 9.5, 12.5]


class Linear(nn.Module):
    """Logits that are linear in the pixels, with weights (classes, pixels)."""

    def __init__(self, weights):
        super().__init__()
        self.weights = torch.as_tensor(weights, dtype=torch.float32)

    def forward(self, inputs):
        return inputs.flatten(1) @ self.weights.T


def test_a_pixel_speaks_for_a_class_by_the_gradient_of_two_linear_classes(panel):
    """d log p_1 / dx = (1 - p_1)(w_1 - w_0), and of the mean of two members p_1 (1 - p_1)(w_1 - w_0) of each, added up."""
    first, second = np.array([[0.0, 0, 0, 0], [1, -2, 0, 0.5]]), np.array([[0.0, 0.3, 0, 0], [0, 0, 0.4, 0]])
    committee = Committee([Linear(first), Linear(second)], "vote", torch.ones(2), Classification(3))
    images = np.array([[1.0, 0.5, 1, 0], [0, 0, 0, 1]], np.float32).reshape(2, 1, 2, 2)
    split = Split({"test": images}, {"test": np.array([1, 0])}, {}, None, classes=3)
    bagging_figure.learned(panel, committee, split, WANTED)
    drawn = tiles(panel, 2, 2)
    assert drawn.shape == (1, 3, 2, 2)  # all together and two members
    step = (images[0] - images.mean(0)).ravel()
    alone = [step * (weights[1] - weights[0]) for weights in (first, second)]
    p = [1 / (1 + np.exp(-(weights[1] - weights[0]) @ images[0].ravel())) for weights in (first, second)]
    together = sum(share * (1 - share) * each for share, each in zip(p, alone, strict=True))
    for tile, expected in zip(drawn[0], [together, *alone], strict=True):
        assert tile.ravel() == pytest.approx(expected / np.abs(expected).max(), abs=1e-6)
    assert [label.get_text() for label in panel.get_xticklabels()] == ["all", "1", "2"]
    assert panel.get_xticks().tolist() == [0.5, 3.5, 6.5]


class Votes(nn.Module):
    """Votes for a class of each image; all pixels of an image are its number."""

    def __init__(self, votes):
        super().__init__()
        self.votes = torch.as_tensor(votes)

    def forward(self, inputs):
        return 5.0 * nn.functional.one_hot(self.votes[inputs[:, 0, 0, 0].long()], 3).float()


def test_the_contested_image_has_the_fewest_right_votes_of_those_that_the_ensemble_gets_right(panel):
    """Of five votes 5, 3, 2 and 1 are right. Two suffice on image 2, for they weigh 2.2 and the two for class 0 weigh 2."""
    votes = [[0, 1, 2, 0], [0, 1, 2, 0], [0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 2]]
    committee = Committee([Votes(each) for each in votes], "vote", torch.tensor([1.1, 1.1, 1, 1, 1]), Classification(3))
    inputs = np.arange(4, dtype=np.float32)[:, None, None, None] * np.ones((1, 1, 2, 2), np.float32)
    split = Split({"test": inputs}, {"test": np.array([0, 1, 2, 2])}, {}, None, classes=3)
    bagging_figure.voted(panel, committee, split)
    assert [bar.get_height() for bar in panel.patches] == [2, 1, 2]
    colors = [to_hex(bar.get_facecolor()).upper() for bar in panel.patches]
    assert colors == [COLORS[1], COLORS[1], COLORS[0]]  # the right class stands out
    assert panel.get_title() == "The vote on a contested “2”"
    (image,) = panel.child_axes[0].images
    assert (image.get_array() == 2).all()


def test_the_three_panels_are_filled_in_order():
    committee = Committee(
        [Linear(np.eye(3, 4)), Linear(np.eye(3, 4)[::-1].copy())], "average", torch.ones(2), Classification(3)
    )
    inputs = np.random.default_rng(0).random((4, 1, 2, 2), np.float32)
    labels = np.array([0, 1, 1, 0])
    split = Split({"labelled": inputs, "test": inputs}, {"labelled": labels, "test": labels}, {}, None, classes=3)
    panels = canvas(columns=3)[1]
    bagging_figure.draw(panels, committee, split, [np.arange(4)] * 2, WANTED)
    titles = [panel.get_title() for panel in panels]
    assert titles[0] == "Examples as drawn with replacement" and titles[2].startswith("The vote on a contested")
    assert titles[1] == "Speaks for a “1” (blue), against (red)"
