"""FactWorldExplorer and BiasDialExplorer: confidence against truth, and a bias planted in the corpus (lesson 8)."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from llmviz import plots
from llmviz.plots._labels import spoken_prose
from llmviz.widgets.base import Explorer, Table, pack

_JS = Path(__file__).parent / "js"
_ASK = 'ask(model, tokenizer, [question])  # "{prompt}"'
_TRAIN = "bias.train_on_ratio(tokenizer, {nameless}, guest_ratio={guest}, seed={seed})"


class FactWorldExplorer(Explorer):
    """Hallucination: a mark for each question about Tinyville, at the confidence of the answer; remedies as switches.

    Args:
        model, tokenizer: who is asked.
        taught: the same model after refusal tuning (`finetuning.refusal_examples`); None leaves that switch out.

    Lesson 8.
    """

    module = _JS / "fact_world.js"
    title = "Fact world"

    def __init__(self, model, tokenizer, *, taught=None):
        from llmviz.evaluation.facts import ask, fact_questions, with_facts
        from llmviz.finetuning.tasks import is_refusal

        self.questions = fact_questions()
        asked = {"plain": self.questions, "told": with_facts(self.questions)}
        models = {"": model} | ({"taught ": taught} if taught is not None else {})
        self.answers = {
            who + how: ask(one, tokenizer, questions) for who, one in models.items() for how, questions in asked.items()
        }
        self.silent = {name: is_refusal(answers, tokenizer) for name, answers in self.answers.items()}

    def traits(self) -> dict:
        variants = {name: self._variant(name) for name in self.answers}
        groups = [question.group for question in self.questions]
        payload = {"groups": groups, "names": list(dict.fromkeys(groups)), "variants": variants, "code": _ASK}
        return {"payload": payload, "told": False, "taught": False, "threshold": 0.0, "chosen": 0}

    def _variant(self, name: str) -> dict:
        answers = self.answers[name]
        return {
            "prompts": [spoken_prose(question.prompt, 140) for question in answers.questions],
            "said": [spoken_prose(word, 24) for word in answers.words],
            "truths": [question.truth for question in answers.questions],
            "right": answers.right.int().tolist(),
            "silent": self.silent[name].int().tolist(),
            "confidence": pack(answers.confidence.numpy(), "float32"),
        }

    def inputs(self) -> list:
        return [[question.prompt for question in self.questions], list(self.answers)]

    def sentence(self) -> str:
        answers = self.answers["plain"]
        n_right = int(answers.right.sum())
        return (
            f"{len(self.questions)} questions about people in Tinyville. Without any remedy the model answers all: "
            f"{n_right} answers are right, {len(self.questions) - n_right} are invented."
        )

    def table(self) -> Table:
        answers, rows = self.answers["plain"], []
        for group in dict.fromkeys(question.group for question in self.questions):
            here = answers.of(group)
            right, sure = answers.right[here].float().mean(), (answers.confidence[here] > 0.5).float().mean()
            rows.append([group, str(int(here.sum())), f"{right:.0%}", f"{sure:.1f}"])
        return Table("Answers by group", ["group", "questions", "right", "share above 0.5 confidence"], rows)

    def picture(self) -> bytes:
        answers = self.answers["plain"]
        groups = [question.group for question in self.questions]
        return plots.to_png(plots.confidence_marks(answers.confidence, answers.right, groups))


class BiasDialExplorer(Explorer):
    """Bias: P(she | doctor) planted in the corpus, and what models trained on it learned and write.

    Args:
        recording: what `artifacts.load_recording("limitations")` returns: models of each ratio and several seeds.
        ratio: which is shown first; the nearest recorded one is taken.

    Raises ValueError for a recording without a dial and a ratio outside 0 to 1. Lesson 8.
    """

    module = _JS / "bias_dial.js"
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
        payload = {name: self.recording[name] for name in ("ratios", "seeds", "dial")} | {"code": _TRAIN}
        return {"payload": payload, "place": self.place, "filtered": False, "greedy": False}

    def inputs(self) -> list:
        return [list(self.recording["ratios"]), list(self.recording["dial"]), self.place]

    def _mean(self, filtered: str, curve: str) -> np.ndarray:
        """(setting,), the mean over the seeds."""
        return np.array(self.recording["dial"][filtered][curve]).mean(axis=1)

    def sentence(self) -> str:
        plain = next(iter(self.recording["dial"]))
        nameless, guest, greedy = (self._mean(plain, c)[self.place] for c in ("anonymous", "guest", "greedy anonymous"))
        return (
            f"Planted: {self.recording['ratios'][self.place]:.0%} of the doctors are she. Learned, the mean of "
            f"{len(self.recording['seeds'])} models: {nameless:.0%} where the doctor has no name, {guest:.0%} where it "
            f"is a guest; in greedy texts {greedy:.0%}."
        )

    def table(self) -> Table:
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
        plain = next(iter(self.recording["dial"]))
        lines = {"planted": self.recording["ratios"], "learned": self._mean(plain, "anonymous"),
                 "greedy": self._mean(plain, "greedy anonymous")}  # fmt: skip
        axes = plots.curves(
            self.recording["ratios"], lines, x_label="planted share of she", y_label="share of she", y_range=(0, 1)
        )
        return plots.to_png(axes)
