"""What lesson 4 asks: predictions, three functions to write, and a quiz."""

import torch

from llmviz.course.lesson import Lesson
from llmviz.course.schema import Choice, Distractor, Exercise, Mistake, Question
from llmviz.interpretability.lens import logit_lens, parameters_by_part
from llmviz.model import block

ALL, LAST, NONE = "all of them", "only the last one", "none of them"


def _numbers(*shape: int, seed: int, scale: float = 1.0) -> torch.Tensor:
    return scale * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _normalize(x, *, dim=-1, center=True, root=0.5, unbiased=False):
    """Layer normalization with one thing done otherwise."""
    axes = {} if dim is None else {"dim": dim, "keepdim": True}
    centerd = x - x.mean(**axes) if center else x
    return centerd / (x.var(correction=int(unbiased), **axes) + 1e-5) ** root


def _count(vocab_size, d_model, n_layers, d_ff, *, attention=4, narrow=2, tables=1, layers=True):
    """The counting with one thing done otherwise."""
    times = n_layers if layers else 1
    return {
        "embedding": vocab_size * d_model,
        "attention": times * attention * d_model**2,
        "feed-forward": times * narrow * d_model * d_ff,
        "unembedding": tables * vocab_size * d_model,
    }


LESSON = Lesson(
    "transformer",
    title="4 · The Transformer",
    warm_up=[
        Question(
            "mask_when",
            "When must the future be hidden from attention?",
            right="Before the softmax, by a score of minus infinity",
            why="Then the allowed weights add up to 1 by themselves, and nothing of the future leaks into them.",
            wrong=[
                Distractor(
                    "After the softmax, by setting the weights to 0",
                    "*Zero is zero.* But the future has already taken its share of the sum; change it and all weights "
                    "of that row change.",
                    "03_attention.ipynb#Hide the future (wrongly first)",
                ),
                Distractor(
                    "Never: the model learns not to look",
                    "*It would be cheating, so it will not.* Training rewards whatever lowers the loss, and nothing "
                    "lowers it like peeping.",
                    "03_attention.ipynb#Hide the future (wrongly first)",
                ),
            ],
        ),
        Question(
            "what_is_stored",
            "Another sentence comes in. What stays as it was?",
            right="The matrices that make queries, keys and values",
            why="They are parameters. The weights of attention are computed from them and from the text, each time.",
            wrong=[
                Distractor(
                    "The attention weights",
                    "*They are learned and stored.* Two sentences of the same length had other weights.",
                    "03_attention.ipynb#Doubt what is stored",
                ),
                Distractor(
                    "The queries, keys and values",
                    "They are products of the stored matrices with *this* text's vectors.",
                    "03_attention.ipynb#Doubt what is stored",
                ),
            ],
        ),
    ],
    predictions=[
        Choice(
            "what_is_left",
            "Take the stream at the very end, and subtract all that attention and the feed-forward networks handed out "
            "on the way. What is left?",
            {
                "exactly the embeddings": "",
                "about the embeddings, worn down by each layer": "A layer that rewrites the stream would wear it "
                "down. These only add: nothing is ever multiplied away.",
                "nothing one could recognize": "*Each layer replaces the last.* Then nothing would be left. But a sum "
                "can be undone.",
            },
            why="The stream is a sum from beginning to end. Whoever comes later reads what everyone before has added.",
        ),
        Choice(
            "where_parameters",
            "Of GPT-2's 124 million parameters: which part holds most?",
            {
                "the embedding": "It is one big table: 50,257 words and pieces, each with 768 numbers. Still not most.",
                "attention": "It has the name and the fame, and half as many parameters as its quiet neighbor.",
                "the feed-forward networks": "",
            },
            why="Attention has four matrices of d × d. The feed-forward network has two of d × 4d: twice as many.",
        ),
        Choice(
            "shuffle_open",
            "No mask, no positions, one layer. We reverse all tokens but the last. For how many tokens does the "
            "answer stay the same?",
            {
                ALL: "",
                LAST: "The last one stays in its place, but what does *place* mean to a sum over all the others?",
                NONE: "*Order is built in.* Nothing here knows a place: attention sums over a *set*.",
            },
            why="Each token takes its answer along to its new place. The sentence is a bag of words.",
        ),
        Choice(
            "shuffle_causal",
            "Now a causal mask; still no positions, one layer. For how many tokens does the answer stay the same?",
            {
                ALL: "The mask cuts the bag: those in the middle now see *other* tokens than before.",
                LAST: "",
                NONE: "Almost. But one token sees the same set as before.",
            },
            why="The last token sees everybody, in whatever order. All others see another past than before.",
        ),
        Choice(
            "shuffle_deep",
            "Causal mask, no positions, but *two* layers. For how many tokens does the answer stay the same?",
            {
                ALL: "Even in one layer it was only the last.",
                LAST: "So it was with one layer. But now it sums over neighbors who have *changed* in the first.",
                NONE: "",
            },
            why="In the first layer the others change. The second layer reads them: the order has leaked in.",
        ),
        Choice(
            "shuffle_rotary",
            "No mask, one layer, but rotary positions. For how many tokens does the answer stay the same?",
            {
                ALL: "Without positions, yes. Now each pair's score depends on how far apart the two stand.",
                LAST: "It sees the same set, but each member stands at another distance.",
                NONE: "",
            },
            why="Positions turn the bag of words into a sentence, with or without a mask.",
        ),
        Choice(
            "half_way",
            "*Noah lives in the …* The model has two blocks. We ask the stream after the *first* one: what does it "
            "put on top, for all people of the town?",
            {
                "nearly always the right house": "Then the second block would have nothing to do. Who lives where is "
                "looked up late.",
                "nearly always a house, seldom the right one": "",
                "hardly ever a house": "*Each layer speaks a language of its own.* All read and write one stream, so "
                "its half-way state can be read with the last layer's dictionary.",
            },
            why="First *what kind of word*, then *which one*: the second block adds the fact.",
        ),
    ],
    exercises=[
        Exercise(
            "normalize",
            task="Write `normalize(x)`: bring each vector to mean 0 and variance 1. In: a tensor whose *last* axis is "
            "the vector, such as (batch, position, d_model). Out: the same shape. A vector of equal numbers becomes "
            "zeros: add 0.00001 to the variance before you take its root.",
            minutes=6,
            difficulty=1,
            hints=(
                "Two numbers per vector: `x.mean(dim=-1, keepdim=True)` is one. What does `keepdim` save you from?",
                "`x.var(dim=-1, keepdim=True, correction=0)` is the other. Then "
                "`(x - mean) / (variance + 1e-5) ** 0.5`.",
            ),
            solution=block.normalize,
            why="torch has it ready made, in one fast step. The small number keeps equal entries from dividing by 0.",
            cases=[
                torch.tensor([[1.0, 2.0, 3.0]]),
                torch.tensor([[1.0, 2.0, 3.0], [10.0, 20.0, 60.0]]),
                _numbers(2, 3, 8, seed=0, scale=3.0),
                torch.tensor([[5.0, 5.0, 5.0]]),
            ],
            mistakes=[
                Mistake("You divide by the variance; divide by its root.", gives=lambda x: _normalize(x, root=1.0)),
                Mistake(
                    "You divide by n − 1 in the variance: torch's `var` and `std` do, unless you say `correction=0`.",
                    gives=lambda x: _normalize(x, unbiased=True),
                ),
                Mistake(
                    "You take one mean over everything. Each vector, that is the last axis, has its own.",
                    gives=lambda x: _normalize(x, dim=None),
                ),
                Mistake(
                    "You normalize along the first axis, over the tokens; each token is normalized by itself.",
                    gives=lambda x: _normalize(x, dim=0),
                ),
                Mistake("You forget to subtract the mean.", gives=lambda x: _normalize(x, center=False)),
                Mistake(
                    "You divide 0 by 0 where all entries are equal: add 0.00001 to the variance.",
                    when=lambda got, x: bool(torch.isnan(got).any()),
                ),
                Mistake(
                    "The mean of each vector has lost its axis, so the shapes do not fit: say `keepdim=True`.",
                    raises=RuntimeError,
                ),
            ],
        ),
        Exercise(
            "parameters_by_part",
            task="Write `parameters_by_part(vocab_size, d_model, n_layers, d_ff)`: the numbers that each part of a GPT "
            "learns, all layers together, as a dict: `embedding`, `attention`, `feed-forward`, `unembedding`.",
            minutes=7,
            difficulty=2,
            hints=(
                "A table has a row for each token. A matrix that makes d numbers out of d numbers has d × d.",
                "Attention has *four* matrices a layer (query, key, value, output), the feed-forward network *two* "
                "(d_model × d_ff and back). Multiply by `n_layers`.",
            ),
            solution=parameters_by_part,
            why="The number of heads does not appear: they share the width among themselves. Nor does the length of "
            "the text: rotary positions are computed, not learned.",
            cases=[(10, 4, 1, 16), (10, 4, 3, 16), (1024, 128, 2, 512), (7, 6, 2, 5)],
            mistakes=[
                Mistake("That is one layer; there are `n_layers`.", gives=lambda *s: _count(*s, layers=False)),
                Mistake(
                    "Attention has a fourth matrix: the output, which mixes what the heads bring home.",
                    gives=lambda *s: _count(*s, attention=3),
                ),
                Mistake(
                    "The feed-forward network has two matrices: one widens, one narrows.",
                    gives=lambda *s: _count(*s, narrow=1),
                ),
                Mistake(
                    "The last table is missing: a score for each token needs vocab_size × d_model numbers.",
                    gives=lambda *s: _count(*s, tables=0),
                ),
                Mistake(
                    "A dict is asked for, with the keys `embedding`, `attention`, `feed-forward` and `unembedding`.",
                    when=lambda got, *s: not isinstance(got, dict) or set(got) != set(_count(*s)),
                ),
            ],
        ),
        Exercise(
            "logit_lens",
            task="Write `logit_lens(residuals, unembedding)`: which token would each layer say, if it were the last? "
            "In: the stream after each layer (layer, ..., d_model), and the last table (vocab, d_model). Out: "
            "probabilities (layer, ..., vocab). Do what the end of your GPT does.",
            minutes=7,
            difficulty=2,
            hints=(
                "Three steps: bring the vectors to one size, compare each with each row of the table, make shares.",
                "`scores = normalize(residuals) @ unembedding.T`, then a softmax over the *last* axis.",
            ),
            solution=logit_lens,
            why="No new parameters, no training: the stream has one language, so the last dictionary reads every page.",
            cases=[
                (_numbers(2, 4, seed=1), _numbers(5, 4, seed=2)),
                (_numbers(3, 2, 4, seed=3, scale=20.0), _numbers(6, 4, seed=4)),
                (_numbers(3, 2, 5, 4, seed=5, scale=0.1), _numbers(7, 4, seed=6)),
            ],
            mistakes=[
                Mistake(
                    "You forget to normalize: late layers have long vectors, and would sound surer than they are.",
                    gives=lambda r, u: (r @ u.T).softmax(dim=-1),
                ),
                Mistake(
                    "Your shares add up to 1 over the layers; they should over the vocabulary, the last axis.",
                    gives=lambda r, u: (block.normalize(r) @ u.T).softmax(dim=0),
                ),
                Mistake(
                    "Those are scores; a softmax makes probabilities of them.",
                    gives=lambda r, u: block.normalize(r) @ u.T,
                ),
                Mistake(
                    "You give only the best token; all probabilities are asked for.",
                    when=lambda got, r, u: got.shape[-1:] != u.shape[:1],
                ),
                Mistake(
                    "The table lies the wrong way round: (…, d_model) times (d_model, vocab) needs `unembedding.T`.",
                    raises=RuntimeError,
                ),
            ],
        ),
    ],
    quiz=[
        Question(
            "who_knows_order",
            "You take the positions and the mask out of a transformer. What does it still know of the order of words?",
            right="Nothing: it answers for a bag of words",
            why="Attention sums over a set, and the feed-forward network looks at each token alone.",
            wrong=[
                Distractor(
                    "All of it: words come in one after the other",
                    "*Order is built in.* They come in all at once; shuffled, each took its answer along.",
                    "Shuffle the words",
                ),
                Distractor(
                    "A little: neighbors are added first",
                    "*It reads like we do.* A sum has no first. The gap was as small as rounding.",
                    "Shuffle the words",
                ),
            ],
        ),
        Question(
            "what_a_block_does",
            "What does a block do to the residual stream?",
            right="It adds to it",
            why="Subtract what was added, and the embeddings are back, to the last digit.",
            wrong=[
                Distractor(
                    "It replaces it by a better representation",
                    "*Each layer replaces the last.* Then the embeddings could not come back by subtraction.",
                    "Add, never replace",
                ),
                Distractor(
                    "It normalizes it",
                    "It normalizes a *copy*, to read from. The stream itself grows and grows.",
                    "Bring every vector to one size",
                ),
            ],
        ),
        Question(
            "who_moves_information",
            "Which part can carry something from one token to another?",
            right="Attention alone",
            why="Everything else works on each position by itself.",
            wrong=[
                Distractor(
                    "The feed-forward network",
                    "*The big part does everything.* Cut the text in two, and each half's result is the same.",
                    "Build a GPT in five cells",
                ),
                Distractor(
                    "The normalization",
                    "It takes mean and spread over the numbers of *one* token.",
                    "Bring every vector to one size",
                ),
            ],
        ),
        Question(
            "bert_and_gpt",
            "What makes an encoder out of a decoder?",
            right="Another mask (and another task in training)",
            why="Same blocks, same weights, same numbers. Who may look at whom is data.",
            wrong=[
                Distractor(
                    "Other layers: an encoder understands, a decoder writes",
                    "*They are different machines.* One loaded the other's weights, and gave its scores.",
                    "Give the decoder's weights to an encoder",
                ),
                Distractor(
                    "Bidirectional attention, a special kind",
                    "It is the ordinary kind, with nothing forbidden.",
                    "Give the decoder's weights to an encoder",
                ),
            ],
        ),
        Question(
            "more_heads",
            "You double the number of heads, and leave d_model. What happens to the number of parameters?",
            right="It stays the same",
            why="The heads share the width: more heads are narrower heads.",
            wrong=[
                Distractor(
                    "It doubles",
                    "*Each head has matrices of the full width.* The heads' matrices lie side by side in one.",
                    "Count the parameters",
                ),
                Distractor(
                    "Attention's part doubles",
                    "Four matrices of d × d, however many heads: there is no place for them in the formula.",
                    "Count the parameters",
                ),
            ],
        ),
        Question(
            "what_the_lens_shows",
            "The logit lens shows *cottage* after the last block only. What may you say?",
            right="That the stream did not yet favor it before",
            why="The lens reads what the *last* dictionary can read. What is there in other directions, it misses.",
            wrong=[
                Distractor(
                    "That the first block knows nothing of Noah",
                    "*What the lens cannot read is not there.* It reads one direction per word, and nothing else.",
                    "Read the stream early",
                ),
                Distractor(
                    "That the last block holds all facts",
                    "It may only have moved there what an earlier one had found, into words.",
                    "Read the stream early",
                ),
            ],
        ),
    ],
)
progress, warm_up, predict, exercise, quiz = LESSON.doors
check_normalize = LESSON.check("normalize")
check_parameters_by_part = LESSON.check("parameters_by_part")
check_logit_lens = LESSON.check("logit_lens")
