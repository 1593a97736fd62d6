"""What lesson 9 asks: predictions, three functions that change the page, and a quiz over all lessons."""

import torch

from llmviz.course.lesson import Lesson
from llmviz.course.schema import Choice, Distractor, Exercise, Mistake, Question
from llmviz.model import minimal_gpt


def _cut(token_ids, starts, length):
    """The pieces alone."""
    return token_ids[starts[:, None] + torch.arange(length)]


def _band(n_positions, first, last):
    """Who stands from `first` to `last` tokens further back than the query: (query, key)."""
    place = torch.arange(n_positions)
    back = place[:, None] - place
    return (back >= first) & (back <= last)


def _is_pair(got) -> bool:
    return isinstance(got, tuple | list) and len(got) == 2 and all(isinstance(part, torch.Tensor) for part in got)


TEXT = torch.tensor([7, 3, 9, 4, 8, 1, 6, 2, 5, 0])

LESSON = Lesson(
    "one_page",
    title="9 · An LLM on one page",
    warm_up=[
        Question(
            "which_carries",
            "Which part of the machine can carry something from one token to another?",
            right="Attention, and nothing else",
            why="Embeddings, feed-forward networks and scores treat each position by itself.",
            wrong=[
                Distractor(
                    "The feed-forward network, for it is the largest",
                    "*The largest part does everything.* It sees one position at a time.",
                    "04_transformer.ipynb#Build a GPT in five cells",
                ),
                Distractor(
                    "All parts a little",
                    "Four of the five cells of lesson 4 gave the same numbers for half a text as for the whole.",
                    "04_transformer.ipynb#Build a GPT in five cells",
                ),
            ],
        ),
        Question(
            "what_are_ids",
            "`encode` gives you a list of numbers. What is number 300?",
            right="The place of a piece of text in a list: its row in the embedding table",
            why="Ids count the pieces in the order in which they were learned. What they mean comes with the vectors.",
            wrong=[
                Distractor(
                    "How often the piece was seen",
                    "*An id measures something.* It only counts who came first.",
                    "01_tokenization.ipynb#Cut the text, number the pieces",
                ),
                Distractor(
                    "What the piece means, as a number",
                    "*Near ids, near meanings.* Meaning comes with the vector in that row, and training puts it there.",
                    "02_embeddings.ipynb#Give every word a place",
                ),
            ],
        ),
    ],
    predictions=[
        Choice(
            "windmill",
            "The text has `mill` hundreds of times, and `windmill` never. What does the page's tokenizer do with it?",
            {
                "it cuts it into pieces that it knows": "",
                "it answers: unknown word": "*A word that was never seen cannot be read.* So it is with a list of "
                "words. This one falls back on smaller pieces, at worst on bytes.",
                "it stops with an error": "Each of the 256 bytes is a token, so there is no text that it cannot spell.",
            },
            why="Byte-pair encoding can always go back to smaller pieces. No word is out of its vocabulary.",
        ),
        Choice(
            "before_training",
            "All that *writes* in the fresh model is zero. What does it say of the next token, before any training?",
            {
                "every token is equally probable": "",
                "the most frequent token of the text": "It has read nothing yet: where should it know that from?",
                "something random, and it is sure of it": "*Random weights, random answers.* The first matrices are "
                "random. But the last one is zero, and whatever is multiplied by zero is zero.",
            },
            why="All scores are 0, so all tokens get the same share. Its surprise is ln of the size of the vocabulary.",
        ),
        Choice(
            "bigram_or_better",
            "A table of pairs knows of each token what follows it, and how often. Our model trained for some seconds. "
            "Whose surprise on unseen text is smaller?",
            {
                "the table's: it has counted everything": "*Counting is knowing.* It has counted all there is to count "
                "about pairs. But `lives in the` ends in the same token for everybody.",
                "about the same": "Then attention would add nothing to what the last token says.",
                "the model's, by far": "",
            },
            why="After `the` the table must think of all homes at once. The model looks back to who lives there.",
        ),
        Choice(
            "other_half",
            "We ask thirteen people's homes in fine-tuning, with the answers, and then the *other* thirteen's. How "
            "many right answers, before and after?",
            {
                "few before, few after: it never saw those answers": "*Fine-tuning is where it learns the facts.* It "
                "had read where they all live. What it had not met is a question.",
                "few before, most after": "",
                "most before, most after": "It knows the facts, but it goes on with a text; a question is no text "
                "that it has read.",
            },
            why="Pre-training gave the facts, fine-tuning the form. A few examples of the form open up all the facts.",
        ),
    ],
    exercises=[
        Exercise(
            "shifted_windows",
            task="Write `shifted_windows(token_ids, starts, length)`, the line from which all learning comes. In: a "
            "text (position,), the places where pieces begin (window,), the length of a piece. Out: two tensors "
            "(window, length): what is read, and for each token of it the token that comes *next* in the text.",
            minutes=7,
            difficulty=2,
            hints=(
                "Cut pieces that are one token longer than asked. What do you leave out to get what is read, and what "
                "for what comes next?",
                "`cut = token_ids[starts[:, None] + torch.arange(length + 1)]`; then all but the last column, and all "
                "but the first.",
            ),
            solution=minimal_gpt.shifted_windows,
            why="Nobody labels anything: the label of a token is its right neighbor. A piece of 64 tokens is 64 "
            "questions with their answers.",
            cases=[
                (TEXT, torch.tensor([0, 2]), 3),
                (TEXT, torch.tensor([1, 5, 0]), 4),
                (TEXT, torch.tensor([6]), 3),
            ],
            mistakes=[
                Mistake(
                    "Your target is the token itself, so there is nothing to guess: move the targets on by one.",
                    gives=lambda t, s, n: (_cut(t, s, n), _cut(t, s, n)),
                ),
                Mistake(
                    "Your target is the token before: your model would learn to speak backwards.",
                    gives=lambda t, s, n: (_cut(t, s + 1, n), _cut(t, s, n)),
                ),
                Mistake(
                    "Your pieces are one token short: cut `length + 1` tokens, then leave out one at either end.",
                    gives=lambda t, s, n: (_cut(t, s, n)[:, :-1], _cut(t, s, n)[:, 1:]),
                ),
                Mistake(
                    "Two tensors are asked for: what is read, and what comes next.",
                    when=lambda got, *_: not _is_pair(got),
                ),
                Mistake(
                    "The first tensor is right, and the second moved on by a whole piece; by one token is asked for.",
                    when=lambda got, t, s, n: bool(torch.equal(got[0], _cut(t, s, n))),
                ),
                Mistake("You read beyond the end of the text.", raises=IndexError),
            ],
        ),
        Exercise(
            "sliding_window_mask",
            task="Write `sliding_window_mask(n_positions, window)`: each token sees itself and the tokens before it, "
            "`window` of them in all. Out: (query, key), `torch.bool`, `True` = may attend. Then put it into the "
            "page's `attention`, and find out what the model can no longer do.",
            minutes=8,
            difficulty=2,
            hints=(
                "How far back does each key stand from each query? `place[:, None] - place` is a table of that.",
                "Allowed is a distance from 0 to `window - 1`. Or: `tril()`, and then `triu(1 - window)`.",
            ),
            solution=minimal_gpt.sliding_window_mask,
            why="With such a mask the work grows with the length of the text, not with its square. Many models use it "
            "in some of their layers.",
            cases=[(4, 2), (5, 3), (6, 2), (3, 1), (4, 9)],
            mistakes=[
                Mistake(
                    "Your tokens see everything so far; only the last `window` of it are allowed.",
                    gives=lambda n, window: _band(n, 0, n),
                ),
                Mistake(
                    "Your tokens see the future: keys that stand after the query are never allowed.",
                    gives=lambda n, window: _band(n, 1 - window, window - 1),
                ),
                Mistake(
                    "Your window is one token too many: itself is one of the `window`.",
                    gives=lambda n, window: _band(n, 0, window),
                ),
                Mistake(
                    "Each token may see itself: it is the first of its `window`.",
                    gives=lambda n, window: _band(n, 1, window),
                ),
                Mistake(
                    "You have marked what is forbidden; with us `True` = may attend.",
                    gives=lambda n, window: ~_band(n, 0, window - 1),
                ),
                Mistake(
                    "Your table lies on its side: a row is a query, a column a key.",
                    gives=lambda n, window: _band(n, 0, window - 1).T,
                ),
                Mistake(
                    "A mask is a tensor of `torch.bool`; make one with `dtype=torch.bool`, or by a comparison.",
                    when=lambda got, *_: not isinstance(got, torch.Tensor) or got.dtype != torch.bool,
                ),
            ],
        ),
        Exercise(
            "answer_targets",
            task="Write `answer_targets(question, answer, end)`: what is to be learned while question + answer is "
            "read. In: two lists of token ids, and the id that ends a text. Out: a list with one target for each token "
            "of question + answer: the token after it where that belongs to the answer or ends it, `-100` elsewhere.",
            minutes=7,
            difficulty=3,
            hints=(
                "Write question + answer in one row and the *next* token of each below it. Which of the lower row are "
                "answer?",
                "`-100` for every token of the question but its last; then the answer; then `end`.",
            ),
            solution=minimal_gpt.answer_targets,
            why="The model learns to answer, not to ask. And it learns to stop: without `end` it would go on for ever.",
            cases=[([11, 12, 13], [21, 22], 99), ([11, 12], [21], 99), ([11, 12, 13, 14, 15], [21, 22, 23], 0)],
            mistakes=[
                Mistake(
                    "You learn the question too: most of the lesson would go into asking.",
                    gives=lambda question, answer, end: [*question[1:], *answer, end],
                ),
                Mistake(
                    "Your targets are not moved on: at each token you ask for the token itself.",
                    gives=lambda question, answer, end: [-100] * len(question) + [*answer],
                ),
                Mistake(
                    "That is one −100 too many: already the last token of the question has a target, for there the "
                    "answer begins.",
                    gives=lambda question, answer, end: [-100] * len(question) + [*answer, end],
                ),
                Mistake(
                    "It never learns to stop: after the last token of the answer comes `end`.",
                    gives=lambda question, answer, end: [-100] * (len(question) - 1) + [*answer],
                ),
                Mistake(
                    "0 is a token like any other; what is not asked for is −100.",
                    gives=lambda question, answer, end: [0] * (len(question) - 1) + [*answer, end],
                ),
                Mistake(
                    "There is one target for each token of question + answer; you give another number of them.",
                    when=lambda got, question, answer, end: not hasattr(got, "__len__")
                    or len(got) != len(question) + len(answer),
                ),
            ],
        ),
    ],
    quiz=[
        Question(
            "where_learned",
            "Which line of the page makes the model better?",
            right="`optimizer.step()`: it moves each number a little, the way `backward` found",
            why="Everything else computes. In that line, and only there, weights change.",
            wrong=[
                Distractor(
                    "`loss.backward()`",
                    "It finds the direction for each number, and changes none of them.",
                    "5 · Pre-train it",
                ),
                Distractor(
                    "`written.append(…)`: it learns from what it writes",
                    "*Chatting with it trains it.* Writing changes no weight; a cell compared them all.",
                    "7 · Let it write",
                ),
            ],
        ),
        Question(
            "who_labels",
            "Who made the labels for pre-training?",
            right="Nobody: the target of each token is the token after it",
            why="That is why any text will do, and why there is so much of it.",
            wrong=[
                Distractor(
                    "We did, in `FACTS`",
                    "*Someone labels the data.* Those are sentences. `windows` moves them on by one, and that is all.",
                    "5 · Pre-train it",
                ),
                Distractor(
                    "The tokenizer",
                    "It cuts and counts; it has no opinion on what is right.",
                    "1 · Cut it into tokens",
                ),
            ],
        ),
        Question(
            "what_tuning_gave",
            "After fine-tuning it answers for people whose question it never saw. Where did those answers come from?",
            right="From pre-training: the facts were there, the form was missing",
            why="The same fine-tuning of a fresh model answered hardly any of the exam.",
            wrong=[
                Distractor(
                    "From fine-tuning: it worked them out",
                    "*Fine-tuning installs the facts.* Thirteen other homes tell nothing about these.",
                    "6 · Fine-tune it",
                ),
                Distractor(
                    "From guessing: there are only eight homes",
                    "Then one answer in eight would be right. Look at the bar of the fresh model.",
                    "6 · Fine-tune it",
                ),
            ],
        ),
        Question(
            "strangers",
            "It names a home for Lena, whose home no text tells. What is true of that?",
            right="It is invented, and the words do not sound any less certain for it",
            why="The page has no place where not knowing could be said: softmax always shares out all of 1.",
            wrong=[
                Distractor(
                    "It has found out from the stories",
                    "*It must have a reason.* No story says where anybody lives; the names in it were drawn by chance.",
                    "8 · Doubt it",
                ),
                Distractor(
                    "At temperature 0 it would have kept silent",
                    "*Temperature 0 is the truth.* It *was* temperature 0. That takes the best guess; it is a guess.",
                    "8 · Doubt it",
                ),
            ],
        ),
        Question(
            "one_line",
            "You leave out `masked_fill`, and nothing else. What happens?",
            right="The loss falls close to 0, and without a future to look at it guesses far worse",
            why="It copies the next token from the place where it stands. When it writes, there is no such place.",
            wrong=[
                Distractor(
                    "Nothing: it never looked at the future",
                    "*It would be cheating, so it will not.* Whatever lowers the loss is learned.",
                    "Change one line",
                ),
                Distractor(
                    "It gets better: it sees more",
                    "*More context is always better.* Its loss does; but it is a loss on a game that nobody plays.",
                    "Change one line",
                ),
            ],
        ),
        Question(
            "what_is_missing",
            "What has a large language model that is not on this page?",
            right="Much more of everything, tricks for speed, and training on what people prefer",
            why="Text, tokens, embeddings, attention, blocks, the loss and the loop are the same.",
            wrong=[
                Distractor(
                    "A secret part that understands",
                    "*There must be more to it.* The page gives the numbers of the library, and GPT-2 is the page with "
                    "other sizes.",
                    "For real: from this page to GPT-2",
                ),
                Distractor(
                    "A database of facts",
                    "*It looks things up.* Our facts are in the matrices, and nowhere else.",
                    "5 · Pre-train it",
                ),
            ],
        ),
    ],
)

progress, warm_up, predict, exercise, quiz = LESSON.doors
check_shifted_windows = LESSON.check("shifted_windows")
check_sliding_window_mask = LESSON.check("sliding_window_mask")
check_answer_targets = LESSON.check("answer_targets")
