"""Where modules and names from before version 0.1 are now, for one helpful error. To be removed at version 1.0."""

import importlib.abc
import tomllib
from importlib.resources import files

MOVED: dict[str, str] = {}
for _entry in tomllib.loads(files(__package__).joinpath("old_names.toml").read_text("utf-8"))["moved"]:
    _renamed = _entry.get("names", {})
    _places = " and ".join(place if "/" in place else f"llmviz.{place}" for place in _entry["to"])
    _list = ", ".join(f"{old} to {new}" for old, new in _renamed.items())
    _said = f"is now {_places}.{f' Renamed there: {_list}.' if _list else ''}"
    MOVED |= {module: f"llmviz.{module} {_said}" for module in _entry["modules"]}
    for _place in _entry["to"]:
        MOVED |= {f"{_place}.{old}": f"llmviz.{_place}.{old} is now called {new}." for old, new in _renamed.items()}


class OldNames(importlib.abc.MetaPathFinder):
    """Finds nothing; raises an ImportError that names the new place of what moved.

    `from package import name` looks for a module `package.name` if the package has no such name, so renamed objects
    come here as well.
    """

    def find_spec(self, fullname, path, target=None):
        """Raise ImportError for an old name of llmviz; None for every other module."""
        package, _, old = fullname.partition(".")
        if package == "llmviz" and old in MOVED:
            raise ImportError(MOVED[old], name=fullname)
