"""Lesson 10: solutions, inputs and wrong answers of the exercises."""

import re

import numpy as np
import torch

from llmviz.course._schema import Checks, random_tensor, with_mistake
from llmviz.model.block import rms_norm, swiglu
from llmviz.pretrained.tokenizer import chat_prompt

_X, _GAIN = random_tensor(3, 4, seed=0) + 0.5, torch.tensor([1.0, 2.0, 0.5, -1.0])
_GATE, _UP, _DOWN = random_tensor(6, 4, seed=1), random_tensor(6, 4, seed=2), random_tensor(4, 6, seed=3)
_CHAT = [
    {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Where is Mia?"},
    {"role": "assistant", "content": "In the mill."}, {"role": "user", "content": "And Hugo?"},
]  # fmt: skip


CHECKS = {
    "rms_norm": Checks(
        solution=rms_norm,
        cases=[(_X, torch.ones(4), 1e-5), (_X, _GAIN, 1e-5), (100 * _X[0], _GAIN, 0.0), (_X, _GAIN, 0.5)],
        wrong_functions={
            "layer_norm": lambda x, gain, epsilon: rms_norm(x - x.mean(dim=-1, keepdim=True), gain, epsilon),
            "no_root": with_mistake(rms_norm, ".sqrt()", ""),
            "sum_of_squares": with_mistake(rms_norm, "mean(", "sum("),
            "no_gain": lambda x, gain, epsilon: rms_norm(x, 1.0, epsilon),
            "mean_over_everything": with_mistake(rms_norm, "dim=-1, keepdim=True", ""),
            "epsilon_outside": lambda x, gain, epsilon: x / (x.square().mean(-1, keepdim=True).sqrt() + epsilon) * gain,
            "no_epsilon": lambda x, gain, epsilon: rms_norm(x, gain, 0.0),
        },
    ),
    "swiglu": Checks(
        solution=swiglu,
        cases=[(_X, _GATE, _UP, _DOWN), (-2 * _X, _UP, _GATE, _DOWN)],
        wrong_functions={
            "silu_on_widened": lambda x, gate, up, down: swiglu(x, up, gate, down),
            "silu_on_both": with_mistake(swiglu, "(x @ up_proj.T)", "F.silu(x @ up_proj.T)"),
            "added": with_mistake(swiglu, ") * (", ") + ("),
            "no_silu": with_mistake(swiglu, "F.silu", ""),
            "other_activation": [with_mistake(swiglu, "F.silu", activation) for activation in ("F.gelu", "F.relu")],
            "sigmoid_only": with_mistake(swiglu, "F.silu", "torch.sigmoid"),
        },
        conditions={
            "not_narrowed": lambda result, x, gate_proj, *weights: np.shape(result)[-1:] == gate_proj.shape[:1]
        },
        exceptions={"not_transposed": "Error: .*(mat|size|shape|dim)"},
    ),
    "chat_prompt": Checks(
        solution=chat_prompt,
        cases=[(_CHAT[:2],), (_CHAT,), (_CHAT[:1],)],
        wrong_functions={
            "no_assistant_turn": lambda messages: chat_prompt(messages).removesuffix("<|im_start|>assistant\n"),
            "assistant_turn_closed": lambda messages: chat_prompt(messages) + "<|im_end|>\n",
            "no_line_break_after_role": lambda messages: re.sub(r"(start\|>\w+)\n", r"\1 ", chat_prompt(messages)),
            "no_line_break_after_turn": lambda messages: chat_prompt(messages).replace("<|im_end|>\n", "<|im_end|>"),
            "no_last_line_break": lambda messages: chat_prompt(messages).rstrip(),
            "turns_not_closed": lambda messages: chat_prompt(messages).replace("<|im_end|>", ""),
            "no_roles": lambda messages: re.sub(r"(start\|>)\w+(?=\n.)", r"\1", chat_prompt(messages)),
        },
        conditions={"list_of_messages": lambda result, messages: isinstance(result, list)},
    ),
}
