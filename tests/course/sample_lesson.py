"""A lesson for tests, for a reader who types whatever comes to mind. Its one exercise is `word_counts`."""

from collections import Counter

from llmviz.course import Choice, Distractor, Exercise, Lesson, Mistake, NotYet, Number, Question, Text
from llmviz.tokenizers.bpe import WORD


def word_counts(texts: str) -> Counter[str]:
    """Count each word of the texts, cut as GPT-2 cuts them."""
    return Counter(WORD.findall(texts))


HOSTILE = "<img src=x onerror='document.title=`owned`'></script><b>&amp;\u202e \ud800"


def count_twice(call):
    """A check of one's own: the same question twice has the same answer."""
    first, second = call("kite kite"), call("kite kite")
    if first != second:
        raise NotYet("You remember the words of the call before.", given="kite kite", got=second, expected=first)


LESSON = Lesson(
    "sample",
    title="S · Sample",
    predictions=[
        Number("n_words", "How many words has `a b a`?", unit="words", low=1, high=10, close=1, why="Spaces *stick*."),
        Choice(
            "pays_most",
            "Who pays most?",
            {"English": "*Short words, high bill.* It is the other way round.", "German": "", HOSTILE: "Nobody."},
        ),
        Text("next_word", "Which word comes next?"),
    ],
    exercises=[
        Exercise(
            "word_counts",
            task="Write `word_counts(text)`: how often is each word there?\n\nIn: a string. Out: a dict.",
            minutes=8,
            difficulty=2,
            hints=("What belongs to a word in GPT-2's eyes?", "`WORD.findall(text)` gives the words."),
            solution=word_counts,
            why="A `Counter` counts whatever it is given.",
            cases=["a b a", "kite, kite!", ""],
            mistakes=[
                Mistake("You drop the space in front of a word.", gives=lambda text: Counter(text.split())),
                Mistake("You count letters.", when=lambda got, text: {len(word) for word in got} == {1}),
                Mistake("You run over the end of the text.", raises=IndexError),
            ],
            check=count_twice,
            seconds=1.0,
        )
    ],
    quiz=[
        Question(
            "spaces",
            "Where does the space go?",
            right="To the word after it",
            why="So that a text can be put together again.",
            wrong=[
                Distractor("Nowhere", "*Spaces are no text.* Then nothing could bring them back.", "Keep the spaces"),
                Distractor("To the word before <b>it</b>", "*Words end in spaces.* Look at one.", "Keep the spaces"),
            ],
        ),
        Question(
            "letters",
            "Does the model see `letters`?",
            right="No",
            why="It sees ids.",
            wrong=[
                Distractor("Yes", "*It reads as we do.* It gets numbers.", "No such heading"),
                Distractor("Only vowels", "*Vowels matter.* They do not.", "01_tokenization.ipynb#Bytes"),
            ],
        ),
    ],
    warm_up=[
        Question(
            "earlier",
            "And before?",
            "This",
            "Why.",
            [Distractor("That", "No.", "Keep the spaces"), Distractor("It", "No")],
        )
    ],
)
progress, warm_up, predict, exercise, quiz = LESSON.doors
check_word_counts = LESSON.check("word_counts")
