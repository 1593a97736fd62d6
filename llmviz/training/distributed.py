"""One training run in several processes: each reads its share of the windows, and all take the same step.

    torchrun --nproc-per-node 2 -m llmviz train --steps 2000 --out runs/two

Data parallelism, as large models are trained: every process has the whole model, computes the gradient of its own
windows, and torch averages the gradients of all before anyone moves (Li and others 2020, "PyTorch Distributed",
section 3). On CPUs the processes talk through gloo, on NVIDIA cards through nccl.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from llmviz.model.transformer import TransformerBase
from llmviz.training.loop import Objective


@dataclass(frozen=True)
class ProcessGroup:
    """The processes of one run, as one of them sees it.

    Attributes:
        rank: which one this is, from 0 on; the first one writes and speaks for all.
        size: how many there are.
    """

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def agreed(self, number: int) -> int:
        """The first one's number, for all of them."""
        if self.size == 1:
            return number
        shared = torch.tensor(number, device=_device())
        torch.distributed.broadcast(shared, src=0)
        return int(shared)

    def check_batch(self, batch_size: int) -> None:
        """Refuse a batch that cannot be shared out evenly: the mean of the processes' means would not be its mean."""
        if batch_size % self.size:
            raise ValueError(
                f"{self.size} processes cannot share {batch_size} windows a step evenly; "
                f"start a number of processes that divides {batch_size}"
            )


SINGLE_PROCESS = ProcessGroup()


@contextmanager
def joined_process_group() -> Iterator[ProcessGroup]:
    """Find the other processes that torchrun started, and leave them at the end; alone without torchrun."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield SINGLE_PROCESS
        return
    if not torch.distributed.is_available():
        raise OSError("this build of torch cannot run several processes; start llmviz train without torchrun")
    torch.distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield ProcessGroup(torch.distributed.get_rank(), size)
    finally:
        torch.distributed.destroy_process_group()


def _device() -> torch.device:
    """Where this process computes: under nccl its own card."""
    if torch.distributed.get_backend() == "nccl":
        return torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    return torch.device("cpu")


def move_to_own_device(model: TransformerBase, optimizers: list[torch.optim.Optimizer]) -> None:
    """Put the model, and what its optimizers remember, where this process computes."""
    model.to(_device())
    for optimizer in optimizers:
        optimizer.load_state_dict(optimizer.state_dict())  # each memory moves to its weight


def shared_objective(objective: Objective, model: TransformerBase, team: ProcessGroup) -> Objective:
    """The same loss, computed together: each process takes every so-manieth window of a step.

    Args:
        objective: the loss of a model on windows, a mean over them.
        model: whose gradients are averaged over the processes after each `backward`.

    Returns:
        an objective whose value is the mean over all windows in every process.
    """
    if team.size == 1:
        return objective
    together = torch.nn.parallel.DistributedDataParallel(model)

    def loss_of_own_windows(_: TransformerBase, windows: Tensor, generator: torch.Generator) -> Tensor:
        own = objective(together, windows[team.rank :: team.size], generator)
        mean = own.detach().clone()
        torch.distributed.all_reduce(mean)
        return own + (mean / team.size - own.detach())  # the mean's value, its own part's gradient

    return loss_of_own_windows
