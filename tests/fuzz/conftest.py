"""How the fuzzing runs: the same examples in each run, whatever the machine's speed, and no file left behind."""

import pytest
from hypothesis import HealthCheck, configuration, settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

settings.register_profile(
    "house",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],  # a stopwatch
)
settings.load_profile("house")


@pytest.fixture(autouse=True)
def the_same_examples_whatever_ran_before(monkeypatch):
    # Hypothesis mixes in numbers and texts out of the modules that happen to be imported.
    monkeypatch.setattr(providers, "_get_local_constants", Constants)


@pytest.fixture(autouse=True, scope="session")
def no_folder_beside_the_code(tmp_path_factory):
    configuration.set_hypothesis_home_dir(tmp_path_factory.mktemp("hypothesis"))
