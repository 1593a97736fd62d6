"""Real weights in our own block: read a source, build the model it describes, fill it, check that nothing is left."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from llmviz.checkpoints import own_tensors
from llmviz.pretrained.families import Origin, Plan, plan
from llmviz.pretrained.sources import GGUFFile, SafetensorsFolder, Source
from llmviz.transformer import Assembly


def open_source(path: str | Path) -> Source:
    """Open a folder with a `config.json` and safetensors, or a GGUF file."""
    path = Path(path).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"there is no model at {path}: give a folder with safetensors, or a .gguf file")
    return SafetensorsFolder(path) if path.is_dir() else GGUFFile(path)


@torch.no_grad()
def load_weights(
    source: Source, *, context_length: int | None = None, device: str | torch.device = "cpu"
) -> tuple[Assembly, Plan]:
    """Build the model that a source describes, and fill it, one tensor at a time.

    Args:
        source: see `open_source`.
        context_length: how many tokens the model is to see; None: as many as it can, at most 2,048.
        device: where the model is to stand.

    Returns:
        a `DecoderOnly` or an `EncoderOnly`, float32, ready to run; and the plan by which it was made.

    Raises ValueError where the source holds a model that our block is not, with what it holds.
    """
    made = plan(source.card, source.names, context_length)
    model = made.assembly(made.config, seed=None)
    own, taken = own_tensors(model), set()
    for origin in made.tensors:
        _fill(own[origin.ours], origin, source, taken)
    if missing := own.keys() - {origin.ours for origin in made.tensors}:
        raise ValueError(f"the file of this {made.family} model does not say what {min(missing)} is")
    left = [name for name in source.names if name not in taken and not name.endswith(made.unused)]
    if left:
        raise ValueError(
            f"this {made.family} model has {len(left)} tensors that our block has no place for, such as {min(left)}: "
            f"it is another architecture"
        )
    model.requires_grad_(False)
    return model.to(device), made


def _fill(ours: Tensor, origin: Origin, source: Source, taken: set[str]) -> None:
    name = next((name for name in origin.theirs if name in source.names), None)
    if name is None:
        raise ValueError(f"the tensor {origin.theirs[0]} is missing; it should become {origin.ours}")
    taken.add(name)
    theirs = source.read(name)
    if origin.n_rows is not None:
        theirs = theirs[: origin.n_rows]
    if origin.plus_first_row_of is not None:
        taken.add(origin.plus_first_row_of)
        theirs = theirs + source.read(origin.plus_first_row_of)[0]
    if origin.third is not None:
        theirs = theirs.chunk(3, dim=-1)[origin.third]
    if origin.turned:
        theirs = theirs.T
    if theirs.shape != ours.shape:
        raise ValueError(
            f"the tensor {name} has the shape {tuple(theirs.shape)}, and by its configuration the model needs "
            f"{tuple(ours.shape)}"
        )
    ours.copy_(theirs)
