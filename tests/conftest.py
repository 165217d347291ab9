"""The order of the suite: what takes minutes begins first, so that no core waits for it in the end."""

LONGEST = ("test_pipeline.py", "test_experiments.py")


def pytest_collection_modifyitems(items: list) -> None:
    items.sort(key=lambda item: item.path.name not in LONGEST)
