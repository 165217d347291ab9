"""The preparation of tables: as scikit-learn does it, fitted on the training part alone, of one width."""

import json

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, RobustScaler, StandardScaler

from reglab.data.prepared import inputs_of
from reglab.data.preprocessing.mixed_columns import RARE, TableInputs


def table(seed: int, scaling: str = "robust", rows: int = 200) -> TableInputs:
    random = np.random.default_rng(seed)
    numbers, variables = int(random.integers(1, 6)), int(random.integers(1, 4))
    numeric = random.normal(random.normal(0, 100), 10.0 ** random.integers(-3, 4), (rows, numbers))
    names = tuple(f"x{number}" for number in range(numbers))
    missing = tuple(name for name in names if random.random() < 0.5)
    for name in missing:
        numeric[random.random(rows) < 0.3, names.index(name)] = np.nan
    levels = tuple(tuple(f"level {each}" for each in range(random.integers(2, 9))) for _ in range(variables))
    shares = [random.dirichlet(np.full(len(each), 0.5)) for each in levels]
    codes = np.stack([random.choice(len(share), rows, p=share) for share in shares], 1)
    codes = np.where(random.random(codes.shape) < 0.1, -1, codes).astype(np.int32)
    return TableInputs(numeric, codes, (*names, *(f"c{each}" for each in range(variables))), missing, levels, scaling)


@pytest.mark.parametrize("scaling", ["robust", "standard", "none"])
@pytest.mark.parametrize("seed", range(30))
def test_it_equals_a_column_transformer_fitted_on_the_training_rows(seed, scaling):
    inputs = table(seed, scaling)
    train, others = np.arange(80), np.arange(80, 200)
    numbers, variables = inputs.numeric.shape[1], inputs.codes.shape[1]
    clip = FunctionTransformer(lambda x: x / np.sqrt(1 + (x / 3) ** 2))
    scalers = {"robust": [RobustScaler(), clip], "standard": [StandardScaler()], "none": []}[scaling]
    foreign = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), *scalers), slice(0, numbers)),
            ("missing", MissingIndicator(features="all"), [inputs.names.index(name) for name in inputs.missing]),
            *(
                (f"levels{each}", OneHotEncoder(categories=[np.arange(len(levels), dtype=float)], min_frequency=RARE,
                 handle_unknown="ignore", sparse_output=False), [numbers + each])
                for each, levels in enumerate(inputs.levels)
            ),
        ]
    )  # fmt: skip
    whole = np.hstack([inputs.numeric, inputs.codes])
    wanted = foreign.fit(whole[train]).transform(whole[others])
    result = inputs.take(train).fit().transform(inputs.take(others))
    assert result.dtype == np.float32
    start = numbers + len(inputs.missing)
    tolerance = {"rtol": 1e-6, "atol": 1e-6}
    np.testing.assert_allclose(result[:, :start], wanted[:, :start], **tolerance)
    column, place = start, start
    for variable in range(variables):  # scikit-learn leaves the columns of rare levels out
        count = len(inputs.levels[variable])
        rare = foreign.named_transformers_[f"levels{variable}"].infrequent_categories_[0]
        rare = np.zeros(0) if rare is None else rare
        kept = [level for level in range(count) if level not in rare]
        ours = result[:, column : column + count + 1]
        np.testing.assert_array_equal(ours[:, kept], wanted[:, place : place + len(kept)])
        assert not ours[:, rare.astype(int)].any()
        others_of_it = wanted[:, place + len(kept)] if len(rare) else np.zeros(len(others))
        np.testing.assert_array_equal(ours[:, count], others_of_it)
        column, place = column + count + 1, place + len(kept) + bool(len(rare))
    assert (column, place) == (result.shape[1], wanted.shape[1])


def test_a_level_that_the_training_part_lacks_counts_among_the_others():
    codes = np.array([[0]] * 6 + [[1]] * 6 + [[2], [-1]], np.int32)
    inputs = TableInputs(np.zeros((14, 0)), codes, ("c",), (), (("a", "b", "c"),))
    result = inputs.take(np.arange(12)).fit().transform(inputs.take(np.arange(11, 14)))
    assert result.tolist() == [[0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]]


def test_quartiles_that_are_equal_are_replaced_by_half_the_range():
    """RealMLP, Holzmüller et al. (2024), section 3: 2 / (max - min); then x / sqrt(1 + (x/3)^2)."""
    numeric = np.array([[0.0]] * 9 + [[4.0]])
    inputs = TableInputs(numeric, np.zeros((10, 0), np.int32), ("x",), (), ())
    result = inputs.fit().transform(inputs)
    np.testing.assert_allclose(result[-1], 2 / np.sqrt(1 + (2 / 3) ** 2), rtol=1e-6)
    assert not result[:-1].any()


def test_columns_without_a_value_or_with_one_in_the_training_part_are_zero():
    numeric = np.array([[np.nan, 7.0]] * 8 + [[5.0, 7.0]])
    inputs = TableInputs(numeric, np.zeros((9, 0), np.int32), ("x", "y"), ("x",), ())
    result = inputs.take(np.arange(8)).fit().transform(inputs.take(np.arange(8)))
    assert result.tolist() == [[0, 0, 1]] * 8


@pytest.mark.parametrize("seed", range(10))
def test_other_rows_change_nothing_that_is_fitted(seed):
    inputs, train = table(seed), np.arange(80)
    changed = TableInputs(inputs.numeric.copy(), inputs.codes.copy(), *list(vars(inputs).values())[2:])
    changed.numeric[80:] = 1e6
    changed.codes[80:] = 0
    one, other = (each.take(train).fit().tensors() for each in (inputs, changed))
    assert all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("seed", range(10))
def test_arrays_and_json_restore_inputs_and_preparation(seed):
    inputs = table(seed)
    restored = inputs_of(inputs.tensors(), json.loads(json.dumps(inputs.description())))
    fitted = inputs.fit()
    again = restored.preprocessor(fitted.tensors()).transform(restored)
    np.testing.assert_array_equal(again, fitted.transform(inputs))
    assert (restored.names, restored.missing, restored.levels) == (inputs.names, inputs.missing, inputs.levels)


def test_it_is_as_wide_for_every_training_part():
    inputs, random = table(3), np.random.default_rng(0)
    widths = {inputs.take(random.permutation(200)[:40]).fit().transform(inputs).shape[1] for _ in range(20)}
    assert len(widths) == 1
