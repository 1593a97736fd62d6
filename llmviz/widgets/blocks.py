"""BlockExplorer: the numbers inside one block, each with the products it is the sum of (lesson 4)."""

from collections.abc import Sequence

import numpy as np

from llmviz import plots
from llmviz.model.block import Block
from llmviz.model.trace import BlockTrace
from llmviz.plots import _validation as validation
from llmviz.plots._labels import spoken_token, token_text
from llmviz.widgets.base import JS, Explorer, Table, pack

_STAGES = {"before": "stream before", "attention_input": "attention input", "value": "values", "heads": "head outputs",
           "attention": "attention output", "middle": "stream middle", "feed_forward_input": "MLP input",
           "hidden": "hidden layer", "feed_forward": "MLP output", "after": "stream after"}  # fmt: skip
_MAX_TOKENS, _MAX_LAYERS = 24, 999


class BlockExplorer(Explorer):
    """Every number inside a block, down to the single multiplications that it is the sum of.

    block: the block, whose weights are the factors of the products. layer: which block it is, for the title.
    parts: what it computed, one text: `model.trace(token_ids).blocks[layer]`. tokens: one text a position.
    position: the token that is chosen first.

    Raises ValueError for a block with post-norm or a memory, several texts, and tokens that do not fit. Lesson 4.
    """

    module = JS / "blocks.js"
    title = "Block explorer"
    page_model = "tiny"  # in a page that holds the tiny GPT, blocks_answer.js looks whether the block is its

    def __init__(self, block: Block, parts: BlockTrace, tokens: Sequence[str], *, layer: int = 0, position: int = -1):
        if not isinstance(block, Block) or not isinstance(parts, BlockTrace):
            raise ValueError("give a block and its trace: BlockExplorer(model.blocks[1], trace.blocks[1], tokens)")
        self.arrays = _arrays(parts)
        self.tokens = validation.text_list(tokens, "tokens", len(self.arrays["before"]), "the trace")
        if parts.cross_attention is not None or not block.config.has_default_blocks:
            raise ValueError(
                "the block explorer shows blocks like the tiny GPT's: one text, pre-norm, squared ReLU, no biases; "
                "this one is another"
            )
        if len(self.tokens) > _MAX_TOKENS:
            raise ValueError(f"at most {_MAX_TOKENS} tokens can be shown; given {len(self.tokens)}")
        n = len(self.tokens)
        self.position = validation.whole_number(position, "position", -n, n - 1) % n
        self.block, self.layer = block, validation.whole_number(layer, "layer", 0, _MAX_LAYERS)
        self.weights = parts.attention.weights[0].detach().numpy()

    def traits(self) -> dict:
        attention, network = self.block.attention, self.block.feed_forward
        matrices = {"value": attention.value, "output": attention.output, "up_proj": network.up_proj,
                    "down_proj": network.down_proj}  # fmt: skip
        return {
            "payload": {
                "labels": [token_text(token) for token in self.tokens], "layer": self.layer,
                "n_heads": attention.n_heads, "stages": _STAGES,
                "numbers": {name: pack(array, "float32") for name, array in self.arrays.items()},
                "weights": pack(self.weights, "float32"),
                "matrices": {name: _packed(matrix.weight) for name, matrix in matrices.items()},
            },
            "place": {"stage": "after", "position": self.position, "index": self._largest()},
            "path": [], "pins": [],
        }  # fmt: skip

    def _largest(self) -> int:
        return int(np.abs(self.arrays["after"][self.position]).argmax())

    def sentence(self) -> str:
        index = self._largest()
        value, before, added = (
            self.arrays[stage][self.position, index] for stage in ("after", "middle", "feed_forward")
        )
        return (
            f"Block {self.layer} over {len(self.tokens)} tokens. At {spoken_token(self.tokens[self.position])} "
            f"(position {self.position}) the largest number of the stream after it, number {index}, is about "
            f"{value:,.1f}: {before:,.1f} were in the stream, {added:,.1f} the feed-forward network added."
        )

    def table(self) -> Table:
        rows = [[said, str(self.arrays[name].shape[1]), f"{np.linalg.norm(self.arrays[name][self.position]):.1f}"]
                for name, said in _STAGES.items()]  # fmt: skip
        return Table("From stage to stage, at this token", ["stage", "numbers", "length of the vector"], rows)

    def picture(self) -> bytes:
        names = {"stream": "before", "+ attention": "attention", "= stream after attention": "middle",
                 "+ MLP": "feed_forward", "= stream after MLP": "after"}  # fmt: skip
        stages = {name: self.arrays[stage][self.position] for name, stage in names.items()}
        title = f"{spoken_token(self.tokens[self.position])} in block {self.layer}"
        return plots.to_png(plots.block_flow(stages, title=title))


def _arrays(parts: BlockTrace) -> dict[str, np.ndarray]:
    """The stages, and queries and keys, each (position, width)."""
    attention = parts.attention
    if len(parts.residual_before) != 1:
        raise ValueError(f"the block explorer shows one text; the trace holds {len(parts.residual_before)}")
    tensors = {
        "before": parts.residual_before, "attention_input": parts.attention_input, "value": _merged(attention.value),
        "heads": _merged(attention.head_outputs), "attention": attention.output, "middle": parts.residual_middle,
        "feed_forward_input": parts.feed_forward_input, "hidden": parts.feed_forward_hidden,
        "feed_forward": parts.feed_forward_output, "after": parts.residual_after,
        "query": _merged(attention.query), "key": _merged(attention.key),
    }  # fmt: skip
    return {name: validation.finite_numbers(tensor[0], name, 2) for name, tensor in tensors.items()}


def _merged(heads):
    """(batch, head, position, d_head) → (batch, position, head · d_head)."""
    return heads.transpose(1, 2).flatten(-2)


def _packed(weight) -> dict:
    """A matrix in steps of a 511th of its largest number, so that it deflates well; `largest`: what 32,767 means."""
    array = weight.detach().cpu().numpy()
    step = (float(np.abs(array).max()) or 1.0) / 511
    return {"largest": step / 64 * 32_767, "numbers": pack(np.rint(array / step) * 64, "int16")}
