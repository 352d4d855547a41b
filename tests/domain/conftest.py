"""One Hypothesis profile for the domain: no deadline (shared machines), few examples, the same ones in every run."""

import pytest
from hypothesis import HealthCheck, settings

pytest.register_assert_rewrite("tests.domain.vectors")

settings.register_profile(
    "domain",
    deadline=None,
    max_examples=80,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("domain")
