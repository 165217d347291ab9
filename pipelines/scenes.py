"""Stage `scenes`: rendered scenes, split for every seed, with class, segmentation and depth."""

import stage


def main() -> None:
    from pathlib import Path

    import numpy as np

    from reglab.config import params
    from reglab.data import prepared
    from reglab.data.sources.scenes import render

    settings = params.load()
    scenes = render(settings.scenes.count, settings.scenes.size)
    images = scenes.images.astype(np.float32) / 255
    more = {"masks": scenes.masks, "depth": scenes.depth}
    prepared.write(Path("data/scenes"), settings.scenes, images, scenes.classes, settings.seeds, **more)


if __name__ == "__main__":
    stage.run(main)
