"""Links that pull a lesson: each leads to the lesson that was asked for, whatever the addresses hold."""

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmviz import cli, files
from llmviz.classroom.links import pull_link
from llmviz.cli import parsing

HUB, REPOSITORY = "https://hub.example.org", "https://git.example.org/school/llmviz.git"


def test_the_command_prints_the_link(capsys):
    command = ["class", "link", "--hub", f"{HUB}/", "--repo", REPOSITORY, "--branch", "7b", "--lesson", "3"]
    assert cli.main(command) == parsing.OK
    assert capsys.readouterr().out == (
        "https://hub.example.org/hub/user-redirect/git-pull?repo=https%3A%2F%2Fgit.example.org%2Fschool%2Fllmviz.git"
        "&branch=7b&targetpath=llmviz&urlpath=lab%2Ftree%2Fllmviz%2Fnotebooks%2F03_attention.ipynb\n"
    )


@pytest.mark.parametrize(
    "path", sorted((files.CHECKOUT / "notebooks").glob("[0-9]*.ipynb")), ids=lambda path: path.stem
)
def test_every_lesson_has_a_link_that_opens_it(path):
    page = parse_qs(urlsplit(pull_link(HUB, REPOSITORY, path.name[:2])).query)["urlpath"]
    assert page == [f"lab/tree/llmviz/notebooks/{path.name}"]


@given(name=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zs"]), min_size=1))
def test_any_name_of_a_branch_arrives_as_it_is(name):
    asked = parse_qs(urlsplit(pull_link(HUB, REPOSITORY, "00", branch=name)).query)
    assert asked["branch"] == [name]
    assert asked["repo"] == [REPOSITORY]


@pytest.mark.parametrize(
    "repository", ["llmviz", "git@git.example.org:llmviz", "https://git.example.org/", "ftp://a/b"]
)
def test_what_git_cannot_pull_for_everybody_is_refused(repository):
    with pytest.raises(ValueError, match=r"such as https|whole address"):
        pull_link(HUB, repository, "00")
