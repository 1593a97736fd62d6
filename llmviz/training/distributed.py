"""Data-parallel training: several processes, each with a share of every batch.

    torchrun --nproc-per-node 2 -m llmviz train --steps 2000 --out runs/two

Every process holds the whole model and computes the gradients of its own windows; torch averages the gradients before
the optimizer step (Li et al. 2020, "PyTorch Distributed", section 3). CPUs communicate by gloo, NVIDIA cards by nccl.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from llmviz.model.transformer import TransformerBase
from llmviz.training.loop import Objective


@dataclass(frozen=True)
class ProcessGroup:
    """The processes of one run: the rank of this one (from 0), and how many there are."""

    rank: int = 0
    size: int = 1

    @property
    def is_main_process(self) -> bool:
        """Whether this process writes and prints for all."""
        return self.rank == 0

    def broadcast(self, number: int) -> int:
        """The main process's number, in every process; waits for all."""
        if self.size == 1:
            return number
        shared = torch.tensor(number, device=_device())
        torch.distributed.broadcast(shared, src=0)
        return int(shared)

    def check_batch(self, batch_size: int) -> None:
        """Refuse a batch that does not split evenly: the mean of the processes' means would not be its mean."""
        if batch_size % self.size:
            raise ValueError(
                f"{self.size} processes cannot share {batch_size} windows a step evenly; "
                f"start a number of processes that divides {batch_size}"
            )


SINGLE_PROCESS = ProcessGroup()


@contextmanager
def join_process_group() -> Iterator[ProcessGroup]:
    """The processes that torchrun started; `SINGLE_PROCESS` without torchrun. Left at the end."""
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
    """Where this process computes: its own card under nccl."""
    if torch.distributed.get_backend() == "nccl":
        return torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    return torch.device("cpu")


def data_parallel(
    objective: Objective, model: TransformerBase, optimizers: Sequence[torch.optim.Optimizer], group: ProcessGroup
) -> Objective:
    """An objective over each process's share of the windows, with the value and gradients of the whole batch.

    The model, and the optimizers' state, are moved to this process's device. A single process keeps its objective.
    """
    if group.size == 1:
        return objective
    model.to(_device())
    for optimizer in optimizers:
        optimizer.load_state_dict(optimizer.state_dict())  # moves the state to the device of its parameter
    replica = torch.nn.parallel.DistributedDataParallel(model)

    def shared_loss(_: TransformerBase, windows: Tensor, generator: torch.Generator) -> Tensor:
        own = objective(replica, windows[group.rank :: group.size], generator)
        total = own.detach().clone()
        torch.distributed.all_reduce(total)
        return own + (total / group.size - own.detach())  # the value of the mean, the gradient of the own part

    return shared_loss
