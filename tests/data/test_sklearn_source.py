import numpy as np
import pytest
from sklearn import datasets

from reglab.data.sources.sklearn import ScikitLearn


@pytest.mark.parametrize(("name", "classes"), [("breast_cancer", 2), ("wine", 3), ("iris", 3), ("digits", 10)])
def test_the_columns_and_classes_are_those_of_scikit_learn(name, classes):
    bunch, examples = getattr(datasets, f"load_{name}")(), ScikitLearn(name, scaling="none").load()
    assert np.array_equal(examples.inputs.fit().transform(examples.inputs), bunch.data.astype(np.float32))
    assert np.array_equal(examples.targets, bunch.target) and len(examples.classes) == classes
    assert examples.classes == tuple(map(str, bunch.target_names))


def test_the_target_of_diabetes_is_the_amount_of_scikit_learn():
    bunch, examples = datasets.load_diabetes(), ScikitLearn("diabetes", scaling="none").load()
    assert np.array_equal(examples.inputs.fit().transform(examples.inputs), bunch.data.astype(np.float32))
    assert np.array_equal(examples.targets, bunch.target)
    assert examples.targets.dtype == np.float64 and examples.classes == ()
