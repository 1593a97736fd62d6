"""What lesson 7 asks about its two tasks, translation and summarization."""

from llmviz.course.schema import Choice, Distractor, Number, Question

PREDICTIONS = [
    Number(
        "how_many_change",
        "*The small red hat* is *le petit chapeau rouge* in French. We replace *hat* by *lamp*. How many of the four "
        "French words change?",
        unit="words",
        low=0,
        high=4,
        close=0,
        why="The noun brings its gender along: article and adjective follow it. One English word decided three French "
        "ones, so no French word can be chosen by looking at one English word alone.",
    ),
    Choice(
        "first_learned",
        "We teach the GPT headlines, and stop very early. What does it have by then?",
        {
            "the form of a headline": "",
            "who and what the story was about": "That asks it to look back at the right word each time. A form is "
            "always the same.",
            "both, or neither": "*Fluent means right.* Two things are learned here, and one is much easier.",
        },
        why="Form is the same in every headline, so it is learned first. What is true differs from story to story.",
    ),
]

QUESTIONS = [
    Question(
        "one_way_two_ways",
        "In the translator the encoder has no mask and the decoder has one. Why?",
        right="The English is there from the start; the French is still being written",
        why="A reader may look at the whole sentence. A writer must not see in training what it will have to say.",
        wrong=[
            Distractor(
                "English is read in any order, French is not",
                "*Order is only for the mask.* The encoder knows the order well: its positions are rotary.",
                "Translate",
            ),
            Distractor(
                "The decoder is smaller, so it must save work",
                "*A mask is about speed.* It has the same sizes, and one attention more.",
                "Translate",
            ),
        ],
    ),
    Question(
        "fluent_and_true",
        "A summary reads perfectly. What do you know about its truth?",
        right="Nothing yet: hold it against the story",
        why="Form is learned first and truth later. In between, summaries are perfect English about somebody else.",
        wrong=[
            Distractor(
                "It is true: nonsense would sound wrong",
                "*Fluent means right.* The undertrained model's headlines all sounded right.",
                "Summarize",
            ),
            Distractor(
                "It is true if the model is sure of it",
                "*Confidence is truth.* A model is sure of what it has learned, and it had learned the form.",
                "Summarize",
            ),
        ],
    ),
]
