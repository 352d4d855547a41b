"""One Hypothesis profile for the domain: no deadline (shared machines), few examples, the same ones in every run."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "domain",
    deadline=None,
    max_examples=60,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("domain")
