"""Wrong answers of lesson 9, written as learners write them."""

import torch


def cut(token_ids, starts, length):
    return torch.stack([token_ids[start : start + length] for start in starts])


def the_same_twice(token_ids, starts, length):
    ids = cut(token_ids, starts, length)
    return ids, ids


def the_token_before(token_ids, starts, length):
    return cut(token_ids, starts + 1, length), cut(token_ids, starts, length)


def one_short(token_ids, starts, length):
    ids = cut(token_ids, starts, length)
    return ids[:, :-1], ids[:, 1:]


def the_next_piece(token_ids, starts, length):
    return cut(token_ids, starts, length), cut(token_ids, (starts + length).clamp(max=len(token_ids) - length), length)


def everything_in_one(token_ids, starts, length):
    return cut(token_ids, starts, length + 1)


def no_lower_bound(n_positions, window):
    return torch.ones(n_positions, n_positions, dtype=torch.bool).tril()


def sees_the_future(n_positions, window):
    place = torch.arange(n_positions)
    return (place[:, None] - place).abs() < window


def one_too_many(n_positions, window):
    return torch.ones(n_positions, n_positions, dtype=torch.bool).tril().triu(-window)


def not_itself(n_positions, window):
    place = torch.arange(n_positions)
    back = place[:, None] - place
    return (back >= 1) & (back <= window)


def true_is_forbidden(n_positions, window):
    return ~torch.ones(n_positions, n_positions, dtype=torch.bool).tril().triu(1 - window)


def upside_down(n_positions, window):
    return torch.ones(n_positions, n_positions, dtype=torch.bool).tril().triu(1 - window).T


def numbers(n_positions, window):
    return torch.ones(n_positions, n_positions).tril().triu(1 - window)


def everything_is_learned(question, answer, end):
    return [*question[1:], *answer, end]


def not_moved(question, answer, end):
    return [-100] * len(question) + list(answer)


def one_too_few(question, answer, end):
    return [-100] * len(question) + [*answer, end]


def never_ends(question, answer, end):
    return [-100] * (len(question) - 1) + [*answer]


def answer_alone(question, answer, end):
    return [*answer, end]


def zeros(question, answer, end):
    return [0] * (len(question) - 1) + [*answer, end]


WRONG = {
    "shifted_windows": [
        (the_same_twice, "the token itself"),
        (the_token_before, "the token before"),
        (one_short, "one token short"),
        (the_next_piece, "by a whole piece"),
        (everything_in_one, "two tensors"),
    ],
    "sliding_window_mask": [
        (no_lower_bound, "everything so far"),
        (sees_the_future, "see the future"),
        (one_too_many, "one token too many"),
        (not_itself, "see itself"),
        (true_is_forbidden, "marked what is forbidden"),
        (upside_down, "a row is a query"),
        (numbers, "a mask is a tensor"),
    ],
    "answer_targets": [
        (everything_is_learned, "learn the question too"),
        (not_moved, "not moved"),
        (one_too_few, "one −100 too many"),
        (never_ends, "to stop"),
        (answer_alone, "one target for each token"),
        (zeros, "0 is a token"),
    ],
}
