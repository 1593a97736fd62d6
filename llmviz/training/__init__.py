"""Training: the loop, optimizers, schedules, runs and checkpoints (lesson 5)."""

from llmviz.training.loop import (
    IGNORE_INDEX,
    TrainingSettings,
    TrainingStep,
    cross_entropy,
    document_nats,
    document_starts,
    evaluate,
    evaluate_documents,
    next_token_loss,
    sample_windows,
    shifted_windows,
    train,
    train_steps,
)
from llmviz.training.optimizers import warm_up_and_cosine
from llmviz.training.recording import Recording, Sample, baselines, load_recording
from llmviz.training.scaling import RangeTest, range_test
