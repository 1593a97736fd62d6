"""Everything on one stick: wheels, lessons and an installer, so that thirty laptops need no network (`make bundle`).

`targets` says for which systems and Pythons; `wheels` gathers every package that the lessons need there, in the pinned
versions; `packing` lays out the folder and its archive; `installer` is the program that the learner runs, on Python's
standard library alone. docs/teaching/without_a_network.md tells a teacher all of it.
"""

from llmviz.bundle.packing import Bundle, pack
from llmviz.bundle.targets import PYTHONS, SYSTEMS, Target, here, target

__all__ = ["PYTHONS", "SYSTEMS", "Bundle", "Target", "here", "pack", "target"]
