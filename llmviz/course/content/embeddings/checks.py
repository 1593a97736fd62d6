"""What lesson 2 asks: predictions, four functions to write, and a quiz."""

import numpy as np

from llmviz.course.content.embeddings import mistakes as mistakes
from llmviz.course.lesson import Lesson
from llmviz.course.schema import Choice, Distractor, Exercise, Mistake, Number, Question
from llmviz.embeddings.reference import count_neighbors, nudge, solve_analogy
from llmviz.embeddings.vectors import cosine

_A, _B = np.array([3.0, 4.0]), np.array([4.0, 3.0])
_AXES = {
    "man": [1.0, 0, 0, 0], "woman": [0.8, 0.6, 0, 0], "king": [0.6, 0, 0.8, 0], "queen": [0.48, 0.36, 0.8, 0],
    "prince": [0.6, 0, 0.64, 0.48], "kite": [0, 0, 0, 1.0], "ball": [0, -0.28, 0, 0.96],
}  # fmt: skip
_SPACE = {word: np.array(vector) for word, vector in _AXES.items()}

_NUDGES = [
    ([0.0, 0.0], [1.0, 2.0], True, 0.1), ([1.0, 0.0], [0.0, 1.0], True, 0.5), ([1.0, 0.0], [0.0, 1.0], False, 0.5),
    ([2.0, 1.0], [1.0, 1.0], True, 1.0), ([2.0, 1.0], [1.0, 1.0], False, 1.0), ([-1.0, 3.0], [2.0, 0.5], False, 0.1),
]  # fmt: skip

LESSON = Lesson(
    "embeddings",
    title="2 · Embeddings",
    warm_up=[
        Question(
            "handed_over",
            "What does the tokenizer hand to the model?",
            right="Whole numbers, one a token",
            why="Nothing of the letters is left. So where does meaning come from? That is today's question.",
            wrong=[
                Distractor(
                    "The letters of each token",
                    "*The model sees letters.* It sees ids; the letters stay behind in the list.",
                    "01_tokenization.ipynb#Cut the text, number the pieces",
                ),
                Distractor(
                    "A vector that says what each token means",
                    "*The tokenizer understands.* It only counts and cuts; vectors belong to the model.",
                    "01_tokenization.ipynb#Cut the text, number the pieces",
                ),
            ],
        ),
        Question(
            "close_ids",
            "Two tokens have the ids 547 and 548. What can be said about the two?",
            right="One was made right after the other, no more",
            why="Ids follow the order of the merges. An id is a name, not an amount.",
            wrong=[
                Distractor(
                    "They mean nearly the same",
                    "*Near numbers, near meanings.* Whichever pair was merged next got the next number.",
                    "01_tokenization.ipynb#Let it train on a town",
                ),
                Distractor(
                    "Both are rare",
                    "*Ids are ranks of rarity.* Roughly, late ids are rarer; but of two neighbors nothing follows.",
                    "01_tokenization.ipynb#Let it train on a town",
                ),
            ],
        ),
    ],
    predictions=[
        Choice(
            "nearer_to_red",
            "With one-hot vectors: is *red* more like *blue* or more like *Tom*?",
            {
                "more like blue": "Your head knows that both are colors. The ones and zeros do not.",
                "more like Tom": "Nothing in the numbers ties *red* to *Tom* either.",
                "equally unlike both": "",
            },
            why="All one-hot vectors stand at right angles to one another: they say who is who, and nothing more.",
        ),
        Number(
            "kept_by_pca",
            "Each word has ten true neighbors, in all dimensions. How many of them are also among its ten nearest in "
            "the PCA picture, on average?",
            unit="of 10",
            low=0,
            high=10,
            close=1,
            digits=1,
            why="Two directions out of many cannot keep everything. That is what the honesty meter counts.",
        ),
        Choice(
            "where_they_part",
            "*May* the month and *May* the person are spelled alike, so they have the same tokens. Where inside the "
            "model do the two part?",
            {
                "in the embedding": "The table knows only tokens: same letters, same rows, so the very same numbers.",
                "after layer 1": "",
                "after layer 2": "Later than it has to be: the first layer can already look back at the cue.",
                "nowhere": "*A word has one vector.* It has one row in the table, and then it listens.",
            },
            why="The first attention looks back, finds *calendar* or *in love*, and adds it to the vector.",
        ),
        Choice(
            "all_words_allowed",
            "Real vectors: king − man + woman, *all* words allowed. Which word is nearest to that place?",
            {
                "queen": "So the story is told. But one word was struck from the list before.",
                "king": "",
                "woman": "One of the three indeed is nearest, but not this one: the walk began somewhere else.",
                "princess": "Near, but others are nearer.",
            },
            why="The walk from man to woman is short, so one hardly leaves king. *Queen* is first among the others.",
        ),
    ],
    exercises=[
        Exercise(
            "cosine",
            task="Write `cosine(a, b)`: the cosine of two NumPy vectors: multiply number by number, add up, "
            "divide by both lengths. `cosine(np.array([3, 4]), np.array([4, 3]))` gives `0.96`.",
            minutes=6,
            difficulty=1,
            hints=(
                "`a @ b` multiplies and adds up. A length is the square root of `a @ a`.",
                "Return `(a @ b) / (np.linalg.norm(a) * np.linalg.norm(b))`.",
            ),
            solution=cosine,
            why="The library's form is the same line, after asking whether the two can be compared at all; the clip "
            "takes away what rounding adds beyond 1.",
            cases=[
                (_A, _A),
                (_A, _B),
                (np.array([3.0, 4]), np.array([-4.0, 3])),
                (_A, 10 * _B),
                (_A, -_A),
                (np.array([1.0, 2, 2]), np.array([2.0, 1, 2])),
            ],
            mistakes=[
                Mistake(
                    "You forget to divide by the lengths: a longer vector then counts as more alike.",
                    gives=mistakes.only_the_dot_product,
                ),
                Mistake(
                    "You divide by the *sum* of the lengths; it must be their product.", gives=mistakes.sum_of_lengths
                ),
                Mistake("You divide by the squared lengths: the root is missing.", gives=mistakes.squared_lengths),
                Mistake("That is the distance between the tips, not the angle.", gives=mistakes.distance),
                Mistake("You divide by one length only; both vectors have one.", gives=mistakes.one_length),
                Mistake(
                    "You return a vector: multiply number by number *and add up* (`@` does both).",
                    when=lambda got, a, b: np.ndim(got) > 0,
                ),
            ],
        ),
        Exercise(
            "count_neighbors",
            task="Write `count_neighbors(words, window)`: who stands at most `window` words away from whom, how "
            "often? In: a list of strings and a number. Out: a dict from `(word, neighbor)` to a count. "
            '`count_neighbors(["red", "kite", "red"], 1)` gives `{("red", "kite"): 2, ("kite", "red"): 2}`.',
            minutes=10,
            difficulty=2,
            hints=(
                "Two loops: each place, and each place at most `window` away, but not itself.",
                "`range(max(0, here - window), min(len(words), here + window + 1))` are the places; skip "
                "`there == here`; count with `counts.get(pair, 0) + 1`.",
            ),
            solution=count_neighbors,
            why="`max` and `min` keep the window inside the text: Python would take place −1 for the last word.",
            cases=[
                (["red", "kite"], 1),
                (["red", "kite", "red"], 1),
                (["a", "b", "c", "d"], 2),
                (["a", "b", "c"], 9),
                (["a", "a", "a"], 1),
                (["a"], 2),
                ([], 1),
            ],
            mistakes=[
                Mistake(
                    "You count only what comes after: *kite* is also a neighbor of the word behind it.",
                    gives=mistakes.only_to_the_right,
                ),
                Mistake(
                    "You count each word as its own neighbor: leave out the place itself (not the word: in "
                    "`a a a` the others count).",
                    gives=mistakes.itself_too,
                ),
                Mistake(
                    "You skip neighbors that are the same word: leave out the *place*, not the word.",
                    gives=mistakes.never_the_same_word,
                ),
                Mistake("Your window ends one word early: a `range` leaves out its end.", gives=mistakes.one_too_few),
                Mistake("You run over the end of the list.", raises=IndexError),
                Mistake(
                    "At the start you look at place −1, and Python takes that for the last word.",
                    gives=mistakes.around_the_corner,
                ),
            ],
        ),
        Exercise(
            "nudge",
            task="Write `nudge(middle, context, is_true, rate)`: one step of word2vec. The guess is σ(middle · "
            "context), the truth is 1 or 0. Each vector moves by `rate * (truth - guess)` times the *other* one. "
            "Return both new vectors.",
            minutes=10,
            difficulty=2,
            hints=(
                "σ(x) is `1 / (1 + np.exp(-x))`. How wrong was the guess? One number, for both.",
                "`step = rate * (is_true - guess)`; return `middle + step * context, context + step * middle`, with "
                "the *old* vectors on the right.",
            ),
            solution=nudge,
            why="True neighbors pull (the step is positive), made-up ones push. The more surprising, the further.",
            cases=[(np.array(middle), np.array(context), is_true, rate) for middle, context, is_true, rate in _NUDGES],
            mistakes=[
                Mistake(
                    "You go the wrong way: true neighbors are pushed apart. It is truth minus guess.",
                    gives=mistakes.wrong_way,
                ),
                Mistake(
                    "You move the context with the *new* middle; both moves use the old vectors.",
                    gives=mistakes.new_middle,
                ),
                Mistake(
                    "You pull whether or not the two are true neighbors: `is_true` is never asked.",
                    gives=mistakes.always_pull,
                ),
                Mistake("The guess needs the σ: a score such as 3 is no probability.", gives=mistakes.no_sigmoid),
                Mistake(
                    "Each vector moves along the *other* one; yours only get longer or shorter.",
                    gives=mistakes.along_itself,
                ),
                Mistake(
                    "You changed the vectors that were given; make new ones, and return both.",
                    when=lambda got, *given: got is None or np.ndim(got) < 2,
                ),
            ],
        ),
        Exercise(
            "solve_analogy",
            task="Write `solve_analogy(vectors, a, b, c)`: a is to b as c is to …? In: a dict from word to vector "
            "(all of length 1) and three words. Out: the word that points most nearly where `b − a + c` does, the "
            "three words left out.",
            minutes=8,
            difficulty=2,
            hints=(
                "At length 1, the largest dot product with the target is the largest cosine.",
                "`target = vectors[b] - vectors[a] + vectors[c]`; of all words not in `(a, b, c)` take the one with "
                "the largest `vectors[word] @ target` (`max(…, key=…)`).",
            ),
            solution=solve_analogy,
            why="Striking the three words is part of the recipe, though hardly anyone tells. The target's own length "
            "does not matter: it scales all cosines alike.",
            cases=[
                (_SPACE, "man", "king", "woman"),
                (_SPACE, "man", "woman", "king"),
                (_SPACE, "king", "man", "queen"),
                (_SPACE, "kite", "ball", "man"),
                (_SPACE, "woman", "man", "queen"),
            ],
            mistakes=[
                Mistake(
                    "You may answer with a word of the question; leave out all three.", gives=mistakes.inputs_allowed
                ),
                Mistake("You walk backwards: it is b − a + c.", gives=mistakes.backwards),
                Mistake(
                    "You forget to subtract a: only the difference b − a is the walk.", gives=mistakes.no_difference
                ),
                Mistake("You only look for the nearest word to c; a and b never matter.", gives=mistakes.nearest_to_c),
                Mistake(
                    "You return the vector or the number; the answer is a word.",
                    when=lambda got, *given: not isinstance(got, str),
                ),
            ],
        ),
    ],
    quiz=[
        Question(
            "cosine_one",
            "Two vectors have cosine 1. What do you know?",
            right="They point the same way",
            why="Lengths are divided out: one may be ten times longer.",
            wrong=[
                Distractor(
                    "They are equal",
                    "*Alike means equal.* Twice as long, same direction: the cosine is still 1.",
                    "Measure an angle by hand",
                ),
                Distractor(
                    "The words mean the same",
                    "*Vectors are meanings.* They kept the same company; colors do, too, and red is not blue.",
                    "Let it learn from guesses",
                ),
            ],
        ),
        Question(
            "swap_columns",
            "You swap columns 3 and 17 of the whole table. What happens to the neighbors of *red*?",
            right="Nothing at all",
            why="A swap turns the whole space. All cosines stay.",
            wrong=[
                Distractor(
                    "They change completely",
                    "*Each dimension has a name.* Any turn changes every number and no cosine: a cell asserted it.",
                    "Turn the whole space",
                ),
                Distractor(
                    "They change a little",
                    "*A few columns matter less.* Not less: not at all, as long as all rows are swapped alike.",
                    "Turn the whole space",
                ),
            ],
        ),
        Question(
            "touching_points",
            "Two points touch in the PCA picture. Are they true neighbors?",
            right="Perhaps; ask the original space",
            why="All other directions were squeezed out. The honesty meter counts how often it goes well.",
            wrong=[
                Distractor(
                    "Yes: near is near",
                    "*Distance in the picture is distance.* The picture lost neighbors, and a cell counted how many.",
                    "Distrust the picture",
                ),
                Distractor(
                    "Yes, if the picture shows most of the spread",
                    "*Spread is honesty.* The meter of neighbors is "
                    "another number, and t-SNE has no spread to show at all.",
                    "Distrust the picture",
                ),
            ],
        ),
        Question(
            "queen",
            "Why is *queen* the usual answer to king − man + woman?",
            right="Because the words of the question are left out first",
            why="All words allowed, *king* itself is nearest. The direction is real, the equation is not.",
            wrong=[
                Distractor(
                    "Because the sum gives exactly queen's vector",
                    "*It is an equation.* The cosine with *queen* was well below 1, and *king* was nearer.",
                    "Open real vectors",
                ),
                Distractor(
                    "Because someone told the vectors what a queen is",
                    "*Someone labels the words.* The training saw plain text only.",
                    "Let it learn from guesses",
                ),
            ],
        ),
        Question(
            "one_vector",
            "The table has the same rows for both *Mays*. How can a model tell the month from the person?",
            right="Attention adds what the neighbors say, layer by layer",
            why="The rows are only where the walk begins. Lesson 3 shows how one word asks another.",
            wrong=[
                Distractor(
                    "It cannot",
                    "*A word has one vector.* One beginning, yes. After the first layer the two had parted.",
                    "Watch one word become two",
                ),
                Distractor(
                    "The tokenizer gives them different ids",
                    "*The tokenizer understands.* Same letters, same ids; a cell "
                    "asserted that both begin with the same vector.",
                    "Watch one word become two",
                ),
            ],
        ),
        Question(
            "whose_bias",
            "In real vectors, *man : doctor = woman : …* answers *nurse*. Where does that come from?",
            right="From how often such words stood together in the texts",
            why="Nobody planted it. Vectors repeat the company that words kept, fair or not.",
            wrong=[
                Distractor(
                    "From the mathematics: every word must lean somewhere",
                    "*It is only geometry.* Words lean with a "
                    "pattern: of all ways to deal the words, hardly one is as lopsided.",
                    "Measure the bias",
                ),
                Distractor(
                    "From a programmer's opinion",
                    "*Somebody wrote it in.* Nobody wrote a single number: six billion words of text did.",
                    "Measure the bias",
                ),
            ],
        ),
    ],
)
progress, warm_up, predict, exercise, quiz = LESSON.doors
check_cosine = LESSON.check("cosine")
check_count_neighbors = LESSON.check("count_neighbors")
check_nudge = LESSON.check("nudge")
check_solve_analogy = LESSON.check("solve_analogy")
