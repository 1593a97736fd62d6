"""Wrong answers as learners write them, with the mistake that must be recognized."""

import torch


def cut(token_ids, starts, length):
    return torch.stack([token_ids[start : start + length] for start in starts])


WRONG_ANSWERS = {
    "shifted_windows": [
        ("past_the_end", lambda token_ids, starts, length: token_ids[starts + 10 * length]),
        (
            "previous_token",
            lambda token_ids, starts, length: (cut(token_ids, starts + 1, length), cut(token_ids, starts, length)),
        ),
        (
            "shifted_by_a_piece",
            lambda token_ids, starts, length: (
                cut(token_ids, starts, length),
                cut(token_ids, (starts + length).clamp(max=len(token_ids) - length), length),
            ),
        ),
        ("not_two_tensors", lambda token_ids, starts, length: cut(token_ids, starts, length + 1)),
    ],
    "sliding_window_mask": [
        ("no_window", lambda n_positions, window: torch.ones(n_positions, n_positions, dtype=torch.bool).tril()),
        (
            "window_too_long",
            lambda n_positions, window: torch.ones(n_positions, n_positions, dtype=torch.bool).tril().triu(-window),
        ),
        (
            "inverted",
            lambda n_positions, window: ~torch.ones(n_positions, n_positions, dtype=torch.bool).tril().triu(1 - window),
        ),
        (
            "transposed",
            lambda n_positions, window: (
                torch.ones(n_positions, n_positions, dtype=torch.bool).tril().triu(1 - window).T
            ),
        ),
        ("not_boolean", lambda n_positions, window: torch.ones(n_positions, n_positions).tril().triu(1 - window)),
    ],
    "answer_targets": [
        ("question_learned", lambda question, answer, end: [*question[1:], *answer, end]),
        ("not_shifted", lambda question, answer, end: [-100] * len(question) + list(answer)),
        ("shifted_too_late", lambda question, answer, end: [-100] * len(question) + [*answer, end]),
        ("no_end", lambda question, answer, end: [-100] * (len(question) - 1) + [*answer]),
        ("wrong_length", lambda question, answer, end: [*answer, end]),
        ("zero_instead_of_ignore", lambda question, answer, end: [0] * (len(question) - 1) + [*answer, end]),
    ],
}
