"""How long a learner waits: imports and first pictures, each in a fresh Python, against torch and matplotlib alone."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from measuring import Finding, compare, measure, seconds_of, take_turns

ROOT = Path(__file__).resolve().parent.parent.parent

FIRST_PICTURE = """
from llmviz import plots
from llmviz.tokenizers import CharacterTokenizer
text = "Mia found a red kite."
tokenizer = CharacterTokenizer.train(text)
token_ids = tokenizer.encode(text)
plots.to_png(plots.token_strip(tokenizer.tokens(token_ids), token_ids))
"""
FIRST_ATTENTION = """
import torch
from llmviz import artifacts, plots
tiny = artifacts.load_model("tiny")
token_ids = tiny.tokenizer.encode("Mia found a red kite")
weights = tiny.model.trace(torch.tensor([token_ids])).attention_weights[0, 0].detach()
plots.to_png(plots.attention_heads(weights, tiny.tokenizer.tokens(token_ids))[0])
"""
MATPLOTLIB_PICTURE = """
import io
from matplotlib import pyplot
_, axes = pyplot.subplots()
axes.bar(range(5), range(5))
axes.figure.savefig(io.BytesIO(), format="png")
"""
PROGRAMS = {
    "Python alone": "pass",
    "import llmviz": "import llmviz",
    "import llmviz.tokenizers": "import llmviz.tokenizers",
    "import llmviz.plots": "import llmviz.plots",
    "import matplotlib.pyplot": "import matplotlib.pyplot",
    "import torch": "import torch",
    "first picture (tokens)": FIRST_PICTURE,
    "first picture of matplotlib (bars)": MATPLOTLIB_PICTURE,
    "first look inside the tiny GPT (attention)": FIRST_ATTENTION,
}
PEERS = {
    "import llmviz.plots": "import matplotlib.pyplot",
    "first picture (tokens)": "first picture of matplotlib (bars)",
    "first look inside the tiny GPT (attention)": "import torch",
}


def findings(quick: bool) -> Iterator[Finding]:
    """Measure all programs in turn, the first round (cold files) apart."""
    players = {name: _starter(program) for name, program in PROGRAMS.items()}
    seconds = take_turns(players, 3 if quick else 9, label="starting Python")
    for name in PROGRAMS:
        if name in PEERS:
            peer = PEERS[name]
            yield compare(name, seconds[name], seconds[peer], peer_name=peer, unit="s")
        else:
            yield measure(name, seconds[name], "s")


def _starter(program: str) -> Callable[[], float]:
    environment = os.environ | {"MPLBACKEND": "agg"}
    command = [sys.executable, "-W", "ignore", "-c", program]
    return lambda: seconds_of(lambda: subprocess.run(command, cwd=ROOT, env=environment, check=True))
