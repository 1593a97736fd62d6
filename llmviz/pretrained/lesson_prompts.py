"""What lesson 10 looks at in real models, and the command that records it: `make_models real_recordings`."""

from __future__ import annotations

from pathlib import Path

from llmviz.pretrained import load
from llmviz.pretrained.chat import chat_prompt
from llmviz.pretrained.probe import LiveModelProbe
from llmviz.pretrained.recorded import record

PROMPTS = (
    "The capital of France is",
    "The capital of Italy is",
    "The Eiffel Tower stands in the city of",
    "Water freezes at zero degrees",
    "Mia lives in the",
)
"""What is gone on with, and looked at layer by layer."""

SENTENCE = "Mia unpacked seventeen strawberries in Tinyville's lighthouse."
LIST = "kite river stone mask apple tower candle garden kite river stone mask apple tower candle garden"
RIVER = (
    "She sat on the bank of the river and fished.",
    "The boat was tied to the muddy bank of the stream.",
    "Reeds grow along the grassy bank of the lake.",
)
MONEY = (
    "He put his money in the bank.",
    "The bank gave her a loan for the house.",
    "She works as a clerk in a bank in the city.",
)
QUESTION = "What is the capital of France?"
INVENTED = (
    "Who wrote the novel The Glass Lighthouse of Tinyville?",
    "Who is Orlin Vashtekar, the mayor of Tinyville?",
    "When was the city of Quandorvale in Portugal founded?",
    "What did the physicist Mira Oldenbrook discover in 1931?",
)
"""Questions about what does not exist: novel, mayor, city and physicist were made up for this lesson."""


def asked(question: str) -> str:
    """A question as the chat model reads it."""
    return chat_prompt([{"role": "user", "content": question}])


PLANS = {
    "smollm2": {
        "tokens": (SENTENCE, LIST, QUESTION, asked(QUESTION)),
        "attention": (LIST,),
        "lens": PROMPTS,
        "goes_on": (QUESTION, *map(asked, (QUESTION, *INVENTED))),
    },
    "minilm": {
        "tokens": (SENTENCE,),
        "word": dict.fromkeys((*RIVER, *MONEY), "bank"),
    },
}


def make(folder: Path) -> None:
    """Record both models anew; they must be here (`llmviz models add smollm2`, `llmviz models add minilm`)."""
    for name, plan in PLANS.items():
        record(LiveModelProbe(load(name)), plan, folder)
