"""Every page of the web site, light and dark, judged by axe-core: no fault of levels A and AA, details open."""

from pathlib import Path

import axe_playwright_python
import make_site
import pytest
from explorer_pages import listen

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RULES = {"light": {"type": "tag", "values": TAGS}, "dark": {"type": "rule", "values": ["color-contrast"]}}
READY = "() => document.querySelectorAll('.lv:not([data-ready])').length === 0"
OPEN = "document.querySelectorAll('details').forEach(one => { one.open = true })"
PALE = "document.querySelector('main .lv').shadowRoot.querySelector('.sentence').style.color = 'rgb(200, 200, 200)'"


def faults(page, rules: dict) -> list[tuple[str, str]]:
    """The rules that are broken, each with its first element."""
    found = page.evaluate("rules => axe.run(document, { runOnly: rules })", rules)
    assert found["passes"]
    return [(one["id"], one["nodes"][0]["html"][:200]) for one in found["violations"]]


@pytest.mark.slow
def test_no_page_of_the_site_has_a_fault(page, tmp_path):
    make_site.make_site(tmp_path)
    listen(page)
    found, pages = [], sorted(tmp_path.rglob("*.html"))
    for path in pages:
        for scheme, rules in RULES.items():
            page.emulate_media(color_scheme=scheme)
            page.goto(path.as_uri())
            page.wait_for_function(READY)
            page.evaluate(f"{OPEN}; {AXE}; 0")
            found += [(path.name, scheme, *fault) for fault in faults(page, rules)]
    assert found == [] and len(pages) > 25
    assert page.wrong == [] and page.outside == []
    page.emulate_media(color_scheme="light")
    page.goto((tmp_path / "00_start_here.html").as_uri())
    page.wait_for_function(READY)
    page.evaluate(f"{PALE}; {AXE}; 0")
    assert [rule for rule, _ in faults(page, RULES["dark"])] == ["color-contrast"]  # it sees into the widgets
