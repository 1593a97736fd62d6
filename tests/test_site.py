"""The course as a web site: one folder, complete, whose first page shows every lesson."""

import re
from pathlib import Path

import make_site
import pytest
from bs4 import BeautifulSoup
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
LESSONS = [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    make_site.make_site(folder := tmp_path_factory.mktemp("site"))
    return folder


@pytest.fixture(scope="module")
def first(site):
    return BeautifulSoup((site / "index.html").read_text(encoding="utf-8"), "html.parser")


def test_each_lesson_is_a_card_with_its_question_and_a_small_picture(site, first):
    cards = first.select(".card")
    assert [card["href"] for card in cards] == [f"{name}.html" for name in LESSONS]
    for card in cards:
        assert len(card.find_all("span")[-1].text) > 15
        picture = site / card.img["src"]
        with Image.open(picture) as opened:
            assert opened.size == (int(card.img["width"]), int(card.img["height"]))
        assert picture.stat().st_size < 40_000


def test_every_link_leads_to_a_file_of_the_folder_and_nothing_is_asked_from_outside(site):
    for path in site.rglob("*.html"):
        page = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for link in page.find_all("a", href=True):
            name = link["href"].partition("#")[0]
            assert re.match(r"[a-z]+:", name) or not name or (path.parent / name).is_file(), (path.name, link["href"])
        for element in page.find_all(src=True):
            assert element["src"].startswith("data:") or (path.parent / element["src"]).is_file()
        assert page.find_all(["link", "iframe", "base"]) == []


def test_the_workflow_builds_what_make_builds():
    workflow = (ROOT / "docs" / "github-pages.yml").read_text()
    assert "run: make site" in workflow and "path: build/site" in workflow
