"""Bounds of settings that are counts or shares."""

from typing import Annotated

from annotated_types import Ge, Le, MaxLen, MinLen

# The upper bounds keep a typing error from filling the memory; what is slow but possible is allowed.
Examples = Annotated[int, Ge(1), Le(10_000_000)]
Epochs = Annotated[int, Ge(1), Le(100_000)]
Steps = Annotated[int, Ge(1), Le(10_000)]  # per epoch
BatchSize = Annotated[int, Ge(1), Le(65_536)]
Width = Annotated[int, Ge(1), Le(65_536)]
Share = Annotated[float, Ge(0), Le(1)]
Variants = Annotated[tuple[Examples, ...], MinLen(1), MaxLen(100)]
