"""What every test has: pictures without a screen, and property tests that never fail because a machine is slow."""

import os

import hypothesis

os.environ["MPLBACKEND"] = "agg"

hypothesis.settings.register_profile("llmviz", deadline=None, print_blob=True)
hypothesis.settings.register_profile("ci", parent=hypothesis.settings.get_profile("llmviz"), derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "llmviz")

# These files hold fixtures; as several share one name, pytest cannot look for examples in their docstrings.
collect_ignore_glob = ["*conftest.py"]
