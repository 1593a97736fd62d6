"""A lesson: what it shows, what it remembers, and what never changes in a saved notebook."""

import html
import inspect
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sample_lesson import HOSTILE, LESSON, word_counts

from llmviz import course
from llmviz.course import Lesson, _render
from llmviz.course import lesson as lesson_module
from llmviz.course._schema import Choice, Distractor, Number, Question

PICTURE = '<img alt="two bars" src="data:image/gif;base64,AAAA">'


@pytest.fixture(autouse=True)
def shown(monkeypatch):
    """What the lesson shows, in place of a notebook."""
    found = []
    monkeypatch.setattr(lesson_module, "display", lambda shown, raw=False: found.append(shown))
    return found


@pytest.fixture
def lesson():
    """The sample lesson, as in a new kernel."""
    return Lesson("sample", LESSON.content)


def page(widget):
    """The words that a learner sees, each once."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", widget.body)).split())


def still(shown):
    """What a saved notebook keeps."""
    bundle = shown if isinstance(shown, dict) else shown._repr_mimebundle_()
    return bundle["text/plain"], bundle["text/html"]


VOID = {"img", "br", "input"}
KNOWN = {
    *("div", "p", "strong", "em", "code", "pre", "span", "bdi", "a", "ul", "li", "details", "summary"),
    *("table", "tr", "th", "td", "form", "label", "button", *VOID),
}


class Checker(HTMLParser):
    """Every tag is one of ours, and closed."""

    def __init__(self, text):
        super().__init__()
        self.open = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        assert tag in KNOWN, tag
        assert not any(name.startswith("on") for name, _ in attributes)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_a_number_is_asked_committed_and_kept(shown, lesson):
    lesson.predict("n_words")
    shown[0].receive({"do": "commit", "value": "7"})
    lesson.predict("n_words")  # the cell runs again, perhaps on another day
    assert "Your prediction: 7 words" in page(shown[1])
    assert lesson.events.events() == [["predict", "n_words", 7.0, ""]]


def test_a_second_try_keeps_the_first_in_sight(shown, lesson):
    lesson.predict("n_words")
    lesson.reveal("n_words", 3)
    widget, revealed = shown
    widget.receive({"do": "commit", "value": "9"})
    widget.receive({"do": "again"})
    assert "Your first prediction is kept." in page(widget)
    widget.receive({"do": "commit", "value": "4 words"})
    for one in shown:
        assert "Your earlier predictions: 9 words Your prediction: 4 words" in page(one)
    assert "Close: 1 word too high." in page(revealed)
    assert lesson.summary().predictions["n_words"] == [9.0, 4.0]


@pytest.mark.parametrize("typed", ["", "many", "0", "11", "nan", "1e999", "3 kites", HOSTILE])
def test_what_cannot_be_a_prediction_is_said_and_not_remembered(shown, typed, lesson):
    lesson.predict("n_words")
    widget = shown[0]
    widget.receive({"do": "commit", "value": typed})
    assert "between 1 and 10" in page(widget)
    assert widget.said in page(widget)
    assert lesson.events.events() == []
    Checker(widget.body)


@pytest.mark.parametrize(
    ("typed", "number"), [("3", 3), (" 3 words ", 3), ("2,5", 2.5), ("2.5", 2.5), ("1e1", 10), ("+4", 4)]
)
def test_numbers_as_people_write_them(typed, number):
    assert LESSON.content.predictions["n_words"].parse(typed) == number


@pytest.mark.parametrize(
    ("said", "answer", "verdict", "words"),
    [
        (3, 3, "right", "Exactly."),
        (3, 3.04, "right", "Exactly."),
        (3.5, 3, "close", "Close: 0.5 % too high."),
        (1, 4, "off", "The difference: 3.0 % too low; the answer is 4.0 times as large."),
        (5, 4, "off", "The difference: 1.0 % too high."),
        (-2, 4, "off", "The difference: 6.0 % too low."),
        (0, 4, "off", "The difference: 4.0 % too low."),
    ],
)
def test_the_gap_in_words(said, answer, verdict, words):
    assert Number("n", "?", -9, 9, unit="%", digits=1, close=0.5).compare(said, answer) == (verdict, words)


def test_a_choice_names_the_misconception(shown, lesson):
    lesson.predict("pays_most")
    lesson.reveal("pays_most", "German")
    widget, revealed = shown
    widget.receive({"do": "commit", "value": "French"})
    assert lesson.events.events() == []
    widget.receive({"do": "commit", "value": "English"})
    assert "Your prediction: English The answer: German" in page(revealed)
    assert "Short words, high bill. It is the other way round." in page(revealed)
    widget.receive({"do": "again"})
    widget.receive({"do": "commit", "value": "German"})
    assert "Correct." in page(revealed)


@pytest.mark.parametrize(("name", "answer"), [("n_words", "three"), ("n_words", float("nan")), ("pays_most", "French")])
def test_an_answer_that_nobody_could_predict_is_an_error_of_the_author(name, answer, lesson):
    with pytest.raises(ValueError, match=f"the answer to '{name}' must be .*given"):
        lesson.reveal(name, answer)


def test_an_unknown_name_gets_the_names_there_are(lesson):
    with pytest.raises(ValueError, match="no prediction 'n_wrods'; it has: n_words, pays_most"):
        lesson.predict("n_wrods")


def test_the_quiz_remembers_the_first_choice_and_the_others(shown, lesson):
    lesson.quiz()
    widget = shown[0]
    assert "first choice" not in page(widget)
    widget.receive({"do": "choose", "question": "spaces", "value": "Nowhere"})
    assert widget.said.startswith("Not this one. Spaces are no text.")
    assert widget.said.endswith("Right at the first choice: 0 of 1; 1 not answered yet.")
    for _ in range(2):  # opened twice, remembered once
        widget.receive({"do": "choose", "question": "spaces", "value": "To the word after it"})
    widget.receive({"do": "choose", "question": "letters", "value": "No"})
    assert "Nowhere · your first choice" in page(widget)
    assert "To the word after it · opened" in page(widget)
    assert "Right at the first choice: 1 of 2; 0 not answered yet." in page(widget)
    assert lesson.summary().choices == {"spaces": ["Nowhere", "To the word after it"], "letters": ["No"]}


@pytest.mark.parametrize(
    "message", [{}, {"do": "choose"}, {"do": "choose", "question": "spaces", "value": "Elsewhere"},
                {"do": "commit", "question": ["spaces"], "value": None}, {"do": 3}]
)  # fmt: skip
def test_a_message_that_means_nothing_changes_nothing(shown, message, lesson):
    lesson.quiz()
    lesson.progress()
    for widget in shown:
        widget.receive(message)
    assert lesson.events.events() == []


def test_the_options_stand_in_an_order_that_never_changes_and_favors_no_place():
    wrong = [Distractor("A", ""), Distractor("B", "")]
    first = [_render._options(Question(f"q{n}", "?", "R", "", wrong))[0][0] for n in range(300)]
    assert 60 < first.count("R") < 140
    options = [text for text, _ in _render._options(LESSON.content.quiz["spaces"])]
    assert options == ["To the word before <b>it</b>", "Nowhere", "To the word after it"]


def test_progress_follows_what_happens_below(shown, lesson):
    lesson.progress()
    widget = shown[0]
    assert "about 12 minutes left" in page(widget)
    lesson.check("word_counts", lambda text: len(text))
    assert "0 of 1 done, 1 attempted" in page(widget)
    lesson.check("word_counts", word_counts)
    assert "1 of 1 done" in page(widget)
    assert "about 4 minutes left" in page(widget)
    lesson.check("word_counts", lambda text: len(text))  # a later slip takes nothing away
    assert lesson.events.events() == [["check", "word_counts", "not yet"], ["check", "word_counts", "correct"]]
    widget.receive({"do": "reset"})
    assert "about 12 minutes left" in page(widget)
    widget.receive({"do": "undo"})
    assert "1 of 1 done" in page(widget)
    widget.receive({"do": "undo"})
    assert "0 of 1 done, 1 attempted" in page(widget)


def test_undo_asks_a_prediction_anew(shown, lesson):
    lesson.predict("n_words")
    lesson.progress()
    shown[0].receive({"do": "commit", "value": "7"})
    shown[1].receive({"do": "undo"})
    assert "Commit before you see the answer." in page(shown[0])


def test_a_stub_is_not_written_down(shown, lesson):
    lesson.check("word_counts", lambda text: ...)
    lesson.check("word_counts", None)
    assert lesson.events.events() == []


def test_a_check_shows_numbers_prints_and_notes(shown, lesson):
    def wrong(text):
        print("<b>looking</b>")
        return {text: "</code><script>"}

    lesson.check("word_counts", wrong)
    text, markup = still(shown[0])
    assert text.startswith("word_counts: not yet. ")
    assert "<script>" not in markup and "&lt;script&gt;" in markup
    assert "&lt;b&gt;looking&lt;/b&gt;" in markup
    Checker(markup)


def test_the_card_holds_the_librarys_own_source_and_two_hints(shown, lesson):
    lesson.exercise("word_counts")
    text, markup = still(shown[0])
    Checker(markup)
    source = re.search(r"<pre[^>]*>(.*?)</pre>", markup, re.DOTALL)[1]
    without_docstring = re.sub(r' +""".*"""\n', "", inspect.getsource(word_counts).rstrip())
    assert html.unescape(source).partition("\n")[2] == without_docstring
    assert markup.index("Hint 1") < markup.index("Hint 2") < markup.index("Solution")
    assert text.startswith("Exercise word_counts (8 min): Write word_counts(text): how often")


def everything(shown, lesson):
    """Call all methods as a notebook does; what is saved of each."""
    shown.clear()
    lesson.progress()
    lesson.warm_up()
    lesson.predict("n_words")
    lesson.reveal("n_words", 3, show=PICTURE)
    lesson.predict("pays_most")
    lesson.exercise("word_counts")
    lesson.check("word_counts", lambda text: ...)
    lesson.quiz()
    return [still(widget) for widget in shown]


def test_what_is_saved_does_not_depend_on_the_learner(shown, progress_file, lesson):
    before = everything(shown, lesson)
    for widget in list(shown):
        if hasattr(widget, "receive"):
            widget.receive({"do": "commit", "value": "5"})
            widget.receive({"do": "commit", "value": "English"})
            widget.receive({"do": "choose", "question": "spaces", "value": "Nowhere"})
    assert {event[0] for event in lesson.events.events()} == {"predict", "quiz"}
    assert lesson.summary().predictions.keys() == {"n_words", "pays_most"}
    progress_file.write_text("broken")
    assert everything(shown, lesson) == before


def test_what_is_saved_can_be_read_without_anything_running(shown, lesson):
    saved = everything(shown, lesson)
    for text, markup in saved:
        assert (text and "\n" not in text.strip("\n")) or text.startswith("word_counts")
        assert "<script" not in markup and "<style" not in markup
        Checker(markup)
        (text + markup).encode("utf-8")  # no lone surrogate is left
    quiz = saved[-1][1]
    for question in lesson.content.quiz.values():
        for wrong in question.distractors:
            assert _render._to_html(wrong.explanation) in quiz
        assert _render._to_html(question.explanation) in quiz
    assert 'href="#Keep-the-spaces"' in quiz
    assert 'href="01_tokenization.ipynb#Bytes"' in quiz
    assert saved[3][1].index("<details") < saved[3][1].index("The answer: ") < saved[3][1].index(PICTURE)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(text=st.text(max_size=50) | st.just(HOSTILE))
def test_no_text_becomes_markup(shown, progress_file, text):
    progress_file.unlink(missing_ok=True)
    shown.clear()
    hostile = Choice("hostile", text, {text: text, "other": text}, explanation=text)
    lesson = Lesson("sample", replace(LESSON.content, predictions={"hostile": hostile, **LESSON.content.predictions}))
    lesson.predict("hostile")
    lesson.reveal("hostile", text)
    lesson.predict("n_words")
    for widget in shown:
        widget.receive({"do": "commit", "value": text})
        Checker(widget.body)
        widget.body.encode("utf-8")
    Checker(still(shown[0])[1])


def test_trouble_with_the_file_is_said_where_progress_is_shown(shown, progress_file, lesson):
    progress_file.write_text("{")
    lesson.progress()
    assert "was moved to" in page(shown[0])


def test_an_unknown_lesson_gets_the_names_there_are():
    with pytest.raises(ValueError, match="no lesson 'atention'; the lessons are: alignment_and_bias, attention,"):
        course.open("atention")


def test_an_answer_is_revealed_in_a_later_cell(shown, lesson):
    lesson.predict("n_words")
    lesson.reveal("n_words", 3, show=PICTURE)
    asked, revealed = shown
    saved = [still(widget) for widget in shown]
    assert "answer" not in saved[0][0] + saved[0][1] and saved[1][0].endswith("The answer: 3 words.")
    assert "The answer: 3 words" in page(revealed) and "Your prediction" not in page(revealed)
    asked.receive({"do": "commit", "value": "7"})
    assert "Your prediction: 7 words A cell below shows the answer." in page(asked)
    assert asked.said == "Your prediction: 7 words. A cell below shows the answer."
    assert "The difference: 4 words too high" in page(revealed) and PICTURE in revealed.body
    assert [still(widget) for widget in shown] == saved
    for markup in (asked.body, revealed.body, saved[0][1], saved[1][1]):
        Checker(markup)
