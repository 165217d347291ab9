"""Seeds of a record whose metrics are given."""

import numpy as np


def seeds_of_record(count: int, diverged=(), **metrics) -> dict:
    """`seeds` of a record: each metric is one number for all seeds, or a number for each of them."""
    columns = {metric: np.broadcast_to(values, count) for metric, values in metrics.items()}
    return {
        str(seed): {
            "status": "diverged" if seed in diverged else "finished",
            "metrics": {metric: float(values[seed]) for metric, values in columns.items()},
        }
        for seed in range(count)
    }
