"""What lesson 0 asks: two predictions and a quiz."""

from llmviz.course.lesson import Lesson
from llmviz.course.schema import Choice, Distractor, Number, Question

LESSON = Lesson(
    "start_here",
    title="0 · Start here",
    predictions=[
        Choice(
            "how_sure",
            "*Mia found a red …* and *Noah has a …*: of which next token will the model be sure?",
            {
                "of both": "A trained model should be sure, you may have thought. It should be as sure as its world "
                "allows: dozens of red things can be found in Tinyville.",
                "of neither": "Guessing never makes sure, you may have thought. But some continuations are facts, read "
                "again and again, and then one token gets nearly everything.",
                "only of Mia's": "A grammatical hint (*a red* must be a thing) narrows the choice, but leaves dozens.",
                "only of Noah's": "",
            },
            why="Sureness is no quality of the model alone: it mirrors how many continuations its world leaves open.",
        ),
        Number(
            "open_continuations",
            "After *Mia found a red*, how many different next tokens do the rules of Tinyville allow?",
            unit="tokens",
            low=1,
            high=1024,
            close=10,
            why="A good model spreads its probability over all of them. A single long bar here would be a *mistake*.",
        ),
    ],
    quiz=[
        Question(
            "in_and_out",
            "What does a language model compute, each time it runs?",
            right="One probability for every token in its list",
            why="Picking one of them, and asking again with it at the end, makes the text. That part is not the model.",
            wrong=[
                Distractor(
                    "The best next sentence",
                    "*It plans a sentence, then writes it.* There is no sentence inside: only bars for the next token.",
                    "Follow one sentence through the machine",
                ),
                Distractor(
                    "The answer that it has stored for this text",
                    "*It looks texts up.* Type something that nobody ever wrote: it still gives every token a "
                    "probability, because it computes them.",
                    "Step on yourself",
                ),
            ],
        ),
        Question(
            "longest_bar",
            "The longest bar has probability 0.06. Is the model bad?",
            right="One cannot tell from that",
            why="Where the world leaves thirty continuations open, 0.06 is about as sure as one may be.",
            wrong=[
                Distractor(
                    "Yes: a good model is sure",
                    "*Sure means good.* Compare the bars with the diamonds: the truth itself is spread that thin.",
                    "Follow one sentence through the machine",
                ),
                Distractor(
                    "Yes: it is wrong 94 times out of 100",
                    "*There is one right next token.* After most beginnings there are many, and each may come.",
                    "Follow one sentence through the machine",
                ),
            ],
        ),
        Question(
            "sounds_sure",
            "The model names Lucy's pet, with a long bar. What do you know now?",
            right="That this pet is a likely text, not that it is true",
            why="The bars always add up to 1, so some answer always leads, known or not. Lesson 8 measures how often.",
            wrong=[
                Distractor(
                    "Lucy has that pet, most probably",
                    "*If it sounds sure, it knows.* Nobody in Tinyville ever wrote what pet Lucy has.",
                    "Ask what nobody knows",
                ),
                Distractor(
                    "It has met a text about Lucy's pet",
                    "*What it says, it has read.* No text of the town goes on from there, and a cell asserts that.",
                    "Ask what nobody knows",
                ),
            ],
        ),
    ],
)
progress, warm_up, predict, exercise, quiz = LESSON.doors
