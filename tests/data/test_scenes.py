import hashlib

import numpy as np
import pytest

from reglab.core.errors import UserError
from reglab.data import load_source
from reglab.data.solids import SHAPES, Solids, z_buffer
from reglab.data.sources import scenes
from reglab.data.sources.scenes import CLASSES, render

PINNED = "94bed5ec19681658004bf971c2ddada0dbd94c3d0b7a06fe4a74c5441827f8f0"
SOLID = Solids(*(np.float32(value).reshape(1, 1, 1) for value in (0.3, -1.8, 4.0, 0.7, 1.2, 0.8, 0.6)))


@pytest.fixture(scope="module")
def rendered():
    return render(600)


def test_a_seed_gives_the_same_bytes_on_every_machine():
    digest = hashlib.sha256(b"".join(array.tobytes() for array in render(40, size=16, seed=3))).hexdigest()
    assert digest == PINNED


def test_images_have_the_shapes_and_ranges_they_claim(rendered):
    kinds = [(array.shape, array.dtype) for array in rendered]
    assert kinds == [((600, 3, 32, 32), "u1"), ((600,), "i8"), ((600, 32, 32), "u1"), ((600, 32, 32), "f4")]
    assert rendered.depth.min() > 0 and rendered.depth.max() < 1
    assert np.array_equal(rendered.depth * 65536, np.rint(rendered.depth * 65536))
    assert set(np.unique(rendered.masks)) == {0, 1, 2, 3, 4}


def test_an_image_depends_on_the_seed_and_its_number_alone(rendered):
    for long, short in zip(rendered, render(37), strict=True):
        assert np.array_equal(long[:37], short)
    assert not np.array_equal(render(2, seed=1).images, rendered.images[:2])
    assert not np.array_equal(rendered.images[0], rendered.images[1])


def test_another_size_shows_the_same_scenes():
    small, large = render(50, size=32), render(50, size=64)
    agree = small.masks.repeat(2, axis=1).repeat(2, axis=2) == large.masks
    assert agree.mean() > 0.95 and (small.classes == large.classes).mean() > 0.9


@pytest.mark.parametrize("size", [14, 33])
def test_a_size_that_can_not_be_is_refused(size):
    with pytest.raises(UserError, match=f"size: found {size}"):
        render(1, size=size)


def test_the_class_is_that_of_the_nearest_pixel_of_any_solid(rendered):
    solid = np.where(rendered.masks > 0, rendered.depth, np.inf).reshape(600, -1)
    assert np.isfinite(solid.min(1)).all()
    assert np.array_equal(rendered.masks.reshape(600, -1)[range(600), solid.argmin(1)] - 1, rendered.classes)


def test_classes_are_about_equally_frequent():
    counts = np.bincount(render(2000, size=16).classes, minlength=len(CLASSES))
    assert np.abs(counts - 500).max() < 100  # five standard deviations of (2000 * 3/16)^1/2


def test_depth_and_mask_are_related_and_neither_tells_the_other(rendered):
    masks, depth = rendered.masks, rendered.depth
    for kind in range(1, 5):
        among = [depth[image][masks[image] == kind].mean() for image in range(600) if (masks[image] == kind).any()]
        assert np.std(among) > 0.05  # one class stands at many distances
    near = np.abs(depth - 0.4) < 0.02
    assert np.bincount(masks[near], minlength=5).min() > 100  # one distance shows every class, and background
    column = depth[:, -1, 0]
    assert np.std(column[masks[:, -1, 0] == 0]) > 0.003  # the floor's distance depends on the camera's height
    assert depth[masks > 0].mean() < depth[masks == 0].mean()


def test_solids_hide_each_other(monkeypatch):
    """Of the solids drawn alone, some have fewer pixels among the others, and none has more."""
    counts = []

    def both(u, v, kinds, solids, light, depth, lit):
        together = z_buffer(u, v, kinds, solids, light, depth, lit)
        for place in range(kinds.shape[1]):
            alone = np.where(np.arange(kinds.shape[1]) == place, kinds, -1)
            seen = z_buffer(u, v, alone, solids, light, depth, lit)[2]
            counts.append([(field == place).sum((1, 2)) for field in (seen, together[2])])
        return together

    monkeypatch.setattr(scenes, "z_buffer", both)
    render(200)
    alone, among = np.concatenate(counts, axis=1)
    assert (among <= alone).all()
    hidden = 1 - among[alone > 0] / alone[alone > 0]
    assert 0.3 < (hidden > 0.05).mean() < 0.9


def inside(kind, x, y, z):
    """Whether points relative to the foot of SOLID lie in it, from the definition of each solid."""
    radius, height = 0.7, 1.2
    along, across = 0.8 * x + 0.6 * z, -0.6 * x + 0.8 * z
    return {
        "sphere": x**2 + (y - radius) ** 2 + z**2 < radius**2,
        "box": (abs(along) < radius) & (abs(across) < radius) & (y > 0) & (y < height),
        "cone": (np.hypot(x, z) < radius * (1 - y / height)) & (y > 0),
        "cylinder": (np.hypot(x, z) < radius) & (y > 0) & (y < height),
    }[kind]


@pytest.mark.parametrize("shape", SHAPES, ids=CLASSES)
def test_a_ray_enters_a_solid_where_marching_along_it_first_gets_inside(shape):
    (u, v), step = scenes.rays(24), 0.002
    with np.errstate(divide="ignore", invalid="ignore"):
        enter, leave, *normal = shape(u, v, SOLID)
    t = np.arange(2, 6, step)[:, None, None]
    marched = inside(shape.__name__, u * t - 0.3, v * t + 1.8, t - 4.0)
    hit = (enter < leave)[0]
    assert (hit != marched.any(0)).sum() <= 1 and hit.sum() > 30  # a ray may graze between two steps
    both = hit & marched.any(0)
    assert np.abs(t[marched.argmax(0), 0, 0] - enter[0])[both].max() < 1.01 * step
    normal = np.stack([np.broadcast_to(part, enter.shape)[0] for part in normal])[:, both]
    ray = np.stack(np.broadcast_arrays(u, v, np.float32(1)))[:, both]
    assert np.abs(np.square(normal).sum(0) - 1).max() < 1e-3 and (normal * ray).sum(0).max() < 0


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_solids_the_nearer_is_seen_in_whatever_order_they_come(order):
    places = np.array([3.0, 6.0], np.float32)[list(order)]
    fields = [np.zeros(2), np.full(2, -1.8), places, np.full(2, 0.7), np.full(2, 1.2), np.ones(2), np.zeros(2)]
    solids, light = Solids(*(np.float32(field)[None] for field in fields)), np.float32([[0], [1], [0]])
    (u, v), empty = scenes.rays(32), np.full((1, 32, 32), np.inf, np.float32)
    with np.errstate(divide="ignore", invalid="ignore"):
        depth, _, seen = z_buffer(u, v, np.array([[0, 0]]), solids, light, empty, empty)
    near, far = (depth[seen == place] for place in np.argsort(places))
    assert len(near) > len(far) > 0 and near.max() < 3.7 and far.min() > 5.3


def test_scenes_are_a_source_like_any_other():
    inputs, labels = load_source("scenes")
    assert inputs.shape == (4000, 3, 32, 32) and inputs.dtype == np.float32 and labels.dtype == np.int64
    assert inputs.min() == 0 and inputs.max() == 1 and np.array_equal(labels[:50], render(50).classes)
