"""Examples with identical inputs, and the units of a split: examples that belong together, for one reason or another."""

from collections.abc import Iterable, Sequence

import numpy as np

from reglab.data.inputs import Inputs

CHUNK = 2**20  # numbers hashed together: they stay in the processor's cache


def of_inputs(inputs: Inputs | np.ndarray) -> np.ndarray | None:
    """The `duplicates` among inputs: those of `inputs.rows()`, else of the tensors that have a row an example."""
    if isinstance(inputs, np.ndarray):
        return duplicates([inputs])
    if hasattr(inputs, "rows"):
        return duplicates([inputs.rows()])
    return duplicates([array for array in inputs.tensors().values() if len(array) == len(inputs)])


def duplicates(arrays: Sequence[np.ndarray]) -> np.ndarray | None:
    """A number (n,) for each example that identical examples share, whatever their labels; None where all differ.

    arrays: each (n, ...); examples are identical where they agree in all of them. Missing values are equal to each other,
    and so are 0 and -0. Rows are found by a hash of 64 bits, and those with equal hashes are compared in full.
    """
    if not arrays:
        return None
    hashes, widths = np.zeros(len(arrays[0]), np.uint64), [words(array[:1]).shape[1] for array in arrays]
    for number, (array, width) in enumerate(zip(arrays, widths, strict=True)):
        factors = np.random.default_rng(number).integers(0, 2**64, width, np.uint64) | np.uint64(1)
        step = max(CHUNK // max(width, 1), 1)
        for start in range(0, len(array), step):
            hashes[start : start + step] += words(array[start : start + step]) @ factors
    _, first, place = np.unique(hashes, return_index=True, return_inverse=True)
    earlier = first[place]
    numbers, differing = np.arange(len(hashes)), []
    suspects = np.flatnonzero(earlier < numbers)
    step = max(CHUNK // max(sum(widths), 1), 1)
    for start in range(0, len(suspects), step):
        rows = suspects[start : start + step]
        same = (content(arrays, rows) == content(arrays, earlier[rows])).all(1)
        numbers[rows[same]] = earlier[rows[same]]
        differing.append(rows[~same])
    if len(rest := np.concatenate([*differing, suspects[:0]])):  # examples whose hash another one has by chance
        whole = content(arrays, rest)
        whole = np.ascontiguousarray(whole).view(f"V{8 * whole.shape[1]}").ravel()
        _, first, same = np.unique(whole, return_index=True, return_inverse=True)
        numbers[rest] = rest[first][same]
    return numbers if (numbers < np.arange(len(numbers))).any() else None


def content(arrays: Sequence[np.ndarray], rows: np.ndarray) -> np.ndarray:
    """The `words` (m, k) of these rows of all arrays, one behind the other."""
    return np.concatenate([words(array[rows]) for array in arrays], axis=1)


def words(rows: np.ndarray) -> np.ndarray:
    """The bytes of rows (m, ...) as words (m, k) of 64 bits, filled up with zeros; equal values give equal words."""
    if rows.dtype.kind == "f":
        rows = rows + rows.dtype.type(0)  # -0.0 becomes 0.0
        rows[np.isnan(rows)] = np.nan  # of the many bit patterns that are NaN, one
    content = np.ascontiguousarray(rows.reshape(len(rows), -1)).view(np.uint8)
    filled = np.zeros((len(rows), -(-content.shape[1] // 8) * 8), np.uint8)
    filled[:, : content.shape[1]] = content
    return filled.view(np.uint64)


def repeated(numbers: np.ndarray | None) -> int:
    """How many examples are identical to an earlier one, from the result of `duplicates`."""
    return 0 if numbers is None else len(numbers) - len(np.unique(numbers))


def units(*reasons: np.ndarray | None) -> np.ndarray | None:
    """The unit (n,) of each example, numbered from 0: examples that share a number for any reason are in one unit.

    reasons: numbers (n,), such as groups and duplicates, or None where there is no such reason; None if there is none.
    Two groups that share an identical example become one unit.
    """
    given = [np.unique(each, return_inverse=True)[1] for each in reasons if each is not None]
    if not given:
        return None
    joined = given[0]
    for other in given[1:]:
        joined = join(joined, other)
    return joined


def join(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The connected components (n,) of examples of which two are linked if they agree in `one` or in `other`."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    first, second = int(one.max()) + 1, int(other.max()) + 1
    links = coo_array((np.ones(len(one), bool), (one, first + other)), shape=(first + second,) * 2)
    return connected_components(links, directed=False)[1][one]


def apart(rows: np.ndarray, units: np.ndarray | None, others: Iterable[np.ndarray]) -> np.ndarray:
    """Those of the rows whose unit has no row among the others."""
    taken = np.concatenate([*others])
    return rows if units is None else rows[~np.isin(units[rows], units[taken])]
