"""Right answers as learners write them: loops, NumPy, torch's own functions; and results in every usual form."""

import math
from collections import Counter
from itertools import product

import numpy as np
import torch
import torch.nn.functional as F

SCALARS = {
    "Python": lambda array: array.tolist(),
    "tuples": lambda array: tuple(map(tuple, array.tolist())) if array.ndim == 2 else tuple(array.tolist()),
    "NumPy": np.array,
    "float32 of NumPy": lambda array: array if array.dtype.kind in "biu" else array.astype(np.float32),
    "torch": torch.tensor,
    "scalars of NumPy": lambda array: list(array),
    "scalars of torch": lambda array: list(torch.tensor(array)),
    **{
        str(kind): lambda array, kind=kind: torch.tensor(array).to(None if array.dtype.kind in "biu" else kind)
        for kind in (torch.float64, torch.float16, torch.bfloat16)
    },
    "with gradients": lambda array: torch.tensor(array).requires_grad_(array.dtype.kind == "f"),
}


def in_style(result, style):
    """A result with its numbers in another form."""
    if isinstance(result, dict):
        return {key: in_style(value, style) for key, value in result.items()}
    if isinstance(result, np.ndarray | torch.Tensor):
        array = torch.as_tensor(result).numpy()
        return SCALARS[style](array) if array.ndim else in_style(array.item(), style)
    if isinstance(result, bool | int | float):
        return (
            result
            if style in ("Python", "tuples", "scalars of NumPy", "scalars of torch")
            else SCALARS[style](np.array(result))
        )
    if isinstance(result, list | tuple) and result and all(isinstance(one, int | float) for one in result):
        return SCALARS[style](np.array(result))
    return type(result)(in_style(one, style) for one in result) if type(result) in (list, tuple) else result


def joined(pieces, pair):
    text = "\0".join(["", *pieces, ""])
    while f"\0{pair[0]}\0{pair[1]}\0" in text:
        text = text.replace(f"\0{pair[0]}\0{pair[1]}\0", f"\0\1{pair[0]}{pair[1]}\0", 1)
    return text.replace("\1", "").split("\0")[1:-1]


def by_recursion(word, vocabulary, mark=""):
    for end in range(len(word), 0, -1):
        if mark + word[:end] in vocabulary:
            rest = by_recursion(word[end:], vocabulary, "##")
            return [mark + word[:end], *rest] if rest != ["<unk>"] else rest
    return ["<unk>"] if word else []


def kept_and_renormalized(scores, k):
    weights = np.exp(scores.numpy())
    weights[scores.numpy() < np.sort(scores.numpy(), axis=-1)[..., -k, None]] = 0
    return weights / weights.sum(axis=-1, keepdims=True)


def route_in_loops(scores, k):
    if scores.ndim > 1:
        return [route_in_loops(row, k) for row in scores]
    kept = sorted(range(len(scores)), key=lambda n: -scores[n])[:k]
    total = sum(math.exp(scores[n]) for n in kept)
    return [math.exp(scores[n]) / total if n in kept else 0.0 for n in range(len(scores))]


def attention_in_loops(query, key, value, mask):
    if query.ndim == 3:
        return tuple(
            map(
                torch.stack,
                zip(*(attention_in_loops(*one, mask) for one in zip(query, key, value, strict=True)), strict=True),
            )
        )
    scores = torch.zeros(len(query), len(key))
    weights = torch.zeros(len(query), len(key))
    for i, j in product(range(len(query)), range(len(key))):
        scores[i, j] = sum(query[i] * key[j]) / math.sqrt(query.shape[1])
    for i in range(len(query)):
        powers = [math.exp(score) if allowed else 0 for score, allowed in zip(scores[i], mask[i], strict=True)]
        weights[i] = torch.tensor(powers) / sum(powers)
    return scores, weights, weights @ value


def induction_with_a_dict(weights, tokens):
    last, found = {}, []
    for place, token in enumerate(tokens):
        if token in last:
            found.append(weights[place][last[token] + 1])
        last[token] = place
    return sum(found) / len(found)


def beams_in_loops(beams, rows, n_best):
    ways = [
        ([*ids, token], score + nats)
        for (ids, score), row in zip(beams, rows, strict=True)
        for token, nats in enumerate(row)
    ]
    return sorted(ways, key=lambda way: way[1], reverse=True)[:n_best]


def top_p_in_loops(probabilities, top_p):
    kept, total = [False] * len(probabilities), 0
    for token in sorted(range(len(kept)), key=lambda token: -probabilities[token]):
        if total < top_p:
            kept[token] = True
        total += float(probabilities[token])
    return kept


def with_numpy(logits, temperature):
    logits = logits.numpy()
    if temperature == 0:
        return np.eye(len(logits))[logits.argmax()]
    powers = np.exp((logits - logits.max()) / temperature)
    return powers / powers.sum()


def run_by_table(words, corpus):
    table = np.zeros((len(words) + 1, len(corpus) + 1), int)
    for i, j in product(range(len(words)), range(len(corpus))):
        table[i + 1, j + 1] = table[i, j] + 1 if words[i] == corpus[j] else 0
    return table.max()


def mask_in_loops(n, window):
    return [[0 <= query - key < window for key in range(n)] for query in range(n)]


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def labels_in_loops(turns):
    labels = []
    for role, ids in turns:
        labels += list(ids) if role == "assistant" else [-100] * len(ids)
    return torch.tensor([*labels[1:], -100])


def advantages_in_loops(rewards):
    return [[(r - np.mean(row)) / (np.std(row) + 1e-6) for r in row] for row in rewards.tolist()]


def generated_with_tensors(gpt, token_ids, end, max_new_tokens):
    ids, new = torch.tensor(token_ids), torch.tensor([-1])
    while new[-1] != end and len(ids) < len(token_ids) + max_new_tokens:
        new = gpt(ids).softmax(-1)[-1].topk(1).indices
        ids = torch.cat([ids, new])
    return ids


def adamw_by_torch(weight, gradient, mean, square, step, rate, decay):
    one = torch.nn.Parameter(weight.clone())
    adamw = torch.optim.AdamW([one], lr=rate, betas=(0.9, 0.95), weight_decay=decay)
    adamw.state[one] = {"step": torch.tensor(step - 1.0), "exp_avg": mean.clone(), "exp_avg_sq": square.clone()}
    one.grad = gradient
    adamw.step()
    return one, adamw.state[one]["exp_avg"], adamw.state[one]["exp_avg_sq"]


def adamw_in_loops(weight, gradient, mean, square, step, rate, decay):
    flat = []
    for w, g, m, s in zip(*(one.flatten().tolist() for one in (weight, gradient, mean, square)), strict=True):
        m, s = 0.9 * m + 0.1 * g, 0.95 * s + 0.05 * g * g
        flat.append((w - rate * (decay * w + m / (1 - 0.9**step) / (math.sqrt(s / (1 - 0.95**step)) + 1e-8)), m, s))
    return [np.reshape(one, weight.shape) for one in zip(*flat, strict=True)]


def clipped_by_torch(gradients, max_norm):
    weights = [torch.nn.Parameter(torch.zeros_like(one)) for one in gradients]
    for weight, one in zip(weights, gradients, strict=True):
        weight.grad = one.clone()
    torch.nn.utils.clip_grad_norm_(weights, max_norm)
    return [weight.grad for weight in weights]


RIGHT_ANSWERS = {
    "merge_pair": [joined],
    "longest_match": [by_recursion],
    "cosine": [
        lambda a, b: (
            sum(x * y for x, y in zip(a, b, strict=True)) / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))
        ),
        lambda a, b: F.cosine_similarity(torch.tensor(a), torch.tensor(b), dim=0),
    ],
    "count_neighbors": [
        lambda words, n: Counter(
            (words[i], words[j]) for i in range(len(words)) for j in range(len(words)) if 0 < abs(i - j) <= n
        )
    ],
    "nudge": [
        lambda a, b, is_true, rate: (
            [x + rate * (is_true - sigmoid(sum(a * b))) * y for x, y in zip(a, b, strict=True)],
            [y + rate * (is_true - sigmoid(sum(a * b))) * x for x, y in zip(a, b, strict=True)],
        )
    ],
    "solve_analogy": [
        lambda v, a, b, c: sorted(v, key=lambda word: (word in (a, b, c), -np.dot(v[word], v[b] - v[a] + v[c])))[0]
    ],
    "causal_window_mask": [
        lambda n, window: [[key == 0 or 0 <= query - key < window for key in range(n)] for query in range(n)],
        lambda n, window: (np.tri(n) - np.tri(n, k=-window) + np.eye(n)[0]) > 0,
        lambda n, window: torch.tensor([[k == 0 or q - window < k <= q for k in range(n)] for q in range(n)]),
    ],
    "scaled_dot_product_attention": [attention_in_loops],
    "induction_score": [induction_with_a_dict],
    "normalize": [
        lambda x: (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True, unbiased=False) + 1e-5).sqrt(),
        lambda x: torch.nn.LayerNorm(x.shape[-1])(x),
    ],
    "gpt_block": [lambda x, f, g, n: sum([x, f(n(x)), g(n(x + f(n(x))))])],
    "generate": [generated_with_tensors],
    "cross_entropy": [
        F.cross_entropy,
        lambda rows, ids: np.mean([torch.logsumexp(r, 0) - r[i] for r, i in zip(rows, ids, strict=True)]),
    ],
    "longest_run": [run_by_table],
    "power_law": [
        lambda x, y: [np.exp(np.polyfit(np.log(x), np.log(y), 1)[1]), -np.polyfit(np.log(x), np.log(y), 1)[0]]
    ],
    "lora_forward": [
        lambda x, w, a, b, alpha: x @ (w + alpha / a.shape[0] * b @ a).T,
        lambda x, w, a, b, alpha: torch.einsum("ti,oi->to", x, w + torch.einsum("or,ri->oi", b, a) * alpha / len(a)),
        lambda x, w, a, b, alpha: torch.stack([w @ one + alpha / len(a) * (b @ (a @ one)) for one in x]),
    ],
    "answer_labels": [
        lambda p, a, end: torch.tensor(p + a + [end])[1:].masked_fill(torch.arange(len(p + a)) < len(p) - 1, -100)
    ],
    "apply_temperature": [with_numpy],
    "keep_top_p": [top_p_in_loops],
    "extend_beams": [beams_in_loops],
    "hallucination_rate": [lambda a, t: np.mean([x not in (None, y) for x, y in zip(a, t, strict=True)])],
    "coverage_and_accuracy": [
        lambda c, right, threshold: torch.tensor(
            [
                (c >= threshold).float().mean(),
                right[c >= threshold].float().mean() if (c >= threshold).any() else 1,
            ]
        )
    ],
    "dpo_loss": [lambda c, r, old_c, old_r, beta: torch.log(1 + torch.exp(-beta * (c - r - old_c + old_r))).mean()],
    "shifted_windows": [
        lambda ids, starts, n: tuple(torch.stack([ids[s + k : s + k + n] for s in starts]) for k in (0, 1)),
        lambda ids, starts, n: [[ids[s + k : s + k + n].tolist() for s in starts] for k in (0, 1)],
    ],
    "sliding_window_mask": [mask_in_loops],
    "kv_cache_bytes": [lambda *sizes: 2 * math.prod(sizes) // sizes[2], lambda *s: np.prod([2, *s[:2], *s[3:]])],
    "route": [
        lambda scores, k: torch.zeros(scores.shape).scatter(-1, scores.topk(k)[1], scores.topk(k)[0].softmax(-1)),
        kept_and_renormalized,
        route_in_loops,
    ],
    "adamw_step": [adamw_by_torch, adamw_in_loops],
    "clip_by_norm": [
        clipped_by_torch,
        lambda gradients, most: [
            one / max(1, torch.cat([g.flatten() for g in gradients]).norm() / most) for one in gradients
        ],
    ],
    "merge_tile": [
        lambda highest, total, scores: (
            max([highest, *scores.tolist()]),
            total * math.exp(highest - max([highest, *scores.tolist()]))
            + sum(math.exp(score - max([highest, *scores.tolist()])) for score in scores.tolist()),
        ),
        lambda highest, total, scores: [
            np.maximum(highest, np.max(scores.numpy())),
            total * np.exp(highest - np.maximum(highest, np.max(scores.numpy())))
            + np.exp(scores.numpy() - np.maximum(highest, np.max(scores.numpy()))).sum(),
        ],
    ],
    "chat_labels": [labels_in_loops],
    "group_advantages": [advantages_in_loops],
    "reward_loss": [
        lambda c, r: torch.log(1 + torch.exp(r - c)).mean(),
        lambda c, r: F.binary_cross_entropy_with_logits(c - r, torch.ones(len(c))),
        lambda c, r: sum(math.log(1 + math.exp(b - a)) for a, b in zip(c.tolist(), r.tolist(), strict=True)) / len(c),
    ],
}
