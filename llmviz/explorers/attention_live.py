"""The attention explorer with a model behind it: type a sentence, switch a head off, see what it was worth."""

from collections.abc import Callable, Sequence

import traitlets

from llmviz.explorers.attention import MODULE, AttentionExplorer
from llmviz.shell import LiveExplorer, es_module

Look = Callable[[str, Sequence[tuple[int, int]]], AttentionExplorer]
TEXT = "Ruth borrowed a yellow rope from Hana. On the way to the zoo, she slipped, and the rope"


class LiveAttentionExplorer(LiveExplorer):
    """Where the heads of a model look in a sentence that you type, and what the loss says when some are off.

    Args:
        model, tokenizer: whose heads; `model.trace(token_ids, heads_off=…)` is all that is asked of it.
        look: instead of both, a function from (text, heads_off) to an `AttentionExplorer`. A ValueError that it
            raises is shown in the explorer's place.
        text: the sentence to begin with.
        heads_off: heads that are off at the start, as (layer, head).
        layer, head: which one is chosen first.
        predict: ask before showing.

    Every trait may be set from Python too: `text`, `heads_off`, `layer`, `head`, `threshold`, `view`, `pins`,
    `predict`. `explorer` is what is shown now. Lesson 3.
    """

    _esm = es_module(MODULE)

    text = traitlets.Unicode(TEXT).tag(sync=True)
    heads_off = traitlets.List(traitlets.List(traitlets.Int(), minlen=2, maxlen=2)).tag(sync=True)
    layer = traitlets.Int(0).tag(sync=True)
    head = traitlets.Int(0).tag(sync=True)
    threshold = traitlets.Float(0.05).tag(sync=True)
    view = traitlets.Unicode("one").tag(sync=True)
    pins = traitlets.List(traitlets.Dict()).tag(sync=True)
    predict = traitlets.Bool(False).tag(sync=True)

    def __init__(self, model=None, tokenizer=None, *, look: Look | None = None, heads_off=(), **traits):
        if look is None and (model is None or tokenizer is None):
            raise ValueError("a live attention explorer needs a model and its tokenizer, or a function: look=…")
        self._look = look or look_with(model, tokenizer)
        super().__init__(heads_off=[list(place) for place in heads_off], **traits)
        self._answer()
        self.observe(self._answer, ["text", "heads_off"])

    def _answer(self, _change=None) -> None:
        self.answer(lambda: self._look(self.text, [tuple(place) for place in self.heads_off]))


def look_with(model, tokenizer) -> Look:
    """Return the function that looks into this model: the text begins where a new text begins.

    BERT's tokenizer has a token for that and puts it there itself; before other texts stands the end of the last one.
    """
    import torch

    from llmviz.ablation import token_losses
    from llmviz.trace import Trace

    def look(text: str, heads_off: Sequence[tuple[int, int]]) -> AttentionExplorer:
        if not text.strip():
            raise ValueError("Type a few words, and you see who looks at whom.")
        before = [] if hasattr(tokenizer, "start") else [tokenizer.end_of_text]
        token_ids = torch.tensor([*before, *tokenizer.encode(text)])
        with torch.inference_mode():
            trace = model.trace(token_ids, heads_off=heads_off)
        all_on = token_losses(model, token_ids) if heads_off and isinstance(trace, Trace) else None
        return AttentionExplorer.of(trace, tokenizer.tokens(token_ids.tolist()), losses_all_on=all_on)

    return look
