"""`python -m llmviz` is the same as the command `llmviz`."""

import sys

from llmviz.cli import main

if __name__ == "__main__":
    sys.exit(main())
