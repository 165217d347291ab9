"""Reads one image file as whole numbers (channels, height, width), whatever its mode, and refuses what is none.

EXIF orientation is applied. Transparent pixels stand on white. Palettes, CMYK and other colour spaces become RGB; where one
channel is wanted, colours become grey by ITU-R 601-2 luma, as Pillow converts them; where three are wanted, grey is repeated.
Grey images of 16 bits keep their bits (uint16); everything else has 8 (uint8). Of several frames the first is read.
"""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.Image import open as open_image

from reglab.core.errors import UserError

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")  # Pillow reads others by running other programs
ALLOWED = "a whole image file: png, jpeg, bmp, gif, tiff, webp, ppm"
LARGEST = 2**26  # pixels of a file; a small file can claim more than the memory holds


def read_image(path: Path, channels: int, size: tuple[int, int] | None) -> np.ndarray:
    """The pixels, resized with antialiasing to `size` (height, width) if there is one; UserError where it is no image."""
    if not path.is_file():  # which is not waited for
        raise UserError(f"{path}: found a device, such as a pipe; allowed: {ALLOWED}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata, and of sizes that are checked here
            with open_image(path, formats=FORMATS) as image:
                width, height = image.size
                if width * height > LARGEST:
                    found, allowed = f"{width:,} x {height:,} pixels", f"at most {LARGEST:,} pixels"
                    raise UserError(f"{path}: found {found}; allowed: {allowed}")
                return pixels(ImageOps.exif_transpose(image), channels, size, path)
    except Image.DecompressionBombError:
        raise UserError(f"{path}: found too many pixels; allowed: at most {LARGEST:,}") from None
    except UnidentifiedImageError:
        found = "no image" if path.stat().st_size else "an empty file"
        raise UserError(f"{path}: found {found}; allowed: {ALLOWED}") from None
    except UserError:
        raise
    except Exception as error:  # a decoder may raise anything on damaged files
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise UserError(f"{path}: found a truncated or damaged image ({reason}); allowed: {ALLOWED}") from None


def pixels(image: Image.Image, channels: int, size: tuple[int, int] | None, path: Path) -> np.ndarray:
    """The pixels of an open image (channels, height, width), uint8 or uint16."""
    if image.mode in ("I", "F"):
        found = f"pixels of 32 bits (mode {image.mode})"
        raise UserError(f"{path}: found {found}; allowed: 8 bits, or grey with 16 bits; arrays hold other numbers")
    if image.mode.startswith("I;16"):
        deep = image.convert("I").convert("F")  # which Pillow resizes
        rows = np.asarray(resized(deep, size))
        grey = np.clip(np.rint(rows), 0, 65_535).astype(np.uint16)
        return np.repeat(grey[None], channels, 0)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = resized(image.convert("L" if channels == 1 else "RGB"), size)
    array = np.asarray(image)
    return array[None] if channels == 1 else array.transpose(2, 0, 1)


def resized(image: Image.Image, size: tuple[int, int] | None) -> Image.Image:
    if size is None or (image.height, image.width) == size:
        return image
    return image.resize((size[1], size[0]), Image.Resampling.BICUBIC)
