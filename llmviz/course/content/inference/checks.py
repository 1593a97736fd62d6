"""What lesson 7 asks: predictions, three functions to write, and a quiz."""

import torch

from llmviz import generation
from llmviz.course.content.inference.mistakes import longer, nucleus, tempered
from llmviz.course.content.inference.texts import PREDICTIONS, QUESTIONS
from llmviz.course.lesson import Lesson
from llmviz.course.schema import Choice, Distractor, Exercise, Mistake, Number, Question


def _scores(n: int, seed: int, *rows: int) -> torch.Tensor:
    return 2 * torch.randn(*rows, n, generator=torch.Generator().manual_seed(seed))


LESSON = Lesson(
    "inference",
    title="7 · Inference",
    warm_up=[
        Question(
            "what_comes_out",
            "A GPT has read eight tokens. What comes out of it?",
            right="Scores for the next token, at each of the eight places",
            why="One score for each token of the vocabulary, at every place. A text is what *we* make of the last row.",
            wrong=[
                Distractor(
                    "The next word",
                    "*It says a word.* The last step of your GPT was a product with a table: numbers, no word.",
                    "04_transformer.ipynb#Build a GPT in five cells",
                ),
                Distractor(
                    "The rest of the text",
                    "*It writes a text at once.* Nothing in the five cells makes more than one token's scores a place.",
                    "04_transformer.ipynb#Build a GPT in five cells",
                ),
            ],
        ),
        Question(
            "past_changes",
            "With a causal mask: a ninth token is appended. Which queries, keys and values of the first eight change?",
            right="None",
            why="Nobody looks ahead, so what was computed for the past stays true for ever. Remember it for later.",
            wrong=[
                Distractor(
                    "All: the context has changed",
                    "*Every token sees every token.* The mask hides the ninth from the first eight.",
                    "03_attention.ipynb#Hide the future (wrongly first)",
                ),
                Distractor(
                    "Those of the last one before it",
                    "It may not look ahead either: not by one token.",
                    "03_attention.ipynb#Hide the future (wrongly first)",
                ),
            ],
        ),
    ],
    predictions=[
        Choice(
            "broken_at_high",
            "At temperature 1.5, with nothing cut: of the model's texts, how many could Tinyville *not* have said?",
            {
                "hardly any": "The model is good, and most draws are too. But a text is fifty draws, and one wrong one "
                "spoils it.",
                "a good part, but not most": "",
                "nearly all": "The improbable tokens got more of the mass, but the probable ones still hold most.",
            },
            why="Each draw goes wrong seldom. A text has many.",
        ),
        Choice(
            "cut_repairs",
            "The same temperature, but all is cut beyond the fewest tokens that hold 80 % (top-p .8). How many "
            "are broken now?",
            {
                "a good part, but not most": "*What is cut is too little to matter.* But it is the tail that breaks "
                "texts: what no text of the training had there.",
                "hardly any": "",
                "nearly all": "*Good tokens are cut too, so it gets worse.* They are, and nobody misses them: another "
                "good one stands in their place.",
            },
            why="What breaks a text is the long tail. Cut it off, and the dice may be as warm as you like.",
        ),
        Choice(
            "greedy_is_best",
            "Greedy takes the most probable token at each step. Is the whole text then the most probable one?",
            {
                "yes: each step is the best": "*The best steps make the best way.* Ask anybody who always takes the "
                "widest road.",
                "no: another text is much more probable": "",
                "no, but only by a hair": "A factor of nearly two is more than a hair.",
            },
            why="A wide road may fork behind the bend. Greedy pays for a fork only when it stands at it.",
        ),
        Number(
            "cache_ratio",
            "`Robin is the new` and 60 tokens more, with a cache: how many times fewer multiplications than without?",
            unit="times",
            low=1,
            high=200,
            close=8,
            why="Without a cache each of the 60 steps reads all again; with it, each reads one token.",
        ),
        Choice(
            "lampe_looks_at",
            "*La petite lampe rouge est cassée.* While it writes its third word, `lampe`: at which English word "
            "does the decoder look most?",
            {
                "red": "*Word by word, in order.* It is the third word over there; but this lamp is not the third.",
                "lamp": "",
                "The": "Where the text begins, there is nothing about lamps.",
            },
            why="Queries and keys compare what words *mean* here, not their places. So the lines may cross.",
        ),
        *PREDICTIONS,
    ],
    exercises=[
        Exercise(
            "apply_temperature",
            task="Write `apply_temperature(logits, temperature)`: scores (vocab,) become probabilities (vocab,). Divide"
            " by the temperature *before* the softmax. At temperature 0 nothing can be divided: the best token gets "
            "everything.",
            minutes=5,
            difficulty=1,
            hints=(
                "Two cases. For 0: all zeros, and a 1 where `logits.argmax()` points.",
                "Otherwise `(logits / temperature).softmax(dim=-1)`.",
            ),
            solution=generation.apply_temperature,
            why="Dividing logits by T raises the odds of any two tokens to the power 1/T. The library subtracts the "
            "best score first, so that a tiny temperature does not overflow.",
            cases=[
                (torch.tensor([2.0, 1.0]), 1.0),
                (torch.tensor([2.0, 1.0, -1.0]), 2.0),
                (torch.tensor([2.0, 1.0, -1.0]), 0.5),
                (_scores(6, seed=1), 1.5),
                (torch.tensor([1.0, 3.0, 2.0]), 0),
            ],
            mistakes=[
                Mistake(
                    "You multiply by the temperature; divide. Yours gets sharper when it grows.",
                    gives=lambda logits, t: tempered(logits, t, times=True),
                ),
                Mistake(
                    "You divide the probabilities; divide the scores, before the softmax. Yours no longer add up to 1.",
                    gives=lambda logits, t: tempered(logits, t, after=True),
                ),
                Mistake(
                    "You take the exponential and forget to share out: probabilities add up to 1.",
                    gives=lambda logits, t: tempered(logits, t, counted=True),
                ),
                Mistake(
                    "At temperature 0 you divide by 0: give the best token everything there.",
                    when=lambda got, logits, t: t == 0 and bool(torch.as_tensor(got).isnan().any()),
                    raises=ZeroDivisionError,
                ),
                Mistake(
                    "You give a token; probabilities are asked for, one for each token.",
                    when=lambda got, logits, t: torch.as_tensor(got).numel() != logits.numel(),
                ),
            ],
        ),
        Exercise(
            "keep_top_p",
            task="Write `keep_top_p(probabilities, top_p)`: which tokens stay in the draw? The fewest, most probable "
            "first, that together hold at least `top_p`. In: (vocab,). Out: (vocab,), True or False, in the order of "
            "the vocabulary.",
            minutes=8,
            difficulty=2,
            hints=(
                "Sort from large to small and add up. The token that lifts the sum over `top_p` stays: so ask what was "
                "there *before* it.",
                "`ordered, order = probabilities.sort(descending=True)`; keep where `ordered.cumsum(-1) - ordered < "
                "top_p`; write that back with `kept[order] = …`.",
            ),
            solution=generation.keep_top_p,
            why="Top-k keeps as many everywhere. Top-p keeps one token where the model is sure, and dozens where it is "
            "not.",
            cases=[
                (torch.tensor([0.5, 0.3, 0.2]), 0.7),
                (torch.tensor([0.2, 0.5, 0.3]), 0.7),
                (torch.tensor([0.1, 0.2, 0.6, 0.1]), 0.5),
                (_scores(8, seed=3).softmax(-1), 0.9),
            ],
            mistakes=[
                Mistake(
                    "You drop the token that lifts the sum over top_p; without it you hold too little.",
                    gives=lambda p, top_p: nucleus(p, top_p, crossing=False),
                ),
                Mistake(
                    "You keep tokens that are *each* above top_p; it is their sum that counts.",
                    gives=lambda p, top_p: nucleus(p, top_p, threshold=True),
                ),
                Mistake(
                    "You add up in the order of the vocabulary: sort first, the most probable in front.",
                    gives=lambda p, top_p: nucleus(p, top_p, sort=False),
                ),
                Mistake(
                    "Your answer is in the sorted order: carry it back to the order of the vocabulary.",
                    gives=lambda p, top_p: nucleus(p, top_p, back=False),
                ),
                Mistake(
                    "You give numbers; True or False is asked for, one for each token.",
                    when=lambda got, p, top_p: torch.as_tensor(got).dtype != torch.bool,
                ),
            ],
        ),
        Exercise(
            "extend_beams",
            task="Write `extend_beams(beams, log_probabilities, n_best)`: lengthen each beam by each token, keep the "
            "`n_best` best of *all*, best first. In: pairs (token ids, log-probability so far); the log-probabilities "
            "of the next token (beam, vocab). Out: such pairs, one token longer.",
            minutes=9,
            difficulty=3,
            hints=(
                "Make the list of *all* ways: for each beam and each token, (*ids, token) and the sum. Then sort once.",
                "Log-probabilities add: `so_far + log_probabilities[beam, token].item()`. Sort by the sum, largest "
                "first, and cut at `n_best`.",
            ),
            solution=generation.extend_beams,
            why="All ways compete in one list, so a beam may have several children, or none. The library adds "
            "and sorts all at once, as one tensor.",
            cases=[
                ([((7,), -0.5)], torch.tensor([[-0.1, -2.4]]), 2),
                ([((7,), -0.7), ((8,), -1.2)], torch.tensor([[-0.1, -2.3], [-0.2, -1.6]]), 3),
                ([((1, 2), -3.0), ((3, 4), -0.1)], torch.tensor([[-0.1, -2.3], [-1.5, -0.4]]), 2),
                ([((1,), -0.2), ((2,), -3.0), ((3,), -4.0)], _scores(5, 5, 3).log_softmax(-1), 3),
            ],
            mistakes=[
                Mistake(
                    "You forget what the beam has cost so far: add its log-probability.",
                    gives=lambda b, p, n: longer(b, p, n, add=False),
                ),
                Mistake(
                    "You keep the best child of each beam. All children compete in one list: a beam may have two, or "
                    "none.",
                    gives=lambda b, p, n: longer(b, p, n, each=True),
                ),
                Mistake("Your worst comes first.", gives=lambda b, p, n: longer(b, p, n, ascending=True)),
                Mistake(
                    "Those are probabilities; stay with their logarithms, else long texts become 0.",
                    gives=lambda b, p, n: longer(b, p, n, exponent=True),
                ),
                Mistake(
                    "You keep all ways; `n_best` of them are asked for.", when=lambda got, b, p, n: len(got) > n
                ),
            ],
        ),
    ],
    quiz=[
        Question(
            "what_is_planned",
            "The model has written `Robin is the new`. What does it know of the end of the sentence?",
            right="Only what may come: no later word is chosen yet",
            why="It hands out scores for one token. Let it write five tokens or forty: the first five are the same.",
            wrong=[
                Distractor(
                    "It has planned it, and now writes it down",
                    "*It plans the sentence, then writes it.* Put another job into its mouth, and it goes on from "
                    "there as if that had been its plan.",
                    "Grow a tree",
                ),
                Distractor(
                    "It knows all ways and has chosen the best",
                    "*It looks ahead.* Greedy walked into a fork that a look ahead would have shown.",
                    "Take the narrow road",
                ),
            ],
        ),
        Question(
            "temperature_zero",
            "What does temperature 0 give you?",
            right="The same text each time: the best token at every step",
            why="Neither the most probable text, nor the truth: of eight possible jobs it always names one.",
            wrong=[
                Distractor(
                    "The correct answer, without creativity",
                    "*Temperature is creativity, and 0 is correct.* The world says every job one time in eight; greedy "
                    "says one job always.",
                    "Take the narrow road",
                ),
                Distractor(
                    "The most probable text",
                    "*The best steps make the best way.* A beam of four found a text nearly twice as probable.",
                    "Take the narrow road",
                ),
            ],
        ),
        Question(
            "top_p_where_sure",
            "The model is nearly certain: one token has 97 %. How many tokens does top-p .9 leave?",
            right="One",
            why="The fewest that hold 90 %. Where it is unsure, top-p leaves many; top-k leaves k here and there.",
            wrong=[
                Distractor(
                    "Nine tenths of the vocabulary",
                    "*p counts tokens.* It counts probability: the sum of what is kept.",
                    "Cut the tail",
                ),
                Distractor(
                    "None: 97 % is above 90 %",
                    "The token that lifts the sum over p stays in. Else nothing could be drawn.",
                    "Cut the tail",
                ),
            ],
        ),
        Question(
            "what_a_cache_does",
            "What does a KV cache change?",
            right="The work, not the answer",
            why="What was computed for earlier tokens stays true, because nobody looks ahead. It is only not repeated.",
            wrong=[
                Distractor(
                    "It remembers earlier answers, so texts become alike",
                    "*The cache changes answers.* It holds keys and values of *this* text, and every probability was "
                    "the same without it.",
                    "Keep what you have computed",
                ),
                Distractor(
                    "It is a little less exact",
                    "*It cuts corners.* The same products, computed once; the difference was rounding.",
                    "Keep what you have computed",
                ),
            ],
        ),
        Question(
            "no_stop_token",
            "You forget to tell your program the stop token. What happens?",
            right="It writes on: the next text, and the next",
            why="The model says *end* like any other token. That we stop there is our doing.",
            wrong=[
                Distractor(
                    "The model stops by itself when all is said",
                    "*It knows when it is done.* It puts a token there, and would gladly go on.",
                    "Turn scores into a text",
                ),
                Distractor(
                    "An error, when the text is over",
                    "There is always a next token to choose, also after the end.",
                    "Turn scores into a text",
                ),
            ],
        ),
        Question(
            "crossing",
            "In cross-attention, whose queries meet whose keys?",
            right="Queries of the text being written, keys of the text that was read",
            why="So each French word can ask: which English word am I about? The answer need not be in order.",
            wrong=[
                Distractor(
                    "Queries of the read text, keys of the written one",
                    "The one who writes asks. The text that was read has been there all along, and offers.",
                    "Translate",
                ),
                Distractor(
                    "The first word's with the first, the second's with the second",
                    "*Word by word.* Then the color could not change places with the noun.",
                    "Translate",
                ),
            ],
        ),
        *QUESTIONS,
    ],
)
progress, warm_up, predict, exercise, quiz = LESSON.doors
check_apply_temperature = LESSON.check("apply_temperature")
check_keep_top_p = LESSON.check("keep_top_p")
check_extend_beams = LESSON.check("extend_beams")
