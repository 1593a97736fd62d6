"""A lesson's questions in a real browser: in JupyterLab, by mouse and by keys alone; reopened, untrusted, exported."""

import shutil
import sys
from pathlib import Path

import pytest
from lab_pages import open_notebook, run_all
from playwright.sync_api import expect

from llmviz import export

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "course"), str(ROOT / "tools")]
import execute_notebooks  # noqa: E402
import sample_notebook  # noqa: E402

N_CELLS = "jupyterapp.shell.currentWidget.content.widgets.length"
DARK = "jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
RESTART = "jupyterapp.shell.currentWidget.context.sessionContext.restartKernel()"
IN_VIEW = """(heading) => {
    const { top, bottom } = heading.getBoundingClientRect();
    const view = heading.closest('.jp-WindowedPanel-outer, html').getBoundingClientRect();
    return top >= Math.max(view.top, 0) - 2 && bottom <= Math.min(view.bottom, innerHeight) + 2;
}"""
PARTS = ("Progress: S · Sample", "Warm-up: S · Sample", "Predict: n_words", "Predict: pays_most")
PROGRESS, WARM_UP, NUMBER, CHOICE = PARTS
QUIZ, NUMBER_REVEALED, CHOICE_REVEALED = "Quiz: S · Sample", "Answer: n_words", "Answer: pays_most"


def part(page, label):
    """One of the lesson's live parts, by the name that a screen reader says."""
    return page.get_by_role("group", name=label, exact=True)


@pytest.fixture(scope="module")
def executed(tmp_path_factory) -> Path:
    """The sample notebook as `make notebooks` saves it."""
    folder = tmp_path_factory.mktemp("executed")
    path = sample_notebook.write(folder / "sample.ipynb", folder / "progress.json")
    execute_notebooks.execute(path)
    assert not (folder / "progress.json").exists()  # running a lesson through is no progress
    return path


slow = pytest.mark.slow  # one session in JupyterLab is enough for `make test`


@pytest.fixture
def live(lab, page, request, tmp_path):
    """The sample notebook in JupyterLab, run from top to bottom, with nobody's progress yet."""
    name = f"{request.node.name}.ipynb"
    sample_notebook.write(lab.folder / name, tmp_path / "progress.json")
    open_notebook(page, lab.url(name))
    cells = run_all(page)
    assert [output for cell in cells for output in cell["outputs"] if output["type"] == "error"] == []
    expect(part(page, QUIZ)).to_be_visible()
    yield page
    assert page.title() != "owned"
    assert page.locator("img[src=x]").count() == 0
    assert page.outside == []
    (lab.folder / name).unlink()


@slow
def test_a_wrong_answer_names_its_misconception_and_leads_to_the_cell_that_refutes_it(live):
    quiz = part(live, QUIZ)
    expect(quiz.get_by_text("Spaces are no text.")).to_be_hidden()
    quiz.get_by_text("B · Nowhere").click()
    expect(quiz.get_by_text("Spaces are no text.")).to_be_visible()
    expect(quiz).to_contain_text("Right at the first choice: 0 of 1; 1 not answered yet.")
    expect(part(live, PROGRESS)).to_contain_text("0 of 2 done, 1 attempted")
    quiz.get_by_text("C · To the word after it").click()
    expect(quiz.get_by_text("So that a text can be put together again.")).to_be_visible()
    expect(quiz.get_by_text("Spaces are no text.")).to_be_visible()  # what was open stays open
    expect(quiz.get_by_text("your first choice")).to_be_visible()
    expect(part(live, PROGRESS)).to_contain_text("1 of 2 done")
    heading = live.get_by_role("heading", name="Keep the spaces")
    part(live, PROGRESS).scroll_into_view_if_needed()
    quiz.get_by_role("link", name="See again: Keep the spaces").first.click()
    live.wait_for_timeout(300)
    assert heading.evaluate(IN_VIEW)
    assert heading.evaluate("one => document.activeElement === one")
    quiz.get_by_text("B · Yes").click()
    quiz.get_by_role("link", name="See again: No such heading").click()
    expect(live.get_by_role("status").get_by_text("is not in this notebook")).to_have_count(1)
    quiz.get_by_text("A · Only vowels").click()
    quiz.get_by_role("link", name="See again: Bytes").click()  # a heading of another lesson
    live.wait_for_function("jupyterapp.shell.currentWidget.context?.path === '01_tokenization.ipynb'")
    assert len(live.evaluate("[...jupyterapp.shell.widgets('main')].map(one => one.title.label)")) == 2


@slow
def test_a_prediction_is_committed_revealed_and_outlives_the_kernel(live):
    number, revealed = part(live, NUMBER), part(live, NUMBER_REVEALED)
    assert "two bars" not in number.inner_html()
    expect(number).not_to_contain_text("The answer:")
    number.get_by_label("My prediction").fill("99")
    number.get_by_role("button", name="Commit").click()
    expect(number.get_by_role("alert")).to_have_text("Enter a number between 1 and 10; you typed “99”.")
    expect(number.get_by_label("My prediction")).to_have_value("99")
    number.get_by_label("My prediction").fill("7")
    number.get_by_role("button", name="Commit").click()
    gap = "The difference: 4 words too high, 2.3 times the answer."
    expect(number).to_contain_text("Your prediction: 7 words")
    expect(revealed).to_contain_text(gap)
    expect(revealed.get_by_alt_text("two bars")).to_be_attached()
    part(live, CHOICE).get_by_role("button", name="English").click()
    expect(part(live, CHOICE_REVEALED)).to_contain_text("Short words, high bill.")
    expect(part(live, PROGRESS)).to_contain_text("2 of 2 done")
    live.evaluate(RESTART)
    cells = run_all(live)
    assert [output for cell in cells for output in cell["outputs"] if output["type"] == "error"] == []
    expect(revealed).to_contain_text(gap)
    expect(part(live, PROGRESS)).to_contain_text("2 of 2 done")
    part(live, PROGRESS).get_by_role("button", name="Start this lesson again").click()
    expect(part(live, PROGRESS)).not_to_contain_text("2 of 2 done")
    expect(part(live, NUMBER)).to_contain_text("Commit before you see the answer.")
    part(live, PROGRESS).get_by_role("button", name="Undo the last step").click()
    expect(revealed).to_contain_text(gap)


def luminance(color: str) -> float:
    red, green, blue = (float(part) / 255 for part in color[color.index("(") + 1 : -1].split(",")[:3])
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (red, green, blue)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def assert_readable_in_the_dark(live) -> None:
    """All ink stands out from JupyterLab's dark ground."""
    live.evaluate(DARK)
    ground = "getComputedStyle(document.querySelector('.jp-Notebook')).backgroundColor"
    live.wait_for_function(f"{ground} !== 'rgb(255, 255, 255)'")
    dark = luminance(live.evaluate(ground))
    texts = [part(live, QUIZ).get_by_text("Spaces are no text."), part(live, QUIZ).get_by_role("link").first]
    texts += [part(live, CHOICE).get_by_role("button").first, live.get_by_text("Hint 1"), part(live, NUMBER)]
    for text in texts:
        light = luminance(text.evaluate("one => getComputedStyle(one).color"))
        assert (light + 0.05) / (dark + 0.05) >= 4.5, text


def tab_to(page, text: str, most: int = 40):
    """Press Tab until what has the focus holds this text, as someone does who has no mouse."""
    for _ in range(most):
        page.keyboard.press("Tab")
        found = page.evaluate("""() => {
            let one = document.activeElement;
            while (one?.shadowRoot?.activeElement) one = one.shadowRoot.activeElement;
            return [one.textContent, one.name, one.tagName].join(' ');
        }""")
        if text in found:
            return
    raise AssertionError(f"{most} times Tab never reached {text!r}")


@slow
def test_everything_works_by_keys_alone_and_in_the_dark(live):
    before = live.evaluate(N_CELLS)
    part(live, PROGRESS).get_by_role("button", name="Undo").focus()
    tab_to(live, "said")
    live.keyboard.type("b")  # in the notebook's hands, it would insert a cell
    live.keyboard.press("Backspace")
    live.keyboard.type("4")
    live.keyboard.press("Enter")
    expect(part(live, NUMBER_REVEALED)).to_contain_text("Close: 1 word too high.")
    tab_to(live, "German")
    live.keyboard.press("Space")
    expect(part(live, CHOICE_REVEALED)).to_contain_text("Correct.")
    part(live, QUIZ).locator("summary").first.focus()
    tab_to(live, "Nowhere")
    live.keyboard.press("Enter")
    expect(part(live, QUIZ).get_by_text("Spaces are no text.")).to_be_visible()
    live.wait_for_timeout(300)  # Python has drawn anew; the focus is where it was
    live.keyboard.press("Space")
    expect(part(live, QUIZ).get_by_text("Spaces are no text.")).to_be_hidden()
    live.keyboard.press("Space")
    tab_to(live, "See again", most=1)
    live.keyboard.press("Enter")
    live.wait_for_timeout(300)
    assert live.get_by_role("heading", name="Keep the spaces").evaluate("one => document.activeElement === one")
    assert live.evaluate(N_CELLS) == before
    assert_readable_in_the_dark(live)


def read_as_saved(page) -> None:
    """Everything can be read where nothing runs: questions at once, answers one fold away."""
    expect(page.get_by_text("How many words has").first).to_be_visible()
    assert page.get_by_text("The answer: 3 words").is_hidden()
    page.get_by_text("The answer (decide first)").first.click()
    expect(page.get_by_text("The answer: 3 words")).to_be_visible()
    page.get_by_text("Hint 1").click()
    page.get_by_text("Hint 2").click()
    expect(page.get_by_text("gives the words.")).to_be_visible()
    page.get_by_text("Solution", exact=True).click()
    expect(page.get_by_text("def word_counts(texts: ")).to_be_visible()
    expect(page.get_by_text("Not attempted yet.")).to_be_visible()
    page.get_by_text("B · Nowhere").click()
    expect(page.get_by_text("Spaces are no text.")).to_be_visible()
    assert page.get_by_text("Error displaying widget").count() == 0


@slow
def test_the_saved_notebook_reads_in_lab_even_untrusted(lab, page, executed):
    shutil.copy(executed, lab.folder / "stranger.ipynb")
    open_notebook(page, lab.url("stranger.ipynb"))
    page.evaluate("jupyterapp.shell.currentWidget.content.widgets.forEach(cell => { cell.model.trusted = false })")
    trusted = "jupyterapp.shell.currentWidget.content.widgets.some(cell => cell.model.trusted)"
    assert not page.evaluate(trusted)
    expect(page.locator(".jp-RenderedHTMLCommon [data-lm-suppress-shortcuts]")).to_have_count(0)  # cleaned by Lab
    read_as_saved(page)
    page.get_by_role("link", name="See again: Keep the spaces").last.click()
    page.wait_for_timeout(500)
    assert page.get_by_role("heading", name="Keep the spaces").evaluate(IN_VIEW)
    assert page.outside == []
    (lab.folder / "stranger.ipynb").unlink()


@pytest.mark.slow
def test_the_exported_page_reads_offline(page, executed, tmp_path):
    [_, exported] = export.export([executed], tmp_path)
    page.goto(exported.as_uri())
    read_as_saved(page)
    page.get_by_role("link", name="See again: Keep the spaces").last.press("Enter")
    page.wait_for_timeout(300)
    assert page.evaluate("decodeURIComponent(location.hash)") == "#Keep-the-spaces"
    assert page.get_by_role("heading", name="Keep the spaces").evaluate(IN_VIEW)
    assert page.title() != "owned" and page.locator("img[src=x]").count() == 0
    assert page.outside == []
