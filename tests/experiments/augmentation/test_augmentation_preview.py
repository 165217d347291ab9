import pytest
import torch

from reglab.core.figures import svg
from reglab.core.streams import Moment, generator
from reglab.data.augmentation.policy import Policy
from reglab.experiments.augmentation.preview import EPOCHS, preview

POLICY = Policy(rotation=20, flip=0.5, noise=0.1)


def pictures(figure):
    return [torch.as_tensor(panel.images[0].get_array()) for panel in figure.axes]


@pytest.mark.parametrize("channels", [1, 3])
def test_the_first_column_is_the_original_and_the_others_are_what_training_shows(channels):
    images = torch.rand(2, channels, 8, 8, generator=generator("preview"))
    shown = pictures(preview(POLICY, images))
    assert len(shown) == 2 * (1 + EPOCHS)
    for row, image in enumerate(images):
        for column in range(1 + EPOCHS):
            if column:
                moment = Moment(seed=0, epoch=column - 1, step=column - 1)
                image = POLICY(images, moment, torch.arange(2), 2)[row].clamp(0, 1)
            wanted = image.permute(1, 2, 0) if channels == 3 else image[0]
            assert torch.equal(shown[row * (1 + EPOCHS) + column], wanted)


def test_masks_and_depth_stand_below_their_image():
    images = torch.rand(2, 3, 8, 8, generator=generator("preview"))
    masks, depth = images[:, 0] > 0.5, images[:, 1]
    shown = pictures(preview(POLICY, images, masks, depth))
    originals = shown[:: 1 + EPOCHS]
    assert len(originals) == 6
    assert torch.equal(originals[4], masks[1]) and torch.equal(originals[5], depth[1])


def test_the_same_preview_gives_the_same_bytes():
    images = torch.rand(2, 1, 8, 8, generator=generator("preview"))
    assert svg(preview(POLICY, images)) == svg(preview(POLICY, images))
