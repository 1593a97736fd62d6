"""Lesson 12: solutions, inputs and wrong answers of the exercises."""

import numpy as np
import torch

from llmviz.course._schema import Checks, with_mistake
from llmviz.finetuning.alignment import chat_labels, group_advantages, reward_loss

_ONE_TURN = [("user", [5, 6, 7]), ("assistant", [8, 9, 0])]
_TWO_TURNS = [("user", [5, 6]), ("assistant", [7, 0]), ("user", [8]), ("assistant", [9, 4, 0])]
_REWARDS = torch.tensor([[1.0, 0.0, 0.0, 0.0], [3.0, 2.0, 2.0, 1.0], [1.0, 1.0, 1.0, 1.0]])
_PAIRS = torch.tensor([1.0, 0.5, -2.0]), torch.tensor([0.0, 1.5, -2.5])

CHECKS = {
    "chat_labels": Checks(
        solution=chat_labels,
        cases=[([*_ONE_TURN],), ([*_TWO_TURNS],), ([("assistant", [3, 4]), ("user", [5])],)],
        wrong_functions={
            "not_shifted": lambda turns: [i if role == "assistant" else -100 for role, ids in turns for i in ids],
            "all_tokens": lambda turns: [*[i for _, ids in turns for i in ids][1:], -100],
            "user_turns": with_mistake(chat_labels, '== "assistant"', '== "user"'),
            "first_token_lost": with_mistake(chat_labels, "is_answer[1:]", "is_answer[:-1]"),
            "one_short": with_mistake(chat_labels, " + [IGNORE_INDEX]", ""),
            "zeros": lambda turns: [0 if label == -100 else label for label in chat_labels(turns)],
            "last_turn_only": lambda turns: (
                [-100] * sum(len(ids) for _, ids in turns[:-1])
                + chat_labels(turns)[sum(len(ids) for _, ids in turns[:-1]) :]
            ),
        },
    ),
    "group_advantages": Checks(
        solution=group_advantages,
        cases=[(_REWARDS[:1],), (_REWARDS[:2],), (_REWARDS,)],
        wrong_functions={
            "mean_of_all": lambda r: (r - r.mean()) / (r.std(dim=1, correction=0, keepdim=True) + 1e-6),
            "not_divided": lambda r: r - r.mean(dim=1, keepdim=True),
            "variance": lambda r: (r - r.mean(dim=1, keepdim=True)) / (r.var(dim=1, correction=0, keepdim=True) + 1e-6),
            "n_minus_one": with_mistake(group_advantages, "correction=0, ", ""),
            "wrong_sign": lambda r: -group_advantages(r),
            "other_axis": lambda r: group_advantages(r.T).T,
            "no_mean": lambda r: r / (r.std(dim=1, correction=0, keepdim=True) + 1e-6),
        },
        conditions={"divided_by_zero": lambda result, r: np.isnan(result).any()},
    ),
    "reward_loss": Checks(
        solution=reward_loss,
        cases=[tuple(side[:1] for side in _PAIRS), _PAIRS, _PAIRS[::-1]],
        wrong_functions={
            "wrong_sign": lambda chosen, rejected: reward_loss(rejected, chosen),
            "no_logarithm": lambda chosen, rejected: -torch.sigmoid(chosen - rejected).mean(),
            "difference": lambda chosen, rejected: (rejected - chosen).mean(),
            "sum": lambda chosen, rejected: reward_loss(chosen, rejected) * len(chosen),
            "mean_inside": lambda chosen, rejected: reward_loss(chosen.mean(), rejected.mean()),
            "each_alone": lambda chosen, rejected: (
                -(torch.sigmoid(chosen).log() + torch.sigmoid(-rejected).log()).mean()
            ),
        },
        conditions={
            "one_loss_per_pair": lambda result, *inputs: np.ndim(result) > 0,
            "negative": lambda result, *inputs: result < 0,
        },
    ),
}
