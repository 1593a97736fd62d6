"""FactWorldExplorer: every question of the town with its answer, confidence against truth, remedies as switches."""

from pathlib import Path

from llmviz import plots
from llmviz.plots.labels import spoken_prose
from llmviz.widgets.base import Explorer, Table, pack

MODULE = Path(__file__).parent / "js" / "fact_world.js"
_CODE = 'ask(model, tokenizer, [question])  # "{prompt}"'


class FactWorldExplorer(Explorer):
    """Ask about everybody: each question a mark, at the confidence of its answer; remedies move marks and rates.

    Args:
        model, tokenizer: who is asked.
        taught: the same model after refusal tuning (`limits.refusing.teach_to_refuse`); None leaves that switch out.
        threshold: the confidence below which it keeps silent, to begin with.

    Raises ValueError for a threshold outside 0 to 1. Lesson 8.
    """

    module = MODULE
    title = "Fact world"

    def __init__(self, model, tokenizer, *, taught=None, threshold: float = 0.0):
        from llmviz.evaluation.facts import all_questions, ask, with_facts
        from llmviz.finetuning.refusal import refused

        if not 0 <= threshold <= 1:
            raise ValueError(f"threshold is a confidence from 0 to 1, but is {threshold!r}")
        self.threshold = float(threshold)
        self.questions = all_questions()
        asked = {"plain": self.questions, "told": with_facts(self.questions)}
        models = {"": model} | ({"taught ": taught} if taught is not None else {})
        self.answers = {
            who + how: ask(one, tokenizer, questions) for who, one in models.items() for how, questions in asked.items()
        }
        self.silent = {name: refused(answers, tokenizer) for name, answers in self.answers.items()}

    def traits(self) -> dict:
        """Return the payload and where the switches stand."""
        variants = {name: self._variant(name) for name in self.answers}
        groups = [question.group for question in self.questions]
        payload = {"groups": groups, "names": list(dict.fromkeys(groups)), "variants": variants, "code": _CODE}
        return {"payload": payload, "told": False, "taught": False, "threshold": self.threshold, "chosen": 0}

    def _variant(self, name: str) -> dict:
        answers = self.answers[name]
        return {
            "prompts": [spoken_prose(question.prompt, 140) for question in answers.questions],
            "said": [spoken_prose(word, 24) for word in answers.said],
            "truths": [question.truth for question in answers.questions],
            "right": answers.right.int().tolist(),
            "silent": self.silent[name].int().tolist(),
            "confidence": pack(answers.confidence.numpy(), "float32"),
        }

    def inputs(self) -> list:
        """Return what makes the id: the questions, which models, the threshold."""
        return [[question.prompt for question in self.questions], list(self.answers), self.threshold]

    def _shares(self) -> dict[str, tuple[int, float, float]]:
        """Group → (questions, share right, share with a confidence above one half), asked plainly."""
        answers, found = self.answers["plain"], {}
        for group in dict.fromkeys(question.group for question in self.questions):
            here = answers.of(group)
            found[group] = (
                int(here.sum()),
                answers.right[here].float().mean().item(),
                (answers.confidence[here] > 0.5).float().mean().item(),
            )
        return found

    def sentence(self) -> str:
        """Say what is shown before any remedy."""
        answers = self.answers["plain"]
        n_right = int(answers.right.sum())
        return (
            f"{len(self.questions)} questions about everybody in Tinyville. Without any remedy the model answers all: "
            f"{n_right} answers hold, {len(self.questions) - n_right} are invented."
        )

    def table(self) -> Table:
        """Return right answers and confidence by group."""
        rows = [
            [group, str(n), f"{right:.0%}", f"{sure:.1f}"] for group, (n, right, sure) in self._shares().items()
        ]
        return Table("Who is asked about", ["group", "questions", "right", "share above 0.5 confidence"], rows)

    def picture(self) -> bytes:
        """Return confidence against truth as PNG."""
        answers = self.answers["plain"]
        groups = [question.group for question in self.questions]
        return plots.to_png(plots.confidence_marks(answers.confidence, answers.right, groups))
