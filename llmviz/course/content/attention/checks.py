"""What lesson 3 asks: predictions, three functions to write, and a quiz."""

import torch

from llmviz.course.lesson import Lesson
from llmviz.course.schema import Choice, Distractor, Exercise, Mistake, Number, Question
from llmviz.interpretability.heads import _last_place, induction_score
from llmviz.model.attention import causal_mask, scaled_dot_product_attention

_MASK = torch.tensor([[True, False, False], [True, True, False], [True, True, True]])
_STRIPE = torch.eye(6)[[0, 0, 0, 1, 2, 3]]  # a perfect induction head on a b c a b c
_UNEVEN = torch.tensor(
    [[1, 0, 0, 0, 0], [0.5, 0.5, 0, 0, 0], [0.1, 0.7, 0.2, 0, 0], [0.1, 0.2, 0.3, 0.4, 0], [0.1, 0.1, 0.2, 0.5, 0.1]]
)


def _numbers(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


_ATTENTION_CASES = [
    (torch.tensor([[2.0, 0.0]]), torch.tensor([[2.0, 0.0], [0.0, 2.0]]), torch.tensor([[7.0], [70.0]]),
     torch.tensor([[True, True]])),
    (_numbers(3, 4, seed=0), _numbers(3, 4, seed=1), _numbers(3, 2, seed=2), _MASK),
    (_numbers(2, 3, 8, seed=3), _numbers(2, 3, 8, seed=4), _numbers(2, 3, 8, seed=5), _MASK),
]  # fmt: skip


def _attend(query, key, value, mask, *, divide=lambda d: d**0.5, along=-1, late=False, fill=float("-inf")):
    """Attention with one thing done otherwise."""
    scores = query @ key.transpose(-2, -1) / divide(query.shape[-1])
    shares = scores if late else scores.masked_fill(~mask, fill)
    weights = shares.softmax(dim=along)
    weights = weights * mask if late else weights
    return scores, weights, weights @ value


def _score(weights, tokens, *, shift=1, first=False, everyone=False):
    """The induction score with one thing done otherwise."""
    total = n = 0
    for query, token in enumerate(tokens):
        places = [place for place in range(query) if tokens[place] == token]
        if places:
            total += weights[query, (places[0] if first else places[-1]) + shift]
        n += bool(places) or everyone
    return total / n


LESSON = Lesson(
    "attention",
    title="3 · Attention",
    warm_up=[
        Question(
            "what_it_sees",
            "The model reads `kite`. What does it get to see?",
            right="One number, which looks up a vector",
            why="The token's id (lesson 1) picks a row of the embedding table (lesson 2): a vector.",
            wrong=[
                Distractor(
                    "Four letters",
                    "*The model sees letters.* It sees ids of tokens; how a token is spelled is nowhere in its number.",
                    "01_tokenization.ipynb#Cut the text, number the pieces",
                ),
                Distractor(
                    "What a kite is: paper, string, wind",
                    "*Meaning is stored with the word.* It has only directions in which other words lie near or far.",
                    "02_embeddings.ipynb#Measure an angle by hand",
                ),
            ],
        ),
        Question(
            "same_way",
            "Two word vectors point the same way. What is large?",
            right="Their dot product",
            why="Multiply the entries pair by pair and add up. It is about to do all the work.",
            wrong=[
                Distractor(
                    "Their distance",
                    "Vectors that point the same way lie *near* each other: their distance is small.",
                    "02_embeddings.ipynb#Measure an angle by hand",
                ),
                Distractor(
                    "Nothing that can be computed",
                    "*Likeness is a matter of taste.* Lesson 2 measured it, for any two words.",
                    "02_embeddings.ipynb#Measure an angle by hand",
                ),
            ],
        ),
    ],
    predictions=[
        Number(
            "gelato",
            "One share says 14 coins, two shares say 1, four shares say 3. Seven shares in all: how many coins?",
            unit="coins", low=0, high=20, close=1, digits=1,
            why="The milkshake speaks loudest, *because the gelato asked for what it is*.",
        ),
        Number(
            "biggest_share",
            "Eight keys drawn at random, each of d = 1024 numbers: no reason to prefer one. *Without* the division by "
            "√d, how large is the biggest of the eight shares?",
            low=0, high=1, close=0.1, digits=1,
            why="With shares alike it would be 1/8. But each score is a sum of 1024 products, and such sums spread by "
            "√1024 = 32; *e* to a gap like that leaves nothing to the others. Divided by √d, the spread is 1 again.",
        ),
        Choice(
            "my_row",
            "Four words, all scores 0: each weight is 1/4. Now the forbidden weights are set to zero. What does the "
            "row of the first word, *My*, add up to?",
            {
                "1": "A row always adds up to 1 *after the softmax*. Here somebody has taken away from it since.",
                "1/2": "Half of the table is forbidden, but not half of each row: count the cells that *My* keeps.",
                "1/4": "",
                "0": "*My* may still look at itself.",
            },
            why="The softmax had dealt out shares to three words of the future, and zeroing threw them away.",
        ),
        Number(
            "who_copies",
            "How many of the tiny GPT's eight heads put at least half of their attention on the word to be copied?",
            unit="heads", low=0, high=8, close=1,
            why="Not all: each head has its own habit, and most look elsewhere. Not none: this job has an address. "
            "Which head it is, the seed decides; so search, each time anew.",
        ),
        Choice(
            "where_it_falls",
            "Random words, then the same words again. The model has never seen them together. How surprised will it "
            "be, token by token?",
            {
                "equally, all the way": "*A model only knows what it has read in training.* It also knows what it has "
                "read a moment ago.",
                "less and less": "There is nothing to get used to: each new word is as random as the last.",
                "much, then suddenly hardly at all": "",
            },
            why="From the second word of the second round on, looking back tells what comes.",
        ),
        Number(
            "prettiest_off",
            "You switch off the head with the clearest stripe, only this one. How much of the cliff is gone: from 0 "
            "(still as deep) to 100 percent (no cliff at all)?",
            unit="percent", low=0, high=100, close=10,
            why="The others carry the same stripe and stand in for it. *Not missed* is not *useless*: look what "
            "happens when all of them go.",
        ),
    ],
    exercises=[
        Exercise(
            "causal_mask",
            task="Write `causal_mask(n_queries)`: a square of True and False, `(query, key)`, True where the query may "
            "look. Each word may look at itself and at all before it.",
            minutes=4, difficulty=1,
            hints=(
                "For three words: the first row is True, False, False; the last is True, True, True.",
                "`torch.ones(n, n, dtype=torch.bool)` is all True; `.tril()` keeps the lower left triangle.",
            ),
            solution=causal_mask,
            why="A mask is *data*: the same attention with another mask is another model. The library's version also "
            "serves a cache, where the queries are the last of many keys.",
            cases=[3, 1, 6],
            mistakes=[
                Mistake("Your mask is upside down: True stands where looking is forbidden. Here True means may look.",
                        gives=lambda n: torch.ones(n, n).triu(1).bool()),
                Mistake("Your mask lets each word see the future and hides the past: the triangle is the upper one.",
                        gives=lambda n: torch.ones(n, n).triu().bool()),
                Mistake("A word may not look at itself in your mask; then the first word has nobody to look at.",
                        gives=lambda n: torch.ones(n, n).tril(-1).bool()),
                Mistake("Your mask holds numbers. A mask is boolean: add `dtype=torch.bool`, or `.bool()` at the end.",
                        when=lambda got, n: hasattr(got, "dtype") and got.dtype != torch.bool),
            ],
        ),
        Exercise(
            "scaled_dot_product_attention",
            task="Write `scaled_dot_product_attention(query, key, value, mask)`. Return three things: the scores "
            "before the mask `(…, query, key)`, the weights after the softmax, and the mixed values. `mask` is True "
            "where a query may look.",
            minutes=8, difficulty=2,
            hints=(
                "Four lines: compare every query with every key, divide, hide, softmax. Then mix. "
                "`key.transpose(-2, -1)` turns the keys so that `@` can compare.",
                "`scores.masked_fill(~mask, float('-inf'))` hides *before* `.softmax(dim=-1)`; then `weights @ value`.",
            ),
            solution=scaled_dot_product_attention,
            why="`dim=-1` is the axis of the keys: each *query* deals out one whole share. The leading axes (batch, "
            "head) ride along untouched, so the same four lines serve one head or a hundred.",
            cases=_ATTENTION_CASES,
            mistakes=[
                Mistake("You do not divide by √d: the scores are too large, and the softmax too sure.",
                        gives=lambda *given: _attend(*given, divide=lambda d: 1)),
                Mistake("You divide by d; its square root is asked for.",
                        gives=lambda *given: _attend(*given, divide=lambda d: d)),
                Mistake("Your softmax runs over the queries: the columns add up to 1. Each row should, so `dim=-1`.",
                        gives=lambda *given: _attend(*given, along=-2)),
                Mistake("You hide the future after the softmax. Shares were dealt out to it already; hide before.",
                        gives=lambda *given: _attend(*given, late=True)),
                Mistake("You put 0 in place of the forbidden scores; but e⁰ = 1 is a share. Minus infinity gives none.",
                        gives=lambda *given: _attend(*given, fill=0.0)),
                Mistake("You use the mask upside down: True means may look, so fill where it is *not* True.",
                        gives=lambda query, key, value, mask: _attend(query, key, value, ~mask)),
                Mistake("You return one thing; three are asked for: scores, weights, output.",
                        when=lambda got, *given: torch.is_tensor(got)),
                Mistake("You return the scores with the mask already in them; return them as they were before.",
                        when=lambda got, query, key, value, mask: bool(torch.isinf(got[0]).any())),
            ],
        ),
        Exercise(
            "induction_score",
            task="Write `induction_score(attention_weights, tokens)` for one head, `(query, key)`. For each token that "
            "has stood before, find its *last* earlier place; the score is the mean attention to the place *after* it.",
            minutes=8, difficulty=3,
            hints=(
                "Loop over the queries. `[place for place in range(query) if tokens[place] == tokens[query]]` lists "
                "where the token stood before; many lists are empty.",
                "Collect `attention_weights[query, places[-1] + 1]` where there are places; return the mean of those.",
            ),
            solution=induction_score,
            why="One number that a picture cannot give: with it you can search thousands of heads. The library's "
            "version takes all heads at once, and says None where no token comes twice.",
            cases=[
                (_STRIPE, list("abcabc")),
                (_UNEVEN, list("abaab")),
                (_UNEVEN, list("aabca")),
            ],
            mistakes=[
                Mistake("You look at where the token itself stood; what came *after* it is one place further on.",
                        gives=lambda *given: _score(*given, shift=0)),
                Mistake("You take the first time the token stood there; the last time before now is asked for.",
                        gives=lambda *given: _score(*given, first=True)),
                Mistake("You divide by all tokens, also by those that never stood before and had nowhere to look.",
                        gives=lambda *given: _score(*given, everyone=True)),
                Mistake("You look at the place *before* the earlier one; induction looks at what came after.",
                        gives=lambda *given: _score(*given, shift=-1)),
                Mistake("You give a list of weights; one number is asked for, their mean.",
                        when=lambda got, *given: isinstance(got, list)),
                Mistake("You read the table the wrong way round: rows are queries, so `attention_weights[query, key]`.",
                        gives=lambda weights, tokens: _score(weights.T, tokens)),
            ],
            shows=(_last_place,),
        ),
    ],
    quiz=[
        Question(
            "all_alike",
            "A query matches every key equally well. What comes out?",
            right="The mean of the values",
            why="Equal scores, equal shares: back to the lazy guess of the van.",
            wrong=[
                Distractor(
                    "Nothing: it has found nobody",
                    "*Attention can stay silent.* A row always adds up to 1, so a head with nothing to say must park "
                    "its attention somewhere.",
                    "Turn the question round",
                ),
                Distractor(
                    "The value of the last token",
                    "*Attention reads from left to right.* It compares all keys at once; without positions it does not "
                    "even know which is last.",
                    "Mend a melted price tag",
                ),
            ],
        ),
        Question(
            "stored",
            "Where is the attention weight between *kite* and *red* stored?",
            right="Nowhere: it is computed anew for each text",
            why="Stored are the matrices that make queries, keys and values out of any text.",
            wrong=[
                Distractor(
                    "In the checkpoint, among the parameters",
                    "*Attention weights are learned parameters.* Then every text would have the same number of them.",
                    "Doubt what is stored",
                ),
                Distractor(
                    "In the tokenizer's vocabulary",
                    "*The tokenizer knows about meaning.* It knows pieces and their ids, nothing between them.",
                    "Doubt what is stored",
                ),
            ],
        ),
        Question(
            "doubled",
            "You double all scores before the softmax. The biggest share…",
            right="grows, toward 1",
            why="Softmax turns gaps into ratios: doubling the gap squares the ratio.",
            wrong=[
                Distractor(
                    "stays as it is",
                    "*Only proportions count.* They would if scores were shares already; softmax is an exponential.",
                    "Divide by √d, or freeze",
                ),
                Distractor(
                    "doubles",
                    "*Softmax is just dividing by the sum.* A share of 0.6 would become 1.2, more than there is.",
                    "Divide by √d, or freeze",
                ),
            ],
        ),
        Question(
            "late_mask",
            "Forbidden weights are set to 0 after the softmax, and nobody repairs the rows. Who is wronged most?",
            right="The first word",
            why="It has the most future to lose: all of the shares that were dealt out to later words.",
            wrong=[
                Distractor(
                    "The last word",
                    "*The mask takes from the end.* The last word has no future, so nothing is taken from it.",
                    "Hide the future (wrongly first)",
                ),
                Distractor(
                    "Nobody: zero is zero",
                    "*Zeroing afterwards is the same as masking.* The sum was dealt out with the future in it; it even "
                    "leaks how interesting that future was.",
                    "Hide the future (wrongly first)",
                ),
            ],
        ),
        Question(
            "glows",
            "A head's map glows on *dragon*. Does the output depend on *dragon*?",
            right="Perhaps; switch the head off and see",
            why="Attention is a road, not the traffic: where information *may* flow, not how much the answer needs it.",
            wrong=[
                Distractor(
                    "Yes, that is what the map shows",
                    "*The heatmap explains the output.* The clearest stripe of all was not missed when it was gone.",
                    "Pull the prettiest lever",
                ),
                Distractor(
                    "No, heatmaps mean nothing",
                    "*So it is all decoration.* The tiny GPT's best looker could not be spared at all.",
                    "Hunt the head that copies",
                ),
            ],
        ),
        Question(
            "one_layer",
            "Why does an induction head sit in the second layer, never in the first?",
            right="It needs news that an earlier layer writes: who stood before whom",
            why="A key must say *I stood after jam* before anybody can look for it.",
            wrong=[
                Distractor(
                    "The first layer is too small",
                    "Both layers are equally large. What the first one lacks is not size but what has been written.",
                    "Pull the prettiest lever",
                ),
                Distractor(
                    "By chance; another seed puts it into the first",
                    "*Nothing in a network is necessary.* The head's number is chance, the order of the layers is not.",
                    "Pull the prettiest lever",
                ),
            ],
        ),
    ],
)
progress, warm_up, predict, exercise, quiz = LESSON.doors
check_causal_mask = LESSON.check("causal_mask")
check_scaled_dot_product_attention = LESSON.check("scaled_dot_product_attention")
check_induction_score = LESSON.check("induction_score")
