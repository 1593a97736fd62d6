"""What lesson 5 asks: predictions, three functions to write, and a quiz."""

import numpy as np
import torch

from llmviz import training
from llmviz.course.content.pretraining import mistakes as wrong
from llmviz.course.lesson import Lesson
from llmviz.course.schema import Choice, Distractor, Exercise, Mistake, Number, Question
from llmviz.evaluation import memorization
from llmviz.training import scaling

SCORES = 3 * torch.randn(5, 7, generator=torch.Generator().manual_seed(0))

LESSON = Lesson(
    "pretraining",
    title="5 · Pre-training",
    warm_up=[
        Question(
            "why_hide",
            "In lesson 3 the future is hidden from each token. Why must it be, in the game of this lesson?",
            right="The next token is the answer: whoever sees it need not guess",
            why="Copying the answer costs nothing and teaches nothing.",
            wrong=[
                Distractor(
                    "To save time: half of the scores need not be computed",
                    "A welcome side effect at best. Without the mask the loss would fall to nearly 0, and the model "
                    "could not write one word.",
                    "03_attention.ipynb#Hide the future (wrongly first)",
                ),
                Distractor(
                    "Because people read from left to right",
                    "*It reads like we do.* It computes all positions at once; only the task forbids to look ahead.",
                    "03_attention.ipynb#Hide the future (wrongly first)",
                ),
            ],
        ),
        Question(
            "how_many_guesses",
            "One text, cut into letters or into subwords. Which gives the model more guesses to make?",
            right="Letters: one guess for each token",
            why="More tokens, each easier. So a loss *per token* means something else under each tokenizer.",
            wrong=[
                Distractor(
                    "Subwords: there are more different ones",
                    "The vocabulary is larger, but the *text* is shorter: fewer places at which to guess.",
                    "01_tokenization.ipynb#Pay the bill",
                ),
                Distractor(
                    "The same: it is the same text",
                    "*Tokens are words.* The bill of lesson 1 counts them: they are not.",
                    "01_tokenization.ipynb#Pay the bill",
                ),
            ],
        ),
    ],
    predictions=[
        Choice(
            "best_loss",
            "A perfect model reads *everything* before and knows all rules of the town. Its loss on new texts is …",
            {
                "0": "*A perfect model is never surprised.* But the town throws dice: whether Mia finds a kite or a "
                "drum is written nowhere.",
                "above 0": "",
                "0 for short texts, above 0 for long ones": "Length changes nothing in the *mean* per token: each die "
                "must be guessed, in a short text, too.",
            },
            why="What is left when all rules are known is the entropy. Nobody gets below it on new texts.",
        ),
        Choice(
            "comes_last",
            "Three skills: *spelling* words, *knowing* who lives where, *copying* a word that stood a sentence ago. "
            "Which comes last?",
            {
                "spelling": "Spelling is in every single token. It is there almost at once.",
                "knowing facts": "A hundred facts, repeated hundreds of times. They need memory, and no looking back.",
                "copying": "",
            },
            why="Copying needs two heads in two layers to work together (lesson 3). Until both do, neither pays.",
        ),
        Number(
            "how_many_copies",
            "The tiny GPT writes 20 stories. How many of them stand word for word among the texts it was trained on?",
            unit="stories",
            low=0,
            high=20,
            close=2,
            why="It learned the rules by which stories are made, and throws its own dice.",
        ),
        Choice(
            "by_heart",
            "Now the same machine reads only a few texts, over and over. Its loss on texts that it has *never* "
            "seen …",
            {
                "falls, and stays low": "What it learns at first, grammar and names, helps everywhere. But then it "
                "begins to learn what is true of *these* texts alone.",
                "falls, then rises": "",
                "rises from the start": "At first it learns what all texts share: that helps with new ones, too.",
            },
            why="First it learns the language, then the lines. The turning point is where over-fitting begins.",
        ),
        Choice(
            "who_knows_more",
            "`___ lives in the lighthouse.` Two models read the same texts for as long; one guesses the *next* token, "
            "the other hidden ones. Who can say more about the first word?",
            {
                "the one that guesses the next": "At the first word it has seen nothing yet. Everything that helps "
                "stands to the right.",
                "the one that fills in": "",
                "both alike": "*Same data, same knowledge.* The same facts, yes; but one may not look to the right.",
            },
            why="From the left nothing has been said. From both sides there is a lighthouse to go by.",
        ),
        Choice(
            "next_size",
            "You have five small models and a straight line through them. A sixth, larger than all, is trained next. "
            "Where will its loss lie?",
            {
                "in the band": "A bold bet: the line was only checked where it was fitted.",
                "below: better than the band": "The line may bend: something may help only large models.",
                "above: worse than the band": "The line may bend: a larger model may need more steps.",
            },
            why="Laws are measured where they are fitted. Outside, only a trial tells; here it costs seconds.",
        ),
    ],
    exercises=[
        Exercise(
            "cross_entropy",
            task="Write `cross_entropy(logits, token_ids)`: the mean surprise, in nats, at what really came. In: the "
            "scores at each position (position, vocab), *before* any softmax, and the tokens that came (position,). "
            "Out: one number.",
            minutes=6,
            difficulty=2,
            hints=(
                "Three steps: scores to probabilities (softmax over which axis?), pick the right token's, −ln, mean.",
                "`logits.log_softmax(dim=-1)` does two of them safely; `[range(n), token_ids]` picks one a row.",
            ),
            solution=training.cross_entropy,
            why="`log_softmax` in one step never takes the logarithm of a rounded 0. All of this lesson runs on it.",
            cases=[
                (torch.tensor([[0.0, 0.0]]), torch.tensor([1])),
                (torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), torch.tensor([0, 2])),
                (SCORES, torch.tensor([6, 0, 3, 3, 1])),
                (torch.tensor([[0.0, 200.0], [0.0, 0.0]]), torch.tensor([0, 1])),
            ],
            mistakes=[
                Mistake("That is bits: use the natural logarithm.", gives=lambda s, t: wrong.surprise(s, t, base=2)),
                Mistake("The sign is missing: a logarithm of a probability is below 0, a surprise above.",
                        gives=lambda s, t: wrong.surprise(s, t, sign=1)),
                Mistake("You add the surprises up; a mean per token is asked for, or long texts look worse.",
                        gives=lambda s, t: wrong.surprise(s, t, total=True)),
                Mistake("Your softmax runs over the positions; the shares of *one* position add up to 1.",
                        gives=lambda s, t: wrong.surprise(s, t, dim=0)),
                Mistake("Those are scores, not yet probabilities: a softmax is missing.",
                        gives=lambda s, t: -s[range(len(t)), t].mean()),
                Mistake("1 − p is no surprise: two coin tosses must cost twice as much as one. Take −ln p.",
                        gives=lambda s, t: (1 - wrong.chances(s, t)).mean()),
                Mistake("You take the logarithm of the *mean* probability. First the logarithm of each, then the mean.",
                        gives=lambda s, t: -wrong.chances(s, t).mean().log()),
                Mistake("The logarithm of a probability that was rounded to 0 is infinite: `log_softmax` avoids that.",
                        when=lambda got, s, t: bool(torch.isinf(torch.as_tensor(got)).any())),
                Mistake("You give one surprise for each position; their mean is asked for.",
                        when=lambda got, s, t: torch.as_tensor(got).dim() > 0),
            ],
        ),
        Exercise(
            "longest_run",
            task="Write `longest_run(words, corpus)`: how many words, at most, stand side by side in `words` *and* in "
            "`corpus`, in the same order, without a gap? In: two lists of words. Out: a whole number.",
            minutes=8,
            difficulty=2,
            hints=(
                "Let each word of the one be a start, and each place of the other, and walk along while they agree.",
                "`while words[i + n : i + n + 1] == corpus[j + n : j + n + 1] != []: n += 1`, for every `i` and `j`.",
            ),
            solution=memorization.longest_run,
            why="Slow and plain: every start against every place. `CopyFinder` does the same for a million words.",
            cases=[
                (["a", "red", "kite"], ["found", "a", "red", "drum"]),
                (["x"], ["y"]),
                (["Mia", "found", "a", "red", "kite"], ["Mia", "saw", "a", "kite", "He", "found", "a", "red"]),
                (["a", "b", "a", "b", "a"], ["b", "a", "b", "a", "c", "a", "b"]),
                (["a"], []),
            ],
            mistakes=[
                Mistake("You count words that both have, wherever they stand; a copy keeps them side by side.",
                        gives=lambda w, c: len(set(w) & set(c))),
                Mistake("You count words that both have, wherever they stand; a copy keeps them side by side.",
                        gives=lambda w, c: sum(word in c for word in w)),
                Mistake("You let gaps pass: *a … kite* is no copy of *a red kite*.", gives=wrong.with_gaps),
                Mistake("You compare equal places only; a passage may stand anywhere in the corpus.",
                        gives=wrong.at_equal_places),
                Mistake("You count letters; words are asked for.",
                        gives=wrong.in_letters),
                Mistake("You only say whether *everything* was copied; a part counts, too.",
                        when=lambda got, w, c: isinstance(got, bool)),
                Mistake("You give the passage; its length is asked for.",
                        when=lambda got, w, c: isinstance(got, list | str)),
                Mistake("You read past an end: a slice such as `words[i : i + 1]` is empty there, an index fails.",
                        raises=IndexError),
                Mistake("You take the largest of nothing: what if no word is shared?", raises=ValueError),
            ],
        ),
        Exercise(
            "power_law",
            task="Write `power_law(sizes, excess_losses)`: fit excess = factor · size^−exponent, and return `(factor, "
            "exponent)`. In: two lists of numbers above 0. A power law is a straight line through the *logarithms*.",
            minutes=8,
            difficulty=3,
            hints=(
                "Take logarithms on both sides: ln(excess) = ln(factor) − exponent · ln(size). That is a line.",
                "`slope, height = np.polyfit(np.log(sizes), np.log(excess_losses), 1)`; undo the logarithm and the "
                "sign.",
            ),
            solution=scaling.power_law,
            why="On logarithms, being off by a tenth counts the same for a small loss and for a large one.",
            cases=[
                ([1, 10, 100], [8.0, 4.0, 2.0]),
                ([1000, 2000, 4000, 8000], [3.0, 2.2, 1.7, 1.2]),
                ([18_000, 28_000, 39_000, 63_000, 90_000], [3.6, 3.0, 2.5, 1.9, 1.6]),
            ],
            mistakes=[
                Mistake("The line falls, so its slope is below 0; the exponent is that slope *without* the minus.",
                        gives=lambda n, e: wrong.law(n, e, sign=1.0)),
                Mistake("Your factor is still a logarithm: undo it with `exp`.",
                        gives=lambda n, e: wrong.law(n, e, lift=float)),
                Mistake("You fit a line to the numbers themselves; take the logarithm of both sides first.",
                        gives=lambda n, e: wrong.law(n, e, log_x=np.asarray, log_y=np.asarray, lift=float)),
                Mistake("You take the logarithm of one side only; that is another law, the exponential.",
                        gives=lambda n, e: wrong.law(n, e, log_x=np.asarray)),
                Mistake("You take the logarithm of one side only; that is another law.",
                        gives=lambda n, e: wrong.law(n, e, log_y=np.asarray, lift=float)),
                Mistake("You swap the two: the factor comes first.", gives=lambda n, e: wrong.law(n, e)[::-1]),
                Mistake("You join the first and the last point; the line should be near *all* of them.",
                        gives=wrong.through_two_points),
                Mistake("You take logarithms to base 10 and undo natural ones: 10 ** height, or `np.log` before.",
                        gives=lambda n, e: wrong.law(n, e, log_x=np.log10, log_y=np.log10)),
                Mistake("Lists have no logarithm and no power: `np.array(sizes)` first.", raises=TypeError),
            ],
        ),
    ],
    quiz=[
        Question(
            "coin_tosses",
            "A model gave the token that came a chance of 1/8. Its surprise, in coin tosses?",
            right="3",
            why="1/2 · 1/2 · 1/2: three tosses in a row, 3 · ln 2 nats.",
            wrong=[
                Distractor("1/8", "The chance is not the price: the *smaller* it was, the more it costs.",
                      "Put a price on surprise"),
                Distractor("8", "You forget the logarithm: among 8 equal ones, three yes-or-no questions suffice.",
                      "Put a price on surprise"),
            ],
        ),
        Question(
            "who_labeled",
            "Who labeled all the tokens of this corpus?",
            right="Nobody: the next token is the label of this one",
            why="Shift the text by one, and every token is an exercise with its answer. That is self-supervision.",
            wrong=[
                Distractor(
                    "Those who wrote the texts", "*Somebody labels the data.* They wrote; nobody marked anything.",
                    "Find the teacher",
                ),
                Distractor("The tokenizer", "It cuts. It would cut the same way if nobody ever trained on it.",
                      "Find the teacher"),
            ],
        ),
        Question(
            "trained_for_a_year",
            "Trained for a year on endless new texts of the town, the loss tends to …",
            right="the exact entropy",
            why="That is what remains when every rule is known: the dice.",
            wrong=[
                Distractor("0", "*Loss should reach zero.* For that it would have to foresee dice.",
                      "Put up four yardsticks"),
                Distractor("below the entropy", "To beat the author at guessing her own dice? On *new* texts, never.",
                      "Put up four yardsticks"),
            ],
        ),
        Question(
            "below_the_floor",
            "On a few texts, read over and over, the *training* loss sinks below the entropy. So the model …",
            right="has learned these texts by heart",
            why="Known dice hold no surprise. On new texts it does worse than before.",
            wrong=[
                Distractor("is better than the author of the world",
                      "*A lower loss is a better model.* Only on texts it has read; look at the other curve.",
                      "Let it learn by heart"),
                Distractor("has a bug", "It was asked to lower this loss, and found the cheapest way.",
                      "Let it learn by heart"),
            ],
        ),
        Question(
            "is_it_a_database",
            "The tiny GPT tells a story that the town could tell. Where does the story come from?",
            right="It is made up, by rules that the model learned",
            why="It stands nowhere in the corpus, and the model has fewer numbers than the corpus has letters.",
            wrong=[
                Distractor("It is looked up in the training text",
                      "*It stores the text and looks it up.* You looked it up, and did not find it.",
                      "Accuse it of copying"),
                Distractor("It is glued together from two or three passages",
                      "It shares passages with the corpus. So does a *new* story by the town, and just as long ones.",
                      "Accuse it of copying"),
            ],
        ),
        Question(
            "two_currencies",
            "Your loss is 1.5 nats per *character*, your friend's 3 per *word*. Who is better?",
            right="One cannot say before both are counted per the same thing",
            why="A word has about five characters: five times 1.5 is far more than 3. Then it is your friend.",
            wrong=[
                Distractor("You: 1.5 is less than 3", "*Losses are comparable.* You compare prices in two currencies.",
                      "Put a price on surprise"),
                Distractor("Your friend: words are harder", "Maybe, maybe not: convert first, judge then.",
                      "Put a price on surprise"),
            ],
        ),
        Question(
            "straight_line",
            "Five trials lie on a straight line. What do you know of a model a thousand times larger?",
            right="What the line says, with an uncertainty that grows with the distance",
            why="And only if nothing else becomes the bottleneck: data, steps, the learning rate.",
            wrong=[
                Distractor("Its loss, exactly: it is a law",
                      "*Scaling laws are laws of nature.* They are lines through measurements, and may bend.",
                      "Ask small models about a large one"),
                Distractor("Nothing: one must train it",
                      "The sixth came near the line. Those who train large ones live on that.",
                      "Ask small models about a large one"),
            ],
        ),
    ],
)  # fmt: skip
progress, warm_up, predict, exercise, quiz = LESSON.doors
check_cross_entropy = LESSON.check("cross_entropy")
check_longest_run = LESSON.check("longest_run")
check_power_law = LESSON.check("power_law")
