"""The benchmarks are programs for `make bench`, not tests: pytest leaves them alone."""

collect_ignore_glob = ["*.py"]
