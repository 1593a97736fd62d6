"""Links that bring a lesson to each student's server: nbgitpuller pulls it, and keeps what they wrote themselves."""

from pathlib import PurePosixPath
from urllib.parse import quote, urlencode, urlsplit

from llmviz import lab


def lesson_path(lesson: str) -> str:
    """The notebook of a lesson's number: "03" and "3" are "notebooks/03_attention.ipynb".

    Raises ValueError, with the numbers that there are, for one that there is not.
    """
    folder = lab.CHECKOUT / "notebooks"
    names = {path.name.split("_")[0]: path.name for path in sorted(folder.glob("[0-9][0-9]_*.ipynb"))}
    number = lesson.zfill(2)
    if number not in names:
        raise ValueError(f"there is no lesson {lesson!r}; the lessons are {', '.join(names)}")
    return f"notebooks/{names[number]}"


def pull_link(hub: str, repository: str, lesson: str, branch: str = "main") -> str:
    """Make the link that pulls a repository into a student's home and opens one of its lessons there.

    Args:
        hub: the address of the hub, such as "https://hub.example.org".
        repository: the address from which git clones.
        lesson: its number, such as "03".
    """
    for what, address in (("hub", hub), ("repository", repository)):
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https", "file") or not (parts.netloc or parts.scheme == "file"):
            raise ValueError(f"the {what} is an address such as https://example.org/class; given {address!r}")
    folder = PurePosixPath(urlsplit(repository).path).name.removesuffix(".git")
    if not folder:
        raise ValueError(f"{repository!r} names no repository; give the whole address from which git clones")
    page = f"lab/tree/{folder}/{lesson_path(lesson)}"
    asked = urlencode({"repo": repository, "branch": branch, "targetpath": folder, "urlpath": page}, quote_via=quote)
    return f"{hub.rstrip('/')}/hub/user-redirect/git-pull?{asked}"
