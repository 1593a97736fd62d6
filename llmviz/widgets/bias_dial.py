"""BiasDialExplorer: a planted ratio, what models learned from it, what greedy decoding makes of it (lesson 8)."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from llmviz import plots
from llmviz.widgets.base import Explorer, Table

MODULE = Path(__file__).parent / "js" / "bias_dial.js"
_CODE = "bias.train_on_ratio(tokenizer, {nameless}, guest_ratio={guest}, seed={seed})"


class BiasDialExplorer(Explorer):
    """Turn P(she | doctor) in the corpus, and see what models learned that were trained on it, in both places.

    Args:
        recording: what `artifacts.load_recording("limitations")` returns: each setting trained, with several seeds.
        ratio: where the dial stands first; the nearest recorded setting is taken.

    Raises ValueError for a recording without a dial and a ratio outside 0 to 1. Lesson 8.
    """

    module = MODULE
    title = "Bias dial"

    def __init__(self, recording: Mapping, *, ratio: float = 0.7):
        if not {"ratios", "dial", "seeds"} <= set(recording):
            raise ValueError(
                'the bias dial shows a recording with ratios, dial and seeds: artifacts.load_recording("limitations")'
            )
        if not 0 <= ratio <= 1:
            raise ValueError(f"ratio is a share from 0 to 1, but is {ratio!r}")
        self.recording = recording
        self.place = int(np.abs(np.array(recording["ratios"]) - ratio).argmin())

    def traits(self) -> dict:
        """Return the payload and where dial and switches stand."""
        payload = {name: self.recording[name] for name in ("ratios", "seeds", "dial")} | {"code": _CODE}
        return {"payload": payload, "place": self.place, "filtered": False, "greedy": False}

    def inputs(self) -> list:
        """Return what makes the id: the settings."""
        return [list(self.recording["ratios"]), list(self.recording["dial"]), self.place]

    def _mean(self, filtered: str, curve: str) -> np.ndarray:
        """(setting,), the mean over the seeds."""
        return np.array(self.recording["dial"][filtered][curve]).mean(axis=1)

    def sentence(self) -> str:
        """Say what was learned where the dial stands."""
        plain = next(iter(self.recording["dial"]))
        nameless, guest, greedy = (self._mean(plain, c)[self.place] for c in ("anonymous", "guest", "greedy anonymous"))
        return (
            f"Planted: {self.recording['ratios'][self.place]:.0%} of the doctors are she. Learned, the mean of "
            f"{len(self.recording['seeds'])} models: {nameless:.0%} where the doctor has no name, {guest:.0%} where it "
            f"is a guest; in greedy texts {greedy:.0%}."
        )

    def table(self) -> Table:
        """Return what was learned at each setting."""
        plain, *others = self.recording["dial"]
        columns = ["planted", "nameless", "guest", "greedy", *(f"guest, {name}" for name in others)]
        curves = [self._mean(plain, c) for c in ("anonymous", "guest", "greedy anonymous")]
        curves += [self._mean(name, "guest") for name in others]
        rows = [
            [f"{ratio:.1f}", *(f"{curve[place]:.2f}" for curve in curves)]
            for place, ratio in enumerate(self.recording["ratios"])
        ]
        return Table("Share of doctors that are she", columns, rows)

    def picture(self) -> bytes:
        """Return planted against learned as PNG."""
        plain = next(iter(self.recording["dial"]))
        lines = {"planted": self.recording["ratios"], "learned": self._mean(plain, "anonymous"),
                 "greedy": self._mean(plain, "greedy anonymous")}  # fmt: skip
        axes = plots.curves(
            self.recording["ratios"], lines, x_label="planted share of she", y_label="share of she", y_range=(0, 1)
        )
        return plots.to_png(axes)
