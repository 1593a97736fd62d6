"""What real models answered, recorded: so that lesson 10 runs where nobody has downloaded them.

A recording is a JSON file that can be read, and a compressed npz file with the arrays (no pickles).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from llmviz.files import data_path, read_json
from llmviz.model.config import ModelConfig

if TYPE_CHECKING:
    from llmviz.pretrained.probe import ModelProbe

FORMAT = "llmviz real model 1"
SHIPPED = "recordings/real"
_STEPS = 10_000  # attention weights are kept in steps of 1 / 10,000


class RecordedModelProbe:
    """A `glass.Glass` that knows what was recorded, and nothing else.

    Args:
        card: "name", "config", and "answers": question → text → answer; of arrays the name in `arrays`.
        arrays: what is in the npz file.
    """

    is_recorded = True

    def __init__(self, card: Mapping[str, Any], arrays: Mapping[str, np.ndarray]):
        self.name, self.config = card["name"], ModelConfig(**card["config"])
        self.answers, self.arrays = card["answers"], arrays

    @classmethod
    def load(cls, name: str) -> Self:
        """Read a recording that ships; raises FileNotFoundError without it, ValueError for a damaged one."""
        path = data_path(f"{SHIPPED}/{name}.json")
        card = read_json(path)
        if not isinstance(card, dict) or card.get("format") != FORMAT:
            raise ValueError(f'{path} is not a recording of a real model: its format should be "{FORMAT}"')
        with np.load(path.with_suffix(".npz"), allow_pickle=False) as arrays:
            return cls(card, dict(arrays))

    def _answer(self, question: str, text: str) -> Any:
        known = self.answers.get(question, {})
        if text not in known:
            raise ValueError(
                f"of this text {question!r} was not recorded; recorded are {', '.join(map(repr, known)) or 'none'}. "
                f"The model itself takes any text: llmviz models add {self.name}"
            )
        return known[text]

    def tokens(self, text: str) -> list[str]:
        """See `glass.Glass`."""
        return list(self._answer("tokens", text))

    def attention(self, text: str) -> np.ndarray:
        """See `glass.Glass`."""
        return _unpacked(self.arrays[self._answer("attention", text)])

    def lens(self, text: str) -> list[list[tuple[str, float]]]:
        """See `glass.Glass`."""
        return [[(token, share) for token, share in layer] for layer in self._answer("lens", text)]

    def next_tokens(self, text: str) -> list[tuple[str, float]]:
        """See `glass.Glass`."""
        return self.lens(text)[-1]

    def goes_on(self, text: str) -> str:
        """See `glass.Glass`."""
        return self._answer("goes_on", text)

    def word(self, text: str, word: str) -> np.ndarray:
        """See `glass.Glass`."""
        places = self._answer("word", text)
        if word not in places:
            raise ValueError(f"of this text the vectors of {', '.join(map(repr, places))} were recorded, not {word!r}")
        return self.arrays[places[word]].astype(np.float32)


def record(glass: ModelProbe, plan: Mapping[str, Any], folder: Path) -> None:
    """Ask a glass everything that is planned, and write the answers down.

    Args:
        glass: who answers.
        plan: question → texts; of "word": text → word.
        folder: gets NAME.json and NAME.npz.
    """
    answers: dict[str, dict[str, Any]] = {question: {} for question in plan}
    arrays: dict[str, np.ndarray] = {}
    for text in plan.get("tokens", ()):
        answers["tokens"][text] = glass.tokens(text)
    for number, text in enumerate(plan.get("attention", ())):
        arrays[f"attention-{number}"] = _packed(glass.attention(text))
        answers["attention"][text] = f"attention-{number}"
    for text in plan.get("lens", ()):
        layers = glass.lens(text)
        answers["lens"][text] = [[(token, float(f"{share:.4g}")) for token, share in layer] for layer in layers]
    for text in plan.get("goes_on", ()):
        answers["goes_on"][text] = glass.goes_on(text)
    for number, (text, word) in enumerate(plan.get("word", {}).items()):
        arrays[f"word-{number}"] = glass.word(text, word).astype(np.float16)
        answers["word"][text] = {word: f"word-{number}"}
    card = {
        "format": FORMAT,
        "name": glass.name,
        "command": "python -m llmviz.make_models real_recordings",
        "config": asdict(glass.config),
        "answers": answers,
    }
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(card, ensure_ascii=False).replace("]], ", "]],\n  ").replace('}, "', '},\n "')
    (folder / f"{glass.name}.json").write_text(text + "\n", encoding="utf-8")
    np.savez_compressed(folder / f"{glass.name}.npz", **arrays)


def _packed(weights: np.ndarray) -> np.ndarray:
    return np.round(weights * _STEPS).astype(np.uint16)


def _unpacked(weights: np.ndarray) -> np.ndarray:
    """Back to shares; each row adds up to 1 again."""
    shares = weights.astype(np.float32)
    return shares / shares.sum(axis=-1, keepdims=True)
