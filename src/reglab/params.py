"""PLACEHOLDER by the lead until the real params.py arrives: overwrite this file."""
from dataclasses import asdict, dataclass, fields
from importlib import import_module
import pkgutil, inspect
from types import SimpleNamespace as N
from ruamel.yaml import YAML

BASES = {"regularizers": "reglab.regularizers.base:Regularizer", "baselines": "reglab.baselines.base:Baseline", "theory": "reglab.theory.base:Topic", "models": "reglab.models.base:Architecture"}

def names(family):
    package = import_module(f"reglab.{family}")
    return sorted(m.name for m in pkgutil.iter_modules(package.__path__) if m.name not in ("base", "parameters"))

def find(family, name):
    module = import_module(f"reglab.{family}.{name}")
    a, b = BASES[family].split(":")
    base = getattr(import_module(a), b)
    return next(c for c in vars(module).values() if inspect.isclass(c) and issubclass(c, base) and c.__module__ == module.__name__)

def settings(x):
    if isinstance(x, N):
        return {k: settings(v) for k, v in vars(x).items()}
    if isinstance(x, dict):
        return {k: settings(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [settings(v) for v in x]
    return asdict(x) if hasattr(x, "__dataclass_fields__") else x

@dataclass
class Tracking:
    uri: str | None
    experiment: str
@dataclass
class Evaluation:
    confidence: float
    relevant_difference: float

class Params(N):
    def recipe(self, name):
        if name in self.regularizers: return "regularizers", (self.regularizers[name],)
        return "combinations", self.combinations[name]
    def entry(self, family, name): return getattr(self, family)[name]
    def shared(self): return {"data": settings(self.data), "model": settings(self.model), "training": settings(self.training)}
    def expected(self): return [(f, n) for f in ("regularizers","combinations","baselines") for n in getattr(self, f)]

def load(path="params.yaml"):
    y = YAML(typ="safe").load(open(path))
    m = dict(y["model"]); model = find("models", m.pop("name"))(**m)
    return Params(data=N(**y["data"]), seeds=y["seeds"], model=model, training=N(**y["training"]),
        baselines={k: find("baselines", k)(**v) for k, v in y["baselines"].items()},
        regularizers={k: find("regularizers", k)(**v) for k, v in y["regularizers"].items()},
        combinations={k: tuple(find("regularizers", t)(**s) for d in v for t, s in d.items()) for k, v in y["combinations"].items()},
        theory={}, evaluation=Evaluation(**y["evaluation"]), tracking=Tracking(**y["tracking"]), processes=y["processes"])
