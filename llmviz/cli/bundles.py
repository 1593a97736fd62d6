"""llmviz bundle: everything on one stick, for laptops without a network."""

from __future__ import annotations

import argparse
import contextlib
import json
from pathlib import Path

from llmviz.cli.parsing import OK, add_command, add_json

DESCRIPTION = "Pack wheels, lessons and an installer into one folder, so that laptops install from a stick, offline."


def add(commands) -> None:
    """Add the command to the parser."""
    command = add_command(commands, "bundle", _bundle, "all on one stick, to install without a network", DESCRIPTION)
    again = "may be given again (default: this one)"
    systems = f"win_amd64, macosx_arm64, linux_x86_64 or linux_aarch64; {again}"
    command.add_argument("--platform", action="append", metavar="SYSTEM", help=systems)
    command.add_argument("--python", action="append", metavar="X.Y", help=f"3.11, 3.12 or 3.13; {again}")
    command.add_argument("--torch-index", default="", metavar="ADDRESS", help="an index for torch alone: its CPU one")
    command.add_argument("--wheels", type=Path, metavar="DIR", help="look for wheels in this folder too")
    command.add_argument("--offline", action="store_true", help="look for wheels in that folder only")
    command.add_argument("--models", action="store_true", help="take along the real models that are on this machine")
    command.add_argument("--no-zip", action="store_true", help="only the folder, no archive of it")
    command.add_argument("--out", type=Path, default=Path("build"), metavar="DIR", help="default: build")
    add_json(command)


def _bundle(given: argparse.Namespace) -> int:
    from llmviz import bundle
    from llmviz.bundle import packing
    from llmviz.bundle.wheels import Index, with_pip
    from llmviz.pretrained import registry


    index = Index(given.torch_index, given.wheels, given.offline)
    this = None if given.platform and given.python else bundle.here()
    systems, pythons = given.platform or [this.system], given.python or [this.python]
    targets = [bundle.target(system, python) for system in systems for python in pythons]
    if changed := _changed():
        print(f"Not as they were shipped, and packed as they are here: {', '.join(changed)}")
    real = [model for model in registry.KNOWN.values() if registry.installed(model.name)]
    models = [model.folder for model in real] if given.models else []
    made = packing.pack(
        targets, given.out, lambda one: with_pip(one, index), models=models, with_archive=not given.no_zip
    )
    for part, n_bytes in made.sizes.items():
        print(f"  {part:10}{n_bytes / 1e6:8.0f} MB")
    if any(made.folder.glob("wheels/nvidia_*.whl")):
        print("torch brings CUDA, several GB. For laptops: make bundle TORCH_INDEX=<CPU index of PyTorch>")
    if real and not models:
        print(f"Here, and not packed: {', '.join(model.name for model in real)}. With --models they go along.")
    if made.archive:
        print(f"The same as one file: {made.archive}")
    print(f"Copy {made.folder} to a stick. On each laptop: install.bat (Windows), or sh install.sh.")
    if given.json:
        print(json.dumps({"folder": str(made.folder), "bytes": made.sizes}))
    return OK


def _changed() -> list[str]:
    """The lessons that are not as they were shipped; none where nothing tells how that was."""
    from llmviz import restore
    from llmviz.files import NOTEBOOKS

    with contextlib.suppress(FileNotFoundError):
        return [name for name, said, _ in restore.state(NOTEBOOKS) if said == "changed"]
    return []
