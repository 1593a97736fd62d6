"""Wrong answers as learners write them, for the mistakes that checks.py knows by a condition or an exception."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def over_the_end(pieces, pair):
    out = []
    for i in range(len(pieces)):
        if (pieces[i], pieces[i + 1]) == pair:
            out.append(pieces[i] + pieces[i + 1])
        else:
            out.append(pieces[i])
    return out


def bytes_as_numbers(word, ranks):
    pieces = list(word)
    return [ranks[piece] for piece in pieces]


def pieces_instead(word, ranks):
    pieces = [word[i : i + 1] for i in range(len(word))]
    while True:
        places = [i for i in range(len(pieces) - 1) if pieces[i] + pieces[i + 1] in ranks]
        if not places:
            return pieces
        i = min(places, key=lambda i: ranks[pieces[i] + pieces[i + 1]])
        pieces[i : i + 2] = [pieces[i] + pieces[i + 1]]


def too_far(words, window):
    counts = {}
    for i in range(len(words)):
        for j in range(i - window, i + window + 1):
            if i != j:
                counts[words[i], words[j]] = counts.get((words[i], words[j]), 0) + 1
    return counts


def with_first(mask):
    mask[:, 0] = True
    return mask


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def number(vectors, a, b, c):
    target = vectors[b] - vectors[a] + vectors[c]
    return max(vectors[w] @ target for w in vectors if w not in [a, b, c])


def only_the_output(query, key, value, mask):
    scores = query @ key.mT / math.sqrt(query.size(-1))
    return scores.masked_fill(~mask, -math.inf).softmax(-1) @ value


def scores_already_hidden(query, key, value, mask):
    scores = query @ key.mT / math.sqrt(query.size(-1))
    scores = scores.masked_fill(~mask, -math.inf)
    weights = scores.softmax(-1)
    return scores, weights, weights @ value


def normalize(x):
    return torch.nn.functional.layer_norm(x, x.shape[-1:])


def the_passage(words, corpus):
    best = []
    for i in range(len(words)):
        for j in range(len(corpus)):
            n = 0
            while words[i + n : i + n + 1] == corpus[j + n : j + n + 1] != []:
                n += 1
            best = max(best, words[i : i + n], key=len)
    return best


def past_the_end(words, corpus):
    best = 0
    for i in range(len(words)):
        for j in range(len(corpus)):
            n = 0
            while words[i + n] == corpus[j + n]:
                n += 1
            best = max(best, n)
    return best


def divides_by_zero(found, right, label):
    hits = torch.sum((found == label) * (right == label)).item()
    return 2 * hits / ((found == label).sum().item() + (right == label).sum().item())


def makes_nan(found, right, label):
    hits = ((found == label) & (right == label)).sum()
    return 2 * hits / ((found == label).sum() + (right == label).sum())


def without_zero_in_python(logits, temperature):
    powers = torch.tensor([math.exp(score * (1 / temperature)) for score in logits.tolist()])
    return powers / powers.sum()


def attention_with_all_axes_turned(query, key, value, mask):
    scores = query @ key.T / query.shape[-1] ** 0.5
    weights = scores.masked_fill(~mask, float("-inf")).softmax(dim=-1)
    return scores, weights, weights @ value


def renormalized(probabilities, top_p):
    ordered, order = probabilities.sort(descending=True)
    kept = torch.zeros(len(probabilities))
    kept[order] = torch.where(ordered.cumsum(0) - ordered < top_p, ordered, 0.0)
    return kept / kept.sum()


def worst_first(beams, log_probabilities, n_best):
    ways = [((*ids, token), so_far + log_probabilities[row, token].item())
            for row, (ids, so_far) in enumerate(beams) for token in range(log_probabilities.shape[1])]  # fmt: skip
    return sorted(ways, key=lambda way: way[1])[:n_best]


def divides_by_nothing(confidence, right, threshold):
    answered = confidence >= threshold
    return answered.float().mean().item(), (right & answered).sum().item() / answered.sum().item()


def nan_for_nothing(confidence, right, threshold):
    answered = confidence >= threshold
    return answered.float().mean().item(), right[answered].float().mean().item()


def cut(token_ids, starts, length):
    return torch.stack([token_ids[start : start + length] for start in starts])


def turn(message):
    return f"<|im_start|>{message['role']}\n{message['content']}<|im_end|>\n"


def prompt(form, messages):
    return "".join(form.format(**message) for message in messages) + "<|im_start|>assistant\n"


WRONG_ANSWERS = {
    "merge_pair": [
        ("one_text", lambda pieces, pair: "".join(pieces).replace(pair[0] + pair[1], "|" + pair[0] + pair[1] + "|")),
        ("past_the_end", over_the_end),
    ],
    "encode_word": [
        ("index_of_bytes", bytes_as_numbers),
        ("pieces", pieces_instead),
    ],
    "cosine": [
        ("vector", lambda a, b: a * b / (np.linalg.norm(a) * np.linalg.norm(b))),
    ],
    "count_neighbors": [
        ("past_the_end", too_far),
    ],
    "nudge": [
        ("changed_in_place", lambda a, b, is_true, rate: a + rate * (is_true - sigmoid(a @ b)) * b),
    ],
    "solve_analogy": [
        ("not_a_word", number),
    ],
    "causal_window_mask": [
        ("numbers", lambda n, window: torch.ones(n, n).tril().triu(1 - window)),
        ("window_too_short", lambda n, window: with_first(torch.ones(n, n).bool().tril().triu(2 - window))),
        ("window_too_long", lambda n, window: with_first(torch.ones(n, n).bool().tril().triu(-window))),
        ("future_visible", lambda n, window: with_first(torch.ones(n, n).bool().triu(1 - window))),
        ("not_itself", lambda n, window: with_first(torch.ones(n, n).bool().tril(-1).triu(1 - window))),
        ("no_window", lambda n, window: with_first(torch.ones(n, n).bool().tril())),
    ],
    "scaled_dot_product_attention": [
        ("output_only", only_the_output),
        ("masked_scores", scores_already_hidden),
        ("all_axes_turned", attention_with_all_axes_turned),
    ],
    "induction_score": [
        (
            "list_of_weights",
            lambda weights, tokens: (
                [
                    weights[query, max(place for place in range(query) if tokens[place] == token) + 1]
                    for query, token in enumerate(tokens)
                    if token in tokens[:query]
                ]
            ),
        ),
    ],
    "normalize": [
        ("lost_axis", lambda x: (x - x.mean(-1)) / (x.var(-1, correction=0) + 1e-5) ** 0.5),
        ("zero_by_zero", lambda x: (x - x.mean(-1, keepdim=True)) / x.var(-1, keepdim=True, correction=0) ** 0.5),
    ],
    "parameters_by_part": [
        ("not_a_dict", lambda v, d, n, ff: 2 * v * d + n * (4 * d**2 + 2 * d * ff)),
    ],
    "generate": [
        ("not_a_list", lambda gpt, ids, end, n: torch.tensor(ids).append(int(gpt(torch.tensor(ids))[-1].argmax()))),
    ],
    "cross_entropy": [
        ("infinite", lambda logits, ids: -logits.softmax(dim=1).log()[torch.arange(len(ids)), ids].mean()),
        ("one_per_position", lambda logits, ids: -logits.log_softmax(-1)[range(len(ids)), ids]),
    ],
    "longest_run": [
        (
            "no_shared_word",
            lambda words, corpus: max(
                j - i
                for i in range(len(words))
                for j in range(i + 1, len(words) + 1)
                if words[i:j] in [corpus[k : k + j - i] for k in range(len(corpus))]
            ),
        ),
        ("true_or_false", lambda words, corpus: " ".join(words) in " ".join(corpus)),
        ("passage", the_passage),
        ("past_the_end", past_the_end),
    ],
    "power_law": [
        ("lists", lambda sizes, excess_losses: (excess_losses[0] * sizes**0.5, 0.5)),
    ],
    "lora_forward": [
        ("shapes_do_not_match", lambda x, w, a, b, alpha: x @ w + alpha / len(a) * (x @ a @ b)),
        ("only_the_matrix", lambda x, w, a, b, alpha: w + alpha / len(a) * b @ a),
    ],
    "answer_labels": [
        ("not_a_list", lambda prompt, answer, end: -100 * (len(prompt) - 1) + answer),
        ("wrong_length", lambda prompt, answer, end: [-100] * len(prompt) + list(answer) + [end]),
    ],
    "f1": [
        ("zero_division", makes_nan),
        ("zero_division", divides_by_zero),
    ],
    "apply_temperature": [
        ("zero_temperature", lambda logits, temperature: (logits / temperature).softmax(dim=-1)),
        ("zero_temperature", without_zero_in_python),
        ("one_token", lambda logits, temperature: (logits / max(temperature, 0.01)).softmax(dim=-1).argmax()),
    ],
    "keep_top_p": [
        ("not_boolean", renormalized),
    ],
    "extend_beams": [
        ("too_many", lambda beams, rows, n_best: worst_first(beams, rows, 10**6)[::-1]),
    ],
    "hallucination_rate": [
        (
            "count",
            lambda answers, truths: 2 + sum(a is not None and a != t for a, t in zip(answers, truths, strict=True)),
        ),
    ],
    "coverage_and_accuracy": [
        ("zero_division", divides_by_nothing),
        ("zero_division", nan_for_nothing),
    ],
    "dpo_loss": [
        ("one_loss_per_pair", lambda c, r, old_c, old_r, beta: -F.logsigmoid(beta * ((c - old_c) - (r - old_r)))),
        ("negative", lambda c, r, old_c, old_r, beta: (beta * ((c - old_c) - (r - old_r))).sigmoid().log().mean()),
    ],
    "shifted_windows": [
        ("past_the_end", lambda ids, starts, length: ids[starts + 10 * length]),
        (
            "shifted_by_a_piece",
            lambda ids, starts, length: (
                cut(ids, starts, length),
                cut(ids, (starts + length).clamp(max=len(ids) - length), length),
            ),
        ),
        ("not_two_tensors", lambda ids, starts, length: cut(ids, starts, length + 1)),
    ],
    "sliding_window_mask": [
        ("not_boolean", lambda n, window: torch.ones(n, n).tril().triu(1 - window)),
    ],
    "route": [
        ("only_the_k", lambda scores, k: scores.topk(k).values.softmax(dim=-1)),
    ],
    "chat_prompt": [
        ("list_of_messages", lambda messages: [turn(message) for message in messages]),
    ],
    "adamw_step": [
        ("only_the_weight", lambda weight, gradient, mean, square, step, rate, decay: weight - rate * gradient.sign()),
    ],
    "group_advantages": [
        ("divided_by_zero", lambda r: (r - r.mean(1, keepdim=True)) / r.std(1, correction=0, keepdim=True)),
    ],
    "reward_loss": [
        ("one_loss_per_pair", lambda chosen, rejected: -F.logsigmoid(chosen - rejected)),
        ("negative", lambda chosen, rejected: F.logsigmoid(chosen - rejected).mean()),
    ],
}
