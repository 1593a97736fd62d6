"""Measure real models in our blocks against transformers, and write the table of docs/pretrained_models.md.

    python tools/measure_families.py            print the table
    python tools/measure_families.py --write    also put it into the page

Small models with random weights: three of each kind in tests/pretrained/judges.py.
"""

import re
import sys
import tempfile
from dataclasses import fields
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "pretrained")]
PAGE = ROOT / "docs" / "pretrained_models.md"
SEEDS = (0, 1, 2)
MODELS = {
    "gpt2": "GPT-2, DistilGPT-2",
    "llama": "Llama 1 to 3, SmolLM2, TinyLlama",
    "mistral": "Mistral 7B, Mistral NeMo",
    "qwen2": "Qwen2, Qwen2.5",
    "qwen3": "Qwen3",
    "olmo2": "OLMo 2",
    "smollm3": "SmolLM3",
    "gemma3_text": "Gemma 3 (270M, 1B)",
    "bert": "BERT, MiniLM",
    "roberta": "RoBERTa",
    "distilbert": "DistilBERT",
}


def measure(kind: str, seed: int) -> tuple[str, set[str], float]:
    """Family, names of its options, and the largest difference of the logits (or of the last stream)."""
    import judges

    with tempfile.TemporaryDirectory() as folder:
        theirs, ours = judges.judge(kind, Path(folder), seed), judges.read(Path(folder))
    ids = torch.randint(4, 20, (2, 20), generator=torch.Generator().manual_seed(seed))
    expected, _ = judges.verdict(theirs, ids)
    if kind == "gpt2 without its head":
        expected = expected @ theirs.wte.weight.detach().T
    with torch.inference_mode():
        error = (ours(ids) - expected).abs().max().item()
    return theirs.config.model_type, options(ours.config), error


def options(config) -> set[str]:
    """The fields of `RealConfig` that a model uses; of its layers what each kind has."""
    from llmviz.model.config import ModelConfig
    from llmviz.pretrained.architecture import RealConfig

    if not isinstance(config, RealConfig):
        return set()
    own = {one.name: one.default for one in fields(RealConfig)}
    own = {name: default for name, default in own.items() if name not in {one.name for one in fields(ModelConfig)}}
    used = {f"`{name}`" for name, default in own.items() if name != "layers" and getattr(config, name) != default}
    ropes = {layer.rope for layer in config.layers}
    used |= {"`window`"} if any(layer.window for layer in config.layers) else set()
    used |= {"no positions"} if None in ropes and config.positions == "rotary" else set()
    used |= {"two rotary bases"} if len({rope.base for rope in ropes - {None}}) > 1 else set()
    used |= {"rope scaling"} if any(rope.factor != 1 for rope in ropes - {None}) else set()
    return used


def table() -> str:
    """The table, a row a family."""
    import judges

    found: dict[str, tuple[set[str], list[float]]] = {name: (set(), []) for name in MODELS}
    for kind in judges.KINDS:
        for seed in SEEDS:
            family, used, error = measure(kind, seed)
            found[family][0].update(used)
            found[family][1].append(error)
    rows = ["| family | models | options beyond the core | largest difference of a logit |", "|---|---|---|---|"]
    for name, (used, errors) in found.items():
        rows.append(f"| `{name}` | {MODELS[name]} | {', '.join(sorted(used)) or '–'} | {max(errors):.0e} |")
    return "\n".join(rows)


def option_rows() -> str:
    """What each option is for, a row each: from the docstring of `RealConfig`."""
    from llmviz.pretrained.architecture import RealConfig

    text = RealConfig.__doc__.partition("Attributes:\n")[2]
    entries = re.findall(r"^ {8}([\w, ]+): (.*?)(?=^ {8}\w|\Z)", text, re.MULTILINE | re.DOTALL)
    rows = [f"| `{names.replace(', ', '`, `')}` | {' '.join(said.split())} |" for names, said in entries]
    return "\n".join(["| option | what it is for |", "|---|---|", *rows])


def filled(page: str, part: str, content: str) -> str:
    """The page with other content between the marks of a part."""
    start, end = f"<!-- {part} -->\n", f"<!-- end of {part} -->"
    before, rest = page.split(start)
    return f"{before}{start}{content}\n{end}{rest.split(end)[1]}"


if __name__ == "__main__":
    print(measured := table())
    if "--write" in sys.argv[1:]:
        page = filled(PAGE.read_text(encoding="utf-8"), "families", measured)
        PAGE.write_text(filled(page, "options", option_rows()), encoding="utf-8")
