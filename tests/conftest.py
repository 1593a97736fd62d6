"""What every test has: pictures without a screen, and property tests that never fail because a machine is slow."""

import os

import hypothesis

os.environ["MPLBACKEND"] = "agg"
os.environ["LLMVIZ_REAL_MODELS"] = "recorded"  # the lessons' outputs are those of the recordings that ship

# The same examples on every machine; new ones with `pytest --hypothesis-profile=explore`.
hypothesis.settings.register_profile("explore", deadline=None, print_blob=True)
hypothesis.settings.register_profile("llmviz", parent=hypothesis.settings.get_profile("explore"), derandomize=True)
hypothesis.settings.load_profile("llmviz")

# These files hold fixtures; as several share one name, pytest cannot look for examples in their docstrings.
collect_ignore_glob = ["*conftest.py"]
