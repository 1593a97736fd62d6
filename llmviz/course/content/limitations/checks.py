"""What lesson 8 asks: predictions, three functions to write, and a quiz."""

import torch

from llmviz import evaluation, finetuning
from llmviz.course.content.limitations.mistakes import coverage_by_mistake, preference, rate
from llmviz.course.lesson import Lesson
from llmviz.course.schema import Choice, Distractor, Exercise, Mistake, Question

_CONFIDENCE = torch.tensor([0.95, 0.9, 0.8, 0.6, 0.4, 0.3])
_RIGHT = torch.tensor([True, True, False, True, False, False])
_PAIRS = tuple(torch.tensor(row) for row in ([-1.0, -2.0], [-3.0, -1.0], [-2.0, -2.5], [-2.0, -2.0]))

LESSON = Lesson(
    "limitations",
    title="8 · Limitations",
    warm_up=[
        Question(
            "bias_in_vectors",
            "In real word vectors, *nurse* leaned toward *she*. How did that get in?",
            right="By the company that the word keeps in the texts",
            why="Vectors are made of neighbors. Who stands beside *nurse* more often, pulls it.",
            wrong=[
                Distractor(
                    "Somebody wrote it in",
                    "*A program's opinions are its programmers'.* Nobody typed a rule; counting neighbors was enough.",
                    "02_embeddings.ipynb#Measure the bias",
                ),
                Distractor(
                    "By chance: another training would turn it round",
                    "It could be predicted from the texts, and many words leaned the same way.",
                    "02_embeddings.ipynb#Measure the bias",
                ),
            ],
        ),
        Question(
            "what_it_reads",
            "What does the model read of the word `strawberry`?",
            right="The ids of a few tokens",
            why="Letters are gone before the first layer.",
            wrong=[
                Distractor(
                    "Its ten letters",
                    "*The model sees letters.* The tokenizer has cut and numbered before.",
                    "01_tokenization.ipynb#Cut the text, number the pieces",
                ),
                Distractor(
                    "The word as a whole, always one token",
                    "*Tokens are words.* Frequent words are one token; others are cut.",
                    "01_tokenization.ipynb#Pay the bill",
                ),
            ],
        ),
    ],
    predictions=[
        Choice(
            "stranger",
            "*Vera has a …* No text of Tinyville ever named Vera. What does the tiny GPT put on top?",
            {
                "an animal, like for anybody else": "",
                "a word that fits nowhere: it has never seen her": "It has seen thousands of sentences of this *form*. "
                "The form alone says what kind of word comes.",
                "something like “unknown”": "*It knows what it does not know.* No text says “unknown” there, so it has "
                "nearly no probability.",
            },
            why="It continues the text. “I do not know” is a continuation that the texts do not have.",
        ),
        Choice(
            "invented_share",
            "We ask about everybody: more than a third of the questions have no answer. What share of *those* gets a "
            "value as an answer (a house, a pet, a job, a dish)?",
            {
                "less than a tenth": "It would have to notice that it does not know. Nothing taught it to.",
                "about half": "*When it does not know, it tosses a coin.* There is nothing to toss: each prompt gets a "
                "next word.",
                "more than nine tenths": "",
            },
            why="An answer always comes. The question is only whether there was anything behind it.",
        ),
        Choice(
            "at_zero",
            "All that at temperature 0: always the best token, no dice. Now the same questions at temperature 1. Where "
            "is more invented?",
            {
                "much more at temperature 1": "*Chance makes the inventions.* Chance chooses among inventions; at 0 "
                "you get the model's favourite one.",
                "about equally much": "",
                "much more at temperature 0": "At 0 it says its favorite invention, at 1 some invention. Both count.",
            },
            why="Where nothing is known, the best token is as invented as the others. It is only the same each time.",
        ),
        Choice(
            "plain_fact",
            "*Mia lives in the treehouse. Mia lives in the …* By heart the model knows another house. What does it "
            "say, mostly, when we do that with every known fact?",
            {
                "the new value: it stands right before": "*Context always wins.* It wins in the words that training "
                "had for news. This form was never news.",
                "the old value": "",
                "something third": "Then it would have neither memory nor sight. It has both, and here memory wins.",
            },
            why="Who wins, memory or context, was learned, too, and only for the wordings that stood in the texts.",
        ),
        Choice(
            "greedy_seven",
            "In the corpus seven of ten doctors are *she*, and the model learns it. Now it writes a thousand texts "
            "about doctors, always with its best token. How many say *she*?",
            {
                "about 700": "*It shows what is in the data.* Drawn with chance, yes. But the best token is always "
                "the same.",
                "about 500": "Nothing pulls it to the middle.",
                "all of them": "",
            },
            why="Taking the best token turns a majority into everybody: bias is amplified after the data, in decoding.",
        ),
        Choice(
            "sixty_steps",
            "Ten steps of preference tuning bring the teacher from nine *she* in ten toward the middle. What do "
            "sixty do?",
            {
                "they bring it to exactly one half": "*It converges to fairness.* The loss only says *more of this, "
                "less of that*. It knows no half.",
                "nothing more: it has learned its lesson": "The loss falls on, as long as the preferred word gets "
                "likelier.",
                "hardly any teacher is she, nor any cook": "",
            },
            why="The loss has no goal, only a direction, and the same weights serve other jobs, and facts.",
        ),
    ],
    exercises=[
        Exercise(
            "hallucination_rate",
            task="Write `hallucination_rate(answers, truths)`: the share of *all* questions that got an invented "
            "answer. In: two lists; an answer is a word, or None where the model kept silent; a truth is a word, or "
            "None where there is no answer.",
            minutes=6,
            difficulty=1,
            hints=(
                "When is an answer invented? When there *is* one, and it is not the truth.",
                "Count pairs with `answer is not None and answer != truth`; divide by the number of questions.",
            ),
            solution=evaluation.hallucination_rate,
            why="A rate needs its *of what*. Over all questions, silence lowers it, as it should; how much silence "
            "costs is another number, the coverage.",
            cases=[
                (["mill", "tower", None, "soup"], ["mill", "castle", "cat", None]),
                ([None, "hen", "cat", "jam"], [None, None, "dog", "jam"]),
                (["cat", "cat"], ["cat", "cat"]),
                ([None, None, "rice"], ["soup", None, "rice"]),
            ],
            mistakes=[
                Mistake(
                    "You count silence as an invention. Saying nothing is never saying something false.",
                    gives=lambda a, t: rate(a, t, silence_counts=True),
                ),
                Mistake(
                    "You divide by the number of answers given; the share of *all* questions is asked for.",
                    gives=lambda a, t: rate(a, t, over_answered=True),
                ),
                Mistake("That is the share of right ones.", gives=lambda a, t: rate(a, t, accuracy=True)),
                Mistake(
                    "You leave out questions without an answer. Those are where inventions live.",
                    gives=lambda a, t: rate(a, t, known_only=True),
                ),
                Mistake(
                    "That is a number of questions; divide by how many there are.",
                    when=lambda got, a, t: isinstance(got, int | float) and got > 1,
                ),
            ],
        ),
        Exercise(
            "coverage_and_accuracy",
            task="Write `coverage_and_accuracy(confidence, right, threshold)`: the model answers only where its "
            "confidence is at least the threshold. In: two tensors, numbers and booleans. Out: a pair, the share of "
            "questions answered, and the share of *those* that are right (1 if nothing is answered).",
            minutes=7,
            difficulty=2,
            hints=(
                "`answered = confidence >= threshold` says who speaks. Two shares come from it, over different wholes.",
                "Coverage: `answered.sum() / len(confidence)`. Accuracy: `(right & answered).sum() / answered.sum()`, "
                "unless nothing was answered.",
            ),
            solution=evaluation.coverage_and_accuracy,
            why="The two always go together: 99 % accuracy means nothing until you say how often it spoke.",
            cases=[
                (_CONFIDENCE, _RIGHT, 0.5),
                (_CONFIDENCE, _RIGHT, 0.8),
                (_CONFIDENCE, _RIGHT, 0.0),
                (_CONFIDENCE, _RIGHT, 0.99),
            ],
            mistakes=[
                Mistake(
                    "*At least* the threshold: where the confidence equals it, the model answers (`>=`).",
                    gives=lambda c, r, t: coverage_by_mistake(c, r, t, strict=True),
                ),
                Mistake(
                    "You divide the right ones by all questions; accuracy is a share of the *answered* ones.",
                    gives=lambda c, r, t: coverage_by_mistake(c, r, t, over_all=True),
                ),
                Mistake(
                    "The pair is the wrong way round: coverage first.",
                    gives=lambda c, r, t: coverage_by_mistake(c, r, t, swapped=True),
                ),
                Mistake(
                    "You answer where confidence is *low*.",
                    gives=lambda c, r, t: coverage_by_mistake(c, r, t, below=True),
                ),
                Mistake(
                    "Nothing answered, and you divide by 0: then accuracy is 1, for nothing was wrong.",
                    raises=ZeroDivisionError,
                ),
                Mistake(
                    "Nothing answered, and you divide 0 by 0: then accuracy is 1, for nothing was wrong.",
                    when=lambda got, c, r, t: float(got[1]) != float(got[1]),
                ),
            ],
        ),
        Exercise(
            "preference_loss",
            task="Write `preference_loss(chosen, rejected, reference_chosen, reference_rejected, beta)`: each is a "
            "tensor of ln p, one a pair, under the model and under the one it was (the reference). How much more has "
            "*chosen* gained than *rejected*? Times beta; then −ln sigmoid; then the mean.",
            minutes=8,
            difficulty=2,
            hints=(
                "Gain of one answer: its ln p now, minus its ln p in the reference. Two gains, one difference.",
                "`-F.logsigmoid(beta * ((chosen - reference_chosen) - (rejected - reference_rejected))).mean()`",
            ),
            solution=finetuning.preference_loss,
            why="At the start both models are the same: gain 0, loss ln 2. It falls with every further gain; "
            "no amount is enough. When to stop is up to you.",
            cases=[
                (*_PAIRS, 0.1),
                (*_PAIRS, 1.0),
                (_PAIRS[1], _PAIRS[0], _PAIRS[3], _PAIRS[2], 0.5),
            ],
            mistakes=[
                Mistake(
                    "You forget the reference: what counts is what was *gained* since.",
                    gives=lambda *p: preference(*p, held=False),
                ),
                Mistake(
                    "The sign is turned round: your loss falls when the *rejected* answer gains.",
                    gives=lambda *p: preference(*p, sign=-1),
                ),
                Mistake(
                    "Beta stands outside the sigmoid; it multiplies the gain inside.",
                    gives=lambda *p: preference(*p, outside=True),
                ),
                Mistake(
                    "You forget beta.",
                    gives=lambda c, r, bc, br, beta: preference(c, r, bc, br, 1.0),
                ),
                Mistake(
                    "One loss for each pair; the mean of them is asked for.",
                    when=lambda got, *p: isinstance(got, torch.Tensor) and got.dim() > 0,
                ),
                Mistake(
                    "A loss cannot be negative here: it is *minus* the logarithm of a probability.",
                    when=lambda got, *p: float(got) < 0,
                ),
            ],
        ),
    ],
    quiz=[
        Question(
            "fluent",
            "A model answers in perfect sentences, with probability 0.97. What do you know?",
            right="That such a word often follows such a text",
            why="Probability is about the next word. Whether somebody was asked about whom texts were silent, it does "
            "not say.",
            wrong=[
                Distractor(
                    "That it is probably right",
                    "*Fluent and confident, so probably right.* Of our unanswerable questions many got more than .9.",
                    "Ask about everybody",
                ),
                Distractor(
                    "That it was right in 97 of 100 cases like this",
                    "*Confidence is calibrated.* On the questions without an answer it was right in none.",
                    "Ask about everybody",
                ),
            ],
        ),
        Question(
            "zero",
            "What does temperature 0 do to inventions?",
            right="It makes them the same each time",
            why="Best of the inventions is an invention.",
            wrong=[
                Distractor(
                    "It removes them",
                    "*Temperature 0 removes hallucination.* The rate was the same as at 1.",
                    "Turn the dice off",
                ),
                Distractor(
                    "It makes them rarer, since it is more careful",
                    "Nothing is weighed: the best token is taken, however little it has.",
                    "Turn the dice off",
                ),
            ],
        ),
        Question(
            "context",
            "You put a fact into the prompt that contradicts what the model learned. What happens?",
            right="It depends on the wording: which ones win was learned",
            why="Told as news: always the new one. Told plainly: hardly ever.",
            wrong=[
                Distractor(
                    "The context wins",
                    "*Context always wins.* Told plainly, the old value came nine times in ten.",
                    "Put the fact in front",
                ),
                Distractor(
                    "What was learned wins",
                    "*It is in the weights, so it stays.* Told as news, the new value came every time.",
                    "Put the fact in front",
                ),
            ],
        ),
        Question(
            "abstain",
            "You let the model keep silent below a confidence of .95. What do you pay?",
            right="Coverage: it says less",
            why="Accuracy and coverage are one pair; naming one alone is an advertisement.",
            wrong=[
                Distractor(
                    "Nothing: only inventions are lost",
                    "*A threshold separates truth from invention.* Some inventions are surer than that, and stay.",
                    "Let it keep silent",
                ),
                Distractor(
                    "Accuracy",
                    "Of what it still says, more is right.",
                    "Let it keep silent",
                ),
            ],
        ),
        Question(
            "where_bias",
            "Where does the bias of a model's texts come from?",
            right="From the data, and from how the next word is chosen",
            why="Seven of ten in the corpus, seven of ten in the probabilities, ten of ten in greedy texts.",
            wrong=[
                Distractor(
                    "From the data alone",
                    "*Bias is only in the data.* Greedy decoding made a majority into everybody.",
                    "Turn the bias dial",
                ),
                Distractor(
                    "From the programmers",
                    "Nobody wrote a rule about doctors. A ratio in the texts was enough.",
                    "Turn the bias dial",
                ),
            ],
        ),
        Question(
            "filter",
            "Somebody balances all sentences of the form “The doctor … She/He …”. Is the model fair to doctors now?",
            right="In that form; ask in the others",
            why="The association was planted in two places, and was repaired in one.",
            wrong=[
                Distractor(
                    "Yes: the data are balanced",
                    "*A filter fixes it.* The filter knew one form. In the other, the ratio stayed high.",
                    "Turn the bias dial",
                ),
                Distractor(
                    "No: such a repair does nothing",
                    "It does much where it reaches, and that is what makes it look finished.",
                    "Turn the bias dial",
                ),
            ],
        ),
    ],
)
progress, warm_up, predict, exercise, quiz = LESSON.doors
check_hallucination_rate = LESSON.check("hallucination_rate")
check_coverage_and_accuracy = LESSON.check("coverage_and_accuracy")
check_preference_loss = LESSON.check("preference_loss")
