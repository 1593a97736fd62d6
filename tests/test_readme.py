"""The README tells the truth: its file tree, its table of lessons, and its links."""

import fnmatch
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEACHING = sorted(f"docs/teaching/{path.name}" for path in (ROOT / "docs" / "teaching").glob("*.md"))
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "data/README.md", *TEACHING)
LINE = re.compile(r"^(?P<indent> *)(?P<name>[\w.-]+/?)(?: {2,}(?P<says>\S.*))?$")


def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def file_tree() -> dict[str, str]:
    """The fenced block that holds `llmviz/` at a line's start: path to what is said of it.

    Two spaces of indentation are one folder down: "llmviz/", then "  world/   the generator ...".
    """
    blocks = re.findall(r"^```\w*\n(.*?)^```", readme(), re.MULTILINE | re.DOTALL)
    [block] = [block for block in blocks if re.search(r"^llmviz/", block, re.MULTILINE)]
    tree, folders = {}, []
    for line in filter(str.strip, block.splitlines()):
        parts = LINE.match(line)
        assert parts, f"a line of the file tree is not '<name>  <one line>': {line!r}"
        depth = len(parts["indent"]) // 2
        path = "".join([*folders[:depth], parts["name"]])
        folders[depth:] = [parts["name"]]
        assert path not in tree, f"twice in the file tree: {path}"
        tree[path] = parts["says"] or ""
    return tree


def entries(folder: Path) -> set[str]:
    """What is in a folder of the checkout, folders with a slash; what git ignores is left out."""
    ignored = [line.strip().rstrip("/") for line in (ROOT / ".gitignore").read_text().split()] + [".git"]
    return {
        path.name + ("/" if path.is_dir() else "")
        for path in folder.iterdir()
        if not any(fnmatch.fnmatch(path.name, pattern) for pattern in ignored)
    }


def test_the_tree_lists_every_top_level_thing():
    assert {path for path in file_tree() if "/" not in path[:-1]} == entries(ROOT)


def test_the_tree_lists_every_module_of_the_package():
    listed = {path.removeprefix("llmviz/") for path in file_tree() if re.fullmatch(r"llmviz/[^/]+/?", path)}
    assert listed == entries(ROOT / "llmviz") - {"__init__.py", "__main__.py"}


def test_whatever_the_tree_lists_is_there_and_explained():
    for path, says in file_tree().items():
        assert (ROOT / path).is_dir() if path.endswith("/") else (ROOT / path).is_file(), path
        assert says, f"the tree says nothing of {path}"


def test_the_table_of_lessons_is_the_folder_of_notebooks():
    """In order, each once, with the time it runs: from `make notebooks`."""
    rows = re.findall(r"^\|.*\]\(notebooks/([^)]+)\).*\|([^|\n]+)\|[ \t]*$", readme(), re.MULTILINE)
    assert [name for name, _ in rows] == sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
    for name, time in rows:
        assert re.fullmatch(r"\d+ s|\d+\.\d min", time.strip()), f"{name} runs in {time!r}: run make notebooks"
    assert re.search(r"^\|.*\bruns in\b[^|]*\|[ \t]*$", readme(), re.MULTILINE)
    assert re.search(r"training step takes \d+ ms", readme())


def test_it_leads_to_every_teachers_page():
    assert re.findall(r"\]\((docs/teaching/[^)]+)\)", readme()) == TEACHING


def slug(heading: str) -> str:
    """The anchor that code hosts give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES)
def test_internal_links_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", text):
        path, _, anchor = (target[0] or target[1]).partition("#")
        if re.match(r"[a-z]+:", path):
            continue
        aim = (ROOT / page).parent / path if path else ROOT / page
        assert aim.exists(), f"{page} links to {path}, which is not there"
        if anchor:
            assert anchor in anchors(aim), f"{page} links to #{anchor}, which is no heading of {aim.name}"


def anchors(path: Path) -> set[str]:
    """What can stand after # in a link to this page: of a notebook, as JupyterLab names its headings."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return set(map(slug, re.findall(r"^#+ (.*)$", text, re.MULTILINE)))
    texts = ["".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown"]
    return {heading.strip().replace(" ", "-") for heading in re.findall(r"^#+ (.*)$", "\n".join(texts), re.MULTILINE)}


CONCEPTS = """
    words, subwords, characters, byte-pair encoding (BPE), WordPiece, out-of-vocabulary words, token ids;
    Word2Vec, GloVe, contextual embeddings; attention, self-attention;
    encoder, decoder, encoder–decoder, feed-forward networks, long-range dependencies;
    next-word pre-training, masked-word pre-training;
    for sentiment, for text classification, for entities, for question answering;
    completion, translation, summarization, classification;
    wrong facts, bias, incoherence, a fact in the context, silence when unsure, learning to refuse, preference tuning;
    the example code with detailed comments
"""


def test_each_concept_is_one_click_away():
    """From the index to the heading under which it runs; test_internal_links_lead_somewhere follows each link."""
    index = re.search(r"^## Where each idea runs$(.*?)^## ", readme(), re.MULTILINE | re.DOTALL)[1]
    links = dict(re.findall(r"\[([^]]+)\]\(([^)\s]+)\)", index))
    wanted = {concept.strip() for concept in re.split("[,;]", CONCEPTS)}
    assert wanted - links.keys() == set()
    without_heading = {concept for concept in wanted if links[concept].endswith(".ipynb")}
    assert without_heading == set(), "a notebook is a long page: say under which heading"
