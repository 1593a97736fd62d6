"""README and docs: the table of lessons is complete, links lead somewhere, every topic is in the index."""

import json
import re
from pathlib import Path

import make_glossary
import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
INDEX = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "data/README.md"]
PAGES += sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))
TOPICS = """
    words, subwords, characters, byte-pair encoding (BPE), WordPiece, out-of-vocabulary words, token ids;
    Word2Vec, GloVe, contextual embeddings; attention, self-attention;
    encoder, decoder, encoder–decoder, feed-forward networks, long-range dependencies;
    next-word pre-training, masked-word pre-training;
    for sentiment, for text classification, for entities, for question answering;
    completion, translation, summarization, classification;
    wrong facts, bias, incoherence, a fact in the context, silence when unsure, learning to refuse, preference tuning;
    the example code with detailed comments
"""


def test_the_readme_is_short_and_names_every_lesson_and_package():
    assert len(README.splitlines()) <= 150
    rows = re.findall(r"^\|.*\]\(notebooks/([^)]+)\).*\|([^|\n]+)\|[ \t]*$", README, re.MULTILINE)
    assert [name for name, _ in rows] == sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
    for name, time in rows:
        assert re.fullmatch(r"\d+ s|\d+\.\d min", time.strip()), f"{name} runs in {time!r}: run make notebooks"
    packages = {path.parent.name for path in (ROOT / "llmviz").glob("*/__init__.py")}
    assert packages - set(re.findall(r"\]\(llmviz/(\w+)\)", README)) == set()


def test_the_index_leads_to_every_teachers_page_and_topic():
    pages = {f"teaching/{path.name}" for path in (ROOT / "docs" / "teaching").glob("*.md")}
    assert pages == set(re.findall(r"\]\((teaching/[^)]+)\)", INDEX))
    links = dict(re.findall(r"\[([^]]+)\]\(([^)\s]+)\)", INDEX))
    topics = {topic.strip() for topic in re.split("[,;]", TOPICS)}
    assert topics - links.keys() == set()
    assert not [topic for topic in topics if links[topic].endswith(".ipynb")], "link to the heading in the notebook"


def test_the_glossary_is_made_from_the_lessons():
    assert make_glossary.GLOSSARY.read_text(encoding="utf-8") == make_glossary.glossary(), "run make glossary"


@pytest.mark.parametrize("page", PAGES)
def test_internal_links_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", text):
        path, _, anchor = (target[0] or target[1]).partition("#")
        if re.match(r"[a-z]+:", path):
            continue
        aim = (ROOT / page).parent / path if path else ROOT / page
        assert aim.exists(), f"{page} links to {path}, which does not exist"
        assert not anchor or anchor in anchors(aim), f"{page} links to #{anchor}, which is no heading of {aim.name}"


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings: in a notebook as JupyterLab makes them, else as code hosts do."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}
    texts = ["".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown"]
    return {heading.strip().replace(" ", "-") for heading in re.findall(r"^#+ (.*)$", "\n".join(texts), re.MULTILINE)}
