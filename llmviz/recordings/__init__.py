"""Recordings: a training run kept at some of its steps, so that one can drag through it (lesson 5).

`load("tinyville")` and `load("overfitted")` open those that ship; `record` makes one of any run, `of_losses` one of
a run of which only losses and samples are known. A `TrainingExplorer` shows them.
"""

from llmviz.recordings.making import record, saved_steps, yardsticks
from llmviz.recordings.recording import NAMES, AttentionFilm, Bars, Recording, Sample, load, of_losses, save

__all__ = [
    "NAMES",
    "AttentionFilm",
    "Bars",
    "Recording",
    "Sample",
    "load",
    "of_losses",
    "record",
    "save",
    "saved_steps",
    "yardsticks",
]
