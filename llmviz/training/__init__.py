"""Training: the loop, optimizers, schedules, runs and checkpoints (lesson 5)."""

from llmviz.training.loop import (
    MEASURED_STEPS,
    TrainingSettings,
    TrainingStep,
    cross_entropy,
    document_starts,
    evaluate,
    measure_seconds_per_step,
    next_token_loss,
    sample_windows,
    train,
    train_steps,
)
from llmviz.training.recording import FOLDER, NAMES, Sample, load_recording, of_losses, save_recording
from llmviz.training.schedules import RangeTest, range_test, warm_up_and_cosine

__all__ = [
    "FOLDER",
    "MEASURED_STEPS",
    "NAMES",
    "RangeTest",
    "Sample",
    "TrainingSettings",
    "TrainingStep",
    "cross_entropy",
    "document_starts",
    "evaluate",
    "load_recording",
    "measure_seconds_per_step",
    "next_token_loss",
    "of_losses",
    "range_test",
    "sample_windows",
    "save_recording",
    "train",
    "train_steps",
    "warm_up_and_cosine",
]
