"""What the geometry of a policy costs, beside torch's affine_grid and grid_sample and kornia: 128 images, one thread.

    python benchmarks/augmentation.py

About a minute. All rotate, move, grow and shear, with fresh parameters for each example; `plain` is what one writes down
first: parameters from torch.rand, their matrices, affine_grid, grid_sample. kornia is no requirement of this project:
`make bench` installs it beside it (benchmarks/requirements.txt), and without it the other comparisons remain.

Processor time; all take turns, and a ratio is the median over the turns. Expected: ours about 1.1 x plain for 8x8 images,
where the number of operations counts, and 0.4 to 0.7 x for larger ones; 0.25 to 0.5 x kornia.
"""

import math
import os
import sys
import time
from pathlib import Path
from statistics import median

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

import torch
from tools.others import RandomAffine
from tools.ratios import save, spread
from torch.nn.functional import affine_grid, grid_sample

from reglab.core.streams import Moment
from reglab.data.augmentation.geometry import places, warp
from reglab.data.augmentation.policy import Policy

TURNS, BATCH, EXAMPLES = 15, 128, 1000
ROTATION, TRANSLATION, SCALE, SHEAR = 15.0, 0.1, 0.1, 10.0
POLICY = Policy(rotation=ROTATION, translation=TRANSLATION, scale=SCALE, shear=SHEAR)
SHAPES = {(1, 8, 8): 200, (3, 32, 32): 20, (3, 64, 64): 5}  # calls a turn


def plain(images):
    """Random affine maps of square images as one writes them down first."""
    angle, x, y, growth, lean = (2 * torch.rand(len(images)) - 1 for _ in range(5))
    angle, slope, zoom = math.radians(ROTATION) * angle, (math.radians(SHEAR) * lean).tan(), 1 + SCALE * growth
    cos, sin, one, zero = angle.cos(), angle.sin(), torch.ones(len(images)), torch.zeros(len(images))
    rotation = torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1) / zoom[:, None, None]
    shear = torch.stack([torch.stack([one, slope], 1), torch.stack([zero, one], 1)], 1)
    maps = torch.cat([shear @ rotation, 2 * TRANSLATION * torch.stack([x, y], 1)[:, :, None]], 2)
    return sampled(images, maps)


def sampled(images, maps):
    return grid_sample(images, affine_grid(maps, images.shape, align_corners=False), align_corners=False)


def compare(shape: tuple[int, int, int], calls: int) -> None:
    images, moment = torch.rand(BATCH, *shape), Moment(seed=0, epoch=0, step=0)
    indices, height, width = torch.randperm(EXAMPLES)[:BATCH], *shape[1:]
    maps = POLICY.maps(torch.rand(BATCH, 9), height, width)
    theirs = maps * torch.tensor([1, 1, 2 / width])  # of square images, in affine_grid's unit
    work = {
        "plain": lambda: plain(images),
        "ours": lambda: POLICY(images, moment, indices, EXAMPLES),
        "sampled": lambda: sampled(images, theirs),
        "seen": lambda: warp(images, places(maps, height, width)),
    }
    if RandomAffine:
        degrees = {"degrees": ROTATION, "translate": (TRANSLATION,) * 2, "shear": SHEAR, "p": 1.0}
        random = RandomAffine(scale=(1 - SCALE, 1 + SCALE), **degrees)
        work["kornia"] = lambda: random(images)
    seconds = {name: [] for name in work}
    for _ in range(TURNS):
        for name, call in work.items():
            start = time.process_time()
            for _ in range(calls):
                call()
            seconds[name].append((time.process_time() - start) / calls)

    def ratio(one: str, other: str) -> dict[str, float]:
        return spread(list(zip(seconds[one], seconds[other], strict=True)))

    milliseconds, size = median(seconds["ours"]) * 1e3, "x".join(map(str, shape))
    others = {"a plain transform": ratio("ours", "plain")} | (
        {"kornia": ratio("ours", "kornia")} if RandomAffine else {}
    )
    print(
        f"{size:8} ours {milliseconds:6.2f} ms; from given maps {ratio('seen', 'sampled')} x affine_grid and grid_sample"
    )
    for name, against in others.items():
        print(f"{'':8} {against} x {name}")
        save({f"augmentation of a batch of 128 images of {size}, against {name}": against})


def main() -> None:
    torch.set_num_threads(1)
    for shape, calls in SHAPES.items():
        compare(shape, calls)


if __name__ == "__main__":
    main()
