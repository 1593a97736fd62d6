"""Wrong answers as learners write them, with the mistake that must be recognized."""

import torch
import torch.nn.functional as F


def turn(message):
    return f"<|im_start|>{message['role']}\n{message['content']}<|im_end|>\n"


WRONG_ANSWERS = {
    "rms_norm": [
        ("no_root", lambda x, gain, epsilon: x / ((x * x).mean(dim=-1, keepdim=True) + epsilon) * gain),
        ("sum_of_squares", lambda x, gain, epsilon: x / (x.pow(2).sum(-1, keepdim=True) + epsilon).sqrt() * gain),
        ("no_gain", lambda x, gain, epsilon: x * torch.rsqrt(x.square().mean(-1, keepdim=True) + epsilon)),
        ("mean_over_everything", lambda x, gain, epsilon: x / (x.square().mean() + epsilon).sqrt() * gain),
        ("no_epsilon", lambda x, gain, epsilon: x / x.square().mean(-1, keepdim=True).sqrt() * gain),
    ],
    "swiglu": [
        (
            "silu_on_widened",
            lambda x, gate_proj, up_proj, down_proj: ((x @ gate_proj.T) * F.silu(x @ up_proj.T)) @ down_proj.T,
        ),
        (
            "silu_on_both",
            lambda x, gate_proj, up_proj, down_proj: (F.silu(x @ gate_proj.T) * F.silu(x @ up_proj.T)) @ down_proj.T,
        ),
        ("added", lambda x, gate_proj, up_proj, down_proj: (F.silu(x @ gate_proj.T) + x @ up_proj.T) @ down_proj.T),
        ("no_silu", lambda x, gate_proj, up_proj, down_proj: ((x @ gate_proj.T) * (x @ up_proj.T)) @ down_proj.T),
        ("not_narrowed", lambda x, gate_proj, up_proj, down_proj: F.silu(x @ gate_proj.T) * (x @ up_proj.T)),
        (
            "sigmoid_only",
            lambda x, gate_proj, up_proj, down_proj: (torch.sigmoid(x @ gate_proj.T) * (x @ up_proj.T)) @ down_proj.T,
        ),
        (
            "not_transposed",
            lambda x, gate_proj, up_proj, down_proj: (F.silu(x @ gate_proj) * (x @ up_proj)) @ down_proj,
        ),
    ],
    "chat_prompt": [
        ("no_assistant_turn", lambda messages: "".join(map(turn, messages))),
        (
            "assistant_turn_closed",
            lambda messages: "".join(map(turn, messages)) + "<|im_start|>assistant\n<|im_end|>\n",
        ),
        (
            "turns_not_closed",
            lambda messages: (
                "".join(f"<|im_start|>{m['role']}\n{m['content']}\n" for m in messages) + "<|im_start|>assistant\n"
            ),
        ),
        (
            "no_roles",
            lambda messages: (
                "".join(f"<|im_start|>\n{m['content']}<|im_end|>\n" for m in messages) + "<|im_start|>assistant\n"
            ),
        ),
        ("list_of_messages", lambda messages: [turn(message) for message in messages]),
    ],
}
