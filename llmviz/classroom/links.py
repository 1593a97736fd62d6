"""Links that bring a lesson to each student's server: nbgitpuller pulls it, and keeps what they wrote themselves."""

from pathlib import PurePosixPath
from urllib.parse import quote, urlencode, urlsplit

from llmviz.files import NOTEBOOKS, lesson_files
from llmviz.restore import find


def pull_link(hub: str, repository: str, lesson: str, branch: str = "main") -> str:
    """Make the link that pulls a repository into a student's home and opens one of its lessons there.

    Args:
        hub: the address of the hub, such as "https://hub.example.org".
        repository: the address from which git clones.
        lesson: its number or name, such as "03" or "attention".

    Raises ValueError where an address is none that a server can pull from, or there is no such lesson.
    """
    for what, address in (("hub", hub), ("repository", repository)):
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https", "file") or not (parts.netloc or parts.scheme == "file"):
            raise ValueError(f"the {what} is an address such as https://example.org/class; given {address!r}")
    folder = PurePosixPath(urlsplit(repository).path).name.removesuffix(".git")
    if not folder:
        raise ValueError(f"{repository!r} names no repository; give the whole address from which git clones")
    notebook = find(lesson, [path.name for path in lesson_files(NOTEBOOKS)])
    page = f"lab/tree/{folder}/{NOTEBOOKS.name}/{notebook}"
    asked = urlencode({"repo": repository, "branch": branch, "targetpath": folder, "urlpath": page}, quote_via=quote)
    return f"{hub.rstrip('/')}/hub/user-redirect/git-pull?{asked}"
