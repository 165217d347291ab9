"""The profiles that docs/guide/own-data.md shows pass the checks on data of their sizes."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reglab.config import data_checks, profiles

ROOT = Path(__file__).parent.parent.parent
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", (ROOT / "docs/guide/own-data.md").read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    (tmp_path / "profiles").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(checkout: Path, name: str, *blocks: str) -> None:
    (checkout / "profiles" / f"{name}.yaml").write_text("\n".join(blocks))


def starting(*beginnings: str) -> list[str]:
    return [block for start in beginnings for block in BLOCKS if block.startswith(start)]


def test_the_profile_of_photographs_passes_the_checks_with_three_classes(checkout):
    pixels = np.random.default_rng(0).integers(0, 256, (1000, 8, 8, 3), np.uint8)
    for number, image in enumerate(pixels):
        folder = checkout / "data/source/birds" / ("heron", "owl", "wren")[number % 3]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{number}.png")
    birds, rest = starting("# profiles/birds.yaml", "pretraining:")
    write(checkout, "birds", birds, rest)
    data_checks.check(profiles.load(checkout, "birds"))


def test_the_profile_of_texts_passes_the_checks_with_two_classes(checkout):
    random = np.random.default_rng(0)
    words = [" ".join(random.choice(["sea", "wave", "hill", "wood", "sky", "road"], 8)) for _ in range(400)]
    rows = [f"{number} {text},{('coast', 'land')[number % 2]}" for number, text in enumerate(words)]
    (checkout / "data/source").mkdir(parents=True)
    (checkout / "data/source/reviews.csv").write_text("\n".join(["text,topic", *rows]) + "\n")
    [reviews] = starting("# profiles/reviews.yaml")
    write(checkout, "reviews", reviews)
    data_checks.check(profiles.load(checkout, "reviews"))
