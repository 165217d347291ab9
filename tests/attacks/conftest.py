"""Two models of the digits: softmax regression, whose robustness is known exactly, and a small network."""

from types import SimpleNamespace

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch.nn.functional import cross_entropy

from reglab.data.sources import digits
from reglab.models.convnet import ConvNet
from reglab.training.network import build


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def data():
    """Training examples apart from 100 to attack."""
    images, labels = (torch.as_tensor(array) for array in digits.load())
    return SimpleNamespace(train=(images[:900], labels[:900]), inputs=images[900:1000], labels=labels[900:1000])


@pytest.fixture(scope="session")
def linear(data):
    inputs, labels = data.train
    fitted = LogisticRegression(C=10, max_iter=2000).fit(inputs.flatten(1), labels)
    weight, bias = (torch.as_tensor(array).float() for array in (fitted.coef_, fitted.intercept_))
    return SimpleNamespace(model=lambda inputs: inputs.flatten(1) @ weight.T + bias, weight=weight, bias=bias)


@pytest.fixture(scope="session")
def network(data):
    """Trained for about a second: clean accuracy above 0.9."""
    inputs, labels = data.train
    network = build(ConvNet(width=8, depth=2), (1, 8, 8), 10, seed=0)
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    for _ in range(60):
        optimizer.zero_grad()
        cross_entropy(network(inputs), labels).backward()
        optimizer.step()
    optimizer.zero_grad()
    return network.eval()
