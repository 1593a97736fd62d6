"""Lesson 10: solutions, inputs and wrong answers of the exercises."""

import re

import numpy as np
import torch

from llmviz.course._schema import Checks, random_tensor, with_mistake
from llmviz.generation.flops import cache_bytes
from llmviz.generation.sampling import _filter
from llmviz.pretrained.tokenizer import chat_prompt

_SAID = [("system", "Be brief."), ("user", "Where is Mia?"), ("assistant", "In the mill."), ("user", "And Hugo?")]
_CHAT = [{"role": role, "content": content} for role, content in _SAID]
_ONE_TOKEN, _SCORES = torch.tensor([2.0, -1.0, 0.5, 1.0]), random_tensor(3, 6, seed=0)


def kv_cache_bytes(n_tokens, n_layers, n_heads, n_key_value_heads, d_head, bytes_per_number):
    """Memory of the keys and values of a text."""
    numbers = 2 * n_tokens * n_layers * n_key_value_heads * d_head  # 2: a key and a value
    return numbers * bytes_per_number


def route(scores, k):
    """Router weights: the softmax over the k highest scores of each token, 0 for all other experts."""
    kth_best = scores.topk(k).values[..., -1:]
    return scores.masked_fill(scores < kth_best, float("-inf")).softmax(dim=-1)


CHECKS = {
    "kv_cache_bytes": Checks(
        solution=kv_cache_bytes,
        shown_with_solution=(cache_bytes,),
        cases=[(10, 2, 4, 3, 8, 4), (1024, 12, 12, 12, 64, 2), (4096, 80, 64, 8, 128, 2), (7, 30, 9, 3, 64, 1)],
        wrong_functions={
            name: with_mistake(kv_cache_bytes, right, wrong) for name, right, wrong in (
                ("query_heads", "n_layers * n_key_value_heads", "n_layers * n_heads"),
                ("heads_per_group", "n_key_value_heads * d", "(n_heads // n_key_value_heads) * d"),
                ("added_heads", "n_key_value_heads * d", "(n_heads + n_key_value_heads) * d"),
                ("all_heads", "n_layers * n_key", "n_layers * n_heads * n_key"),
                ("queries_too", "2 * n_tokens", "3 * n_tokens"),
                ("no_values", "2 * n_tokens", "n_tokens"),
                ("no_tokens", "n_tokens * n_layers", "n_layers"),
                ("no_layers", "n_layers * n_key", "n_key"),
                ("no_d_head", " * d_head", ""),
                ("no_bytes", "numbers * bytes_per_number", "numbers"),
                ("divided", "numbers * bytes", "numbers / bytes"),
                ("bits", "numbers * bytes_per_number", "numbers * bytes_per_number * 8"),
                ("mebibytes", "numbers * bytes_per_number", "numbers * bytes_per_number / 2**20"),
            )
        },
    ),
    "route": Checks(
        solution=route,
        shown_with_solution=(_filter,),
        cases=[(_ONE_TOKEN, 2), (_SCORES, 2), (_SCORES, 1), (_SCORES[None], 3)],
        wrong_functions={
            "all_experts": lambda scores, k: scores.softmax(dim=-1),
            "not_renormalized": lambda scores, k: scores.softmax(dim=-1) * (route(scores, k) > 0),
            "zeros_before_softmax": with_mistake(route, 'float("-inf")', "0.0"),
            "no_softmax": with_mistake(route, ".softmax(dim=-1)", ".nan_to_num(neginf=0.0)"),
            "equal_weights": lambda scores, k: (route(scores, k) > 0) / k,
            "lowest": lambda scores, k: route(-scores, k),
            "one_more": lambda scores, k: route(scores, min(k + 1, scores.shape[-1])),
            "best_only": lambda scores, k: route(scores, 1),
        },
        conditions={"only_the_k": lambda result, scores, k: np.shape(result)[-1:] == (k,)},
    ),
    "chat_prompt": Checks(
        solution=chat_prompt,
        cases=[(_CHAT[:2],), (_CHAT,), (_CHAT[:1],)],
        wrong_functions={
            "no_assistant_turn": lambda messages: chat_prompt(messages).removesuffix("<|im_start|>assistant\n"),
            "assistant_turn_closed": [lambda messages, end=end: chat_prompt(messages).rstrip() + end
                                      for end in ("<|im_end|>", "<|im_end|>\n", "\n<|im_end|>", "\n<|im_end|>\n")],
            "no_line_break_after_role": lambda messages: re.sub(r"(start\|>\w+)\n", r"\1 ", chat_prompt(messages)),
            "no_line_break_after_turn": lambda messages: chat_prompt(messages).replace("<|im_end|>\n", "<|im_end|>"),
            "no_last_line_break": lambda messages: chat_prompt(messages).rstrip(),
            "turns_not_closed": lambda messages: chat_prompt(messages).replace("<|im_end|>", ""),
            "no_roles": lambda messages: re.sub(r"(start\|>)\w+(?=\n.)", r"\1", chat_prompt(messages)),
        },
        conditions={"list_of_messages": lambda result, messages: isinstance(result, list)},
    ),
}  # fmt: skip
