"""Wrong answers of lesson 10, written as learners write them."""

import torch
import torch.nn.functional as F


def layer_norm(x, gain, epsilon):
    x = x - x.mean(-1, keepdim=True)
    return x / torch.sqrt((x**2).mean(-1, keepdim=True) + epsilon) * gain


def without_root(x, gain, epsilon):
    return x / ((x * x).mean(dim=-1, keepdim=True) + epsilon) * gain


def by_length(x, gain, epsilon):
    return x / (x.pow(2).sum(-1, keepdim=True) + epsilon).sqrt() * gain


def without_gain(x, gain, epsilon):
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + epsilon)


def over_everything(x, gain, epsilon):
    return x / (x.square().mean() + epsilon).sqrt() * gain


def without_epsilon(x, gain, epsilon):
    return x / x.square().mean(-1, keepdim=True).sqrt() * gain


def silu_on_the_other(x, gate_proj, up_proj, down_proj):
    return ((x @ gate_proj.T) * F.silu(x @ up_proj.T)) @ down_proj.T


def silu_on_both(x, gate_proj, up_proj, down_proj):
    return (F.silu(x @ gate_proj.T) * F.silu(x @ up_proj.T)) @ down_proj.T


def added(x, gate_proj, up_proj, down_proj):
    return (F.silu(x @ gate_proj.T) + x @ up_proj.T) @ down_proj.T


def straight(x, gate_proj, up_proj, down_proj):
    return ((x @ gate_proj.T) * (x @ up_proj.T)) @ down_proj.T


def not_narrowed(x, gate_proj, up_proj, down_proj):
    return F.silu(x @ gate_proj.T) * (x @ up_proj.T)


def bare_sigmoid(x, gate_proj, up_proj, down_proj):
    return (torch.sigmoid(x @ gate_proj.T) * (x @ up_proj.T)) @ down_proj.T


def not_turned(x, gate_proj, up_proj, down_proj):
    return (F.silu(x @ gate_proj) * (x @ up_proj)) @ down_proj


def turn(message):
    return f"<|im_start|>{message['role']}\n{message['content']}<|im_end|>\n"


def nobodys_turn(messages):
    return "".join(map(turn, messages))


def closed(messages):
    return "".join(map(turn, messages)) + "<|im_start|>assistant\n<|im_end|>\n"


def role_in_line(messages):
    parts = [f"<|im_start|>{m['role']} {m['content']}<|im_end|>\n" for m in messages]
    return "".join(parts) + "<|im_start|>assistant "


def all_in_one_line(messages):
    parts = [f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>" for m in messages]
    return "".join(parts) + "<|im_start|>assistant\n"


def never_closed(messages):
    return "".join(f"<|im_start|>{m['role']}\n{m['content']}\n" for m in messages) + "<|im_start|>assistant\n"


def without_roles(messages):
    return "".join(f"<|im_start|>\n{m['content']}<|im_end|>\n" for m in messages) + "<|im_start|>assistant\n"


def as_a_list(messages):
    return [turn(message) for message in messages]


WRONG = {
    "rms_norm": [
        (layer_norm, "that is LayerNorm"),
        (without_root, "forget the root"),
        (by_length, "sum of the squares"),
        (without_gain, "forget the gain"),
        (over_everything, "one mean over everything"),
        (without_epsilon, "forget epsilon"),
    ],
    "swiglu": [
        (silu_on_the_other, "wrong one"),
        (silu_on_both, "bend both"),
        (added, "a gate *multiplies*"),
        (straight, "forget to bend"),
        (not_narrowed, "forget to narrow"),
        (bare_sigmoid, "sigmoid is bare"),
        (not_turned, "shapes do not fit"),
    ],
    "chat_prompt": [
        (nobodys_turn, "turn is missing"),
        (closed, "leave it open"),
        (role_in_line, "after the role"),
        (all_in_one_line, "after `<|im_end|>`"),
        (never_closed, "never close"),
        (without_roles, "who speaks"),
        (as_a_list, "a list"),
    ],
}
