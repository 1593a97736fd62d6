"""Real weights: SmolLM2 in our block against transformers, and how much memory loading and writing take."""

import json
import resource
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import torch
from measuring import Finding, NotMeasured, Target, compare, measure, seconds_of, take_turns

from llmviz.generation.sampling import generate
from llmviz.pretrained import registry
from llmviz.pretrained.convert import _load_weights, _open_weights

PROMPT = [504, 3575, 282, 4649, 314]
"""The capital of France is"""
SPEED, MEMORY = Target(1.0), Target(1.2, is_minimum=False, unit=" GB")
N_MEASURED = 200


def findings(quick: bool) -> Iterator[Finding]:
    """Load and write in a fresh process; then let both write the same text in turn, greedily, with a cache."""
    path = registry.installed("smollm2")
    if path is None:
        raise NotMeasured("SmolLM2 is not here: llmviz models add smollm2")
    command = [sys.executable, __file__, str(path)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    note = f"loading takes {found['seconds']:.1f} s; then {N_MEASURED} tokens are written"
    yield measure("SmolLM2-135M: most memory at once", [found["gigabytes"]], "GB", target=MEMORY, note=note)
    n_new = 40 if quick else 100
    source = _open_weights(path)
    ours = _load_weights(source)
    theirs = _transformers(source)
    asked = torch.tensor([PROMPT])
    same = {"attention_mask": torch.ones_like(asked), "max_new_tokens": n_new, "do_sample": False}
    wrote: dict[str, list[int]] = {}

    def our_turn() -> float:
        return n_new / seconds_of(
            lambda: wrote.update(ours=generate(ours, PROMPT, max_new_tokens=n_new, temperature=0))
        )

    @torch.inference_mode()
    def their_turn() -> float:
        def write() -> None:
            wrote["theirs"] = theirs.generate(asked, **same, eos_token_id=None, pad_token_id=0)[0, 5:].tolist()

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return n_new / seconds_of(write)

    speeds = take_turns({"ours": our_turn, "theirs": their_turn}, 3 if quick else 9, label="SmolLM2 writes")
    if wrote["ours"] != wrote["theirs"]:
        raise RuntimeError("the two wrote different texts: nothing to compare")
    yield compare(
        "SmolLM2-135M, greedy, with a cache: against transformers", speeds["ours"], speeds["theirs"],
        peer_name="transformers", unit="tokens/s", per="speed", target=SPEED,
    )  # fmt: skip


def _transformers(source):
    """The library's Llama with the same weights."""
    import transformers

    transformers.logging.set_verbosity_error()
    card = {name: value for name, value in source.card.items() if name != "model_type"}
    with torch.device("meta"):
        model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**card))
    model.to_empty(device="cpu")
    model.load_state_dict({name: source.read(name) for name in source.names}, strict=False)
    model.tie_weights()
    model.model.rotary_emb = type(model.model.rotary_emb)(model.config)
    return model.eval()


def _load_and_write(path: str) -> dict[str, float]:
    """In a process of its own: the time to load, and the most memory that it ever had."""
    models = []
    seconds = seconds_of(lambda: models.append(_load_weights(_open_weights(Path(path)))))
    generate(models[0], PROMPT, max_new_tokens=N_MEASURED, temperature=0)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {"seconds": seconds, "gigabytes": most / 1e9}


if __name__ == "__main__":
    print(json.dumps(_load_and_write(sys.argv[1])))
