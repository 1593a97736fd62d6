"""What lesson 6 asks: predictions, three functions to write, and a quiz."""

import torch

from llmviz import finetuning
from llmviz.course.lesson import Lesson
from llmviz.course.schema import Choice, Distractor, Exercise, Mistake, Question

HALF, QUARTERS, ALL = "about half", "about three quarters", "nearly all"
NOTHING, A_LITTLE, MUCH = "not at all", "a little", "a lot"
NOBODY, FULL_ONLY, BOTH = "nobody", "full only", "LoRA and full"
ONLY_HERS, SOME_OTHERS, MOST_OTHERS = "Mia's alone", "Mia's and a few others'", "most people's"


def _numbers(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _tags(*labels: int) -> torch.Tensor:
    return torch.tensor(labels)


def _counts(found, right, label):
    hits = int(((found == label) & (right == label)).sum())
    return hits, int((found == label).sum()), int((right == label).sum())


def _precision(found, right, label):
    hits, n_found, _ = _counts(found, right, label)
    return hits / n_found if n_found else 1.0


def _recall(found, right, label):
    hits, _, n_right = _counts(found, right, label)
    return hits / n_right if n_right else 1.0


LESSON = Lesson(
    "fine_tuning",
    title="6 · Fine-tuning",
    warm_up=[
        Question(
            "what_training_changes",
            "What does a training step change?",
            right="The weights, a little, so that the loss on these texts falls",
            why="Nothing else of a model can learn: no list of texts is kept, and no rule is written down.",
            wrong=[
                Distractor(
                    "The text that the model keeps",
                    "*It stores the text and looks it up.* Its weights are all it has.",
                    "03_attention.ipynb#Doubt what is stored",
                ),
                Distractor(
                    "The attention weights",
                    "*Attention weights are learned.* They are computed from each text anew; the matrices are learned.",
                    "03_attention.ipynb#Doubt what is stored",
                ),
            ],
        ),
        Question(
            "last_table",
            "What does the last table of a GPT, the unembedding, do?",
            right="It gives each possible next token a score",
            why="It compares the last vector with one row a token. Today you put another table in its place.",
            wrong=[
                Distractor(
                    "It looks up the meaning of each token",
                    "That is the *first* table. The last one reads the stream.",
                    "04_transformer.ipynb#Build a GPT in five cells",
                ),
                Distractor(
                    "It decides which token to attend to",
                    "Queries and keys do that, inside the blocks.",
                    "04_transformer.ipynb#Build a GPT in five cells",
                ),
            ],
        ),
    ],
    predictions=[
        Choice(
            "count_words",
            "300 labeled sentences, and the best straight line through the counts of their words. Of 200 new "
            "sentences, how many moods does it get right?",
            {
                HALF: "",
                QUARTERS: "*Happy words make happy texts.* Count the feelings: always one good, one bad.",
                ALL: "*It only takes more data.* Two sentences, one that ends well and one that ends badly, can have "
                "the same counts, number by number.",
            },
            why="Every sentence holds one good and one bad feeling. Only the *order* decides, and counting forgets it.",
        ),
        Choice(
            "other_question",
            "Same sentences, 300 labels, same frozen head. New question: was the *first* place at the water? "
            "How many does it get right?",
            {
                HALF: "",
                QUARTERS: "The place has been read, so something must be left of it? Not where the head looks.",
                ALL: "*A good model understands everything about a text.* It keeps what it needed for the next word.",
            },
            why="The mood decides the very next word. The first place decides nothing, so it was never brought here.",
        ),
        Choice(
            "fresh_lora",
            "We add LoRA of rank 4 to every matrix, with a random A. Before any training: by how much do the model's "
            "answers change?",
            {
                NOTHING: "",
                A_LITTLE: "*Random numbers were added.* To A. But what is added to the weights is B A, and B is zero.",
                MUCH: "*Random numbers break a model.* They would; that is why B begins at zero.",
            },
            why="B is zero, so B A is zero: the first step starts from exactly the old model.",
        ),
        Choice(
            "who_forgets",
            "Twenty labeled moods, three methods. Which of them get *worse* at the old texts?",
            {
                NOBODY: "*Fine-tuning only adds.* The same numbers served the old texts.",
                FULL_ONLY: "*LoRA protects from forgetting.* The old weights are untouched, but the model works with "
                "W + BA.",
                BOTH: "",
            },
            why="Only the frozen head leaves the stream as it was. The other two pay with their old skill.",
        ),
        Choice(
            "one_fact",
            "We fine-tune all weights on one sentence: *Mia lives in the castle.* Then we ask for everybody's house. "
            "Whose answers have changed?",
            {
                ONLY_HERS: "*Fine-tuning installs facts.* There is no drawer with Mia's name on it.",
                SOME_OTHERS: "Those who are like Mia? The pull did not ask who they are.",
                MOST_OTHERS: "",
            },
            why="The same weights answer for everybody; who pulls at one answer pulls at all.",
        ),
    ],
    exercises=[
        Exercise(
            "low_rank_change",
            task="Write `low_rank_change(a, b, alpha)`: what LoRA adds to a matrix. In: A (rank, in), B (out, rank), "
            "and the strength α. Out: (α / rank) · B A, of the matrix's own shape (out, in).",
            minutes=6,
            difficulty=1,
            hints=(
                "Which order of the two gives (out, in)? And where can you read the rank?",
                "`b @ a` has the shape (out, in). The rank is `a.shape[0]`: multiply by `alpha / a.shape[0]`.",
            ),
            solution=finetuning.low_rank_change,
            why="Dividing by the rank keeps the size of the change about the same when you try another rank.",
            cases=[
                (torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0], [4.0]]), 1.0),
                (_numbers(2, 5, seed=1), _numbers(3, 2, seed=2), 4.0),
                (_numbers(4, 6, seed=3), torch.zeros(6, 4), 8.0),
                (_numbers(3, 4, seed=4), _numbers(4, 3, seed=5), 0.5),
            ],
            mistakes=[
                Mistake("You leave α and the rank out.", gives=lambda a, b, alpha: b @ a),
                Mistake("You multiply by α, but do not divide by the rank.", gives=lambda a, b, alpha: alpha * b @ a),
                Mistake("You multiply by the rank; divide by it.", gives=lambda a, b, alpha: alpha * len(a) * b @ a),
                Mistake(
                    "You divide by the width of A. The rank is how many *rows* A has.",
                    gives=lambda a, b, alpha: alpha / a.shape[1] * b @ a,
                ),
                Mistake(
                    "A B instead of B A: that has the shape (rank, rank), and is no change of the matrix.",
                    when=lambda got, a, b, alpha: tuple(got.shape) != (len(b), a.shape[1]),
                ),
                Mistake("The shapes do not meet: it is B (out, rank) times A (rank, in).", raises=RuntimeError),
            ],
        ),
        Exercise(
            "answer_labels",
            task="Write `answer_labels(prompt_ids, answer_ids, end_of_text)`: for a model that reads prompt *and* "
            "answer, the token that it shall say at each place; -100 where nothing is asked. The prompt is not taught; "
            "the answer and its end are. Out: a list, as long as prompt and answer together.",
            minutes=7,
            difficulty=2,
            hints=(
                "A model says the *next* token. At which place does it say the answer's first one?",
                "At the prompt's *last* token. So: `len(prompt_ids) - 1` times -100, then the answer, then the end.",
            ),
            solution=finetuning.answer_labels,
            why="One place too late, and the model learns to repeat what it has just read: the loss falls, and it "
            "answers nothing.",
            cases=[([5, 6, 7], [8, 9], 0), ([5], [8], 0), ([1, 2, 3, 4], [7], 9), ([3, 3], [3, 3, 3], 1)],
            mistakes=[
                Mistake(
                    "Each label stands under its own token. The model says the *next* one: move all labels one place "
                    "to the left, and the end comes last.",
                    gives=lambda prompt, answer, end: [-100] * len(prompt) + [*answer],
                ),
                Mistake(
                    "You also teach the prompt. It will be given; spend nothing on learning to invent questions.",
                    gives=lambda prompt, answer, end: [*prompt[1:], *answer, end],
                ),
                Mistake(
                    "The end is missing: the model would answer, and talk on.",
                    gives=lambda prompt, answer, end: [-100] * (len(prompt) - 1) + [*answer, -100],
                ),
                Mistake(
                    "One label for each token: as many as prompt and answer have together.",
                    when=lambda got, prompt, answer, end: len(got) != len(prompt) + len(answer),
                ),
                Mistake(
                    "A list of numbers is asked for: `[-100] * n` makes n of them, and `+` joins lists.",
                    raises=TypeError,
                ),
            ],
        ),
        Exercise(
            "f1",
            task="Write `f1(found, right, label)`: how well was one label found? In: two tensors, the label that was "
            "found for each word and the right one, and the label to judge. Out: 2 · hits / (found + right); 1 where "
            "there was nothing to find and nothing was found.",
            minutes=7,
            difficulty=2,
            hints=(
                "Three counts: how often the label was found, how often it was right, how often both at one word.",
                "`hits = ((found == label) & (right == label)).sum()`. Then 2 · hits over the sum of the other two; "
                "ask first whether that sum is 0.",
            ),
            solution=finetuning.f1,
            why="Most words name nobody: who says *other* to every word is nearly always right. F1 gives him 0.",
            cases=[
                (_tags(1, 1, 0), _tags(1, 0, 0), 1),
                (_tags(0, 0, 0, 0, 0), _tags(0, 0, 1, 0, 0), 1),
                (_tags(1, 2, 0, 1, 0, 2), _tags(1, 2, 1, 0, 0, 0), 1),
                (_tags(1, 2, 0, 1, 0, 2), _tags(1, 2, 1, 0, 1, 0), 2),
                (_tags(0, 1), _tags(0, 1), 2),
            ],
            mistakes=[
                Mistake(
                    "That is the share of all words that are right. Most are *other*: finding nothing looks good.",
                    gives=lambda found, right, label: float((found == right).float().mean()),
                ),
                Mistake(
                    "That is precision: of those found, how many are right. Who finds one and stops gets 1.",
                    gives=_precision,
                ),
                Mistake(
                    "That is recall: of the right ones, how many were found. Who says *person* to every word gets 1.",
                    gives=_recall,
                ),
                Mistake(
                    "That is the mean of precision and recall; the harmonic mean is 2 · hits / (found + right).",
                    gives=lambda *given: (_precision(*given) + _recall(*given)) / 2,
                ),
                Mistake(
                    "You divide by zero where the label is nowhere: then the answer is 1.",
                    raises=ZeroDivisionError,
                ),
                Mistake(
                    "You divide by zero where the label is nowhere: then the answer is 1.",
                    when=lambda got, found, right, label: got != got,
                ),
            ],
        ),
    ],
    quiz=[
        Question(
            "chatting",
            "You tell a model in a chat that Mia has moved. What of it does the model know in the next chat?",
            right="Nothing: the text is gone, and no weight has changed",
            why="What stands in the context is read, not learned. Learning changes weights.",
            wrong=[
                Distractor(
                    "All of it: it learns from what we tell it",
                    "*Chatting with it trains it.* Not one number of its weights was different.",
                    "Teach it a fact",
                ),
                Distractor(
                    "A little: each chat is a small training step",
                    "*Chatting with it trains it, slowly.* Without a loss and an optimizer there is no step.",
                    "Teach it a fact",
                ),
            ],
        ),
        Question(
            "smaller",
            "A model of 524,288 numbers gets LoRA of rank 4. How large is what you run?",
            right="As large as before, once it is merged",
            why="B A has the shape of W; it is added to W. Only what you have to *learn and keep* is small.",
            wrong=[
                Distractor(
                    "A few per cent of it",
                    "*LoRA is a smaller model.* Those few per cent are a change, and useless without what they change.",
                    "Add a thin matrix",
                ),
                Distractor(
                    "Larger by the changes, for ever",
                    "Before merging, yes. Afterwards the sum has the shape of W, and the changes are gone.",
                    "Add a thin matrix",
                ),
            ],
        ),
        Question(
            "frozen_is_enough",
            "When is a frozen model with a new head enough?",
            right="When pre-training already had to bring the answer to where the head reads",
            why="The mood decided the next word; so it was there. The first place decided nothing.",
            wrong=[
                Distractor(
                    "When there are enough labels",
                    "*More data always helps.* With 300 labels the head still tossed a coin about the first place.",
                    "Put on a new head",
                ),
                Distractor(
                    "Always, if the model is good",
                    "*A good model understands everything about a text.* It keeps what it needed.",
                    "Put on a new head",
                ),
            ],
        ),
        Question(
            "protects",
            "Which is true of LoRA and forgetting?",
            right="Switched on it forgets too; switched off, the old model is back",
            why="The old numbers are kept aside, but W + BA is what answers.",
            wrong=[
                Distractor(
                    "It forgets nothing: the old weights are frozen",
                    "*LoRA protects from forgetting.* Its forgetting meter rose, with every old weight in place.",
                    "Run the race",
                ),
                Distractor(
                    "It forgets for good, as full fine-tuning does",
                    "Take the change away, and the old model gives its old answers, to the last digit.",
                    "Run the race",
                ),
            ],
        ),
        Question(
            "rank",
            "Why does the change that LoRA learned have exactly four singular values above zero?",
            right="B has four columns: B A cannot work in more directions",
            why="Every row of B A is a mixture of the four rows of A.",
            wrong=[
                Distractor(
                    "Because the task has four parts",
                    "The rank is *your* choice. Full fine-tuning on the same task used many directions.",
                    "Add a thin matrix",
                ),
                Distractor(
                    "Because four heads attend",
                    "Heads and rank have nothing to do with one another.",
                    "Add a thin matrix",
                ),
            ],
        ),
        Question(
            "fact_installed",
            "You fine-tune on one sentence until the model says it. What have you got?",
            right="That sentence, and changes elsewhere that you did not ask for",
            why="Most of the town moved into the castle: the numbers that answer are shared.",
            wrong=[
                Distractor(
                    "A fact, known in all wordings, and the rest as it was",
                    "*Fine-tuning installs facts and keeps everything else.* Half the town moved, too.",
                    "Teach it a fact",
                ),
                Distractor(
                    "Nothing: one sentence is too little",
                    "A few steps were enough; that is not the difficulty.",
                    "Teach it a fact",
                ),
            ],
        ),
    ],
)
progress, warm_up, predict, exercise, quiz = LESSON.doors
check_low_rank_change = LESSON.check("low_rank_change")
check_answer_labels = LESSON.check("answer_labels")
check_f1 = LESSON.check("f1")
