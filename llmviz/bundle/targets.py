"""For which laptops: a system with its processor, and a Python."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass

from packaging.requirements import Requirement

from llmviz.bundle import installer

PYTHONS = ("3.11", "3.12", "3.13")
# The systems that all of our packages have wheels for: the tags that pip is asked for, the best first.
SYSTEMS = {
    "linux_x86_64": (
        "manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_24_x86_64", "manylinux_2_17_x86_64",
        "manylinux2014_x86_64", "manylinux_2_12_x86_64", "manylinux2010_x86_64", "manylinux_2_5_x86_64",
        "manylinux1_x86_64", "linux_x86_64",
    ),
    "linux_aarch64": (
        "manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux_2_24_aarch64", "manylinux_2_17_aarch64",
        "manylinux2014_aarch64", "linux_aarch64",
    ),
    "macosx_arm64": ("macosx_14_0_arm64",),
    "win_amd64": ("win_amd64",),
}  # fmt: skip
# What the markers of requirements read there: of sys.platform, os.name and platform.system().
_KINDS = {"linux": ("posix", "Linux"), "darwin": ("posix", "Darwin"), "win32": ("nt", "Windows")}
_PATCHES = ("0", "99")  # the last number of a Python's version: a learner's may be any


@dataclass(frozen=True)
class Target:
    """A kind of laptop: a system of `SYSTEMS`, a Python such as "3.12"."""

    system: str
    python: str

    def options(self) -> list[str]:
        """What makes pip take wheels for this target, whatever it runs on itself."""
        tags = [option for tag in SYSTEMS[self.system] for option in ("--platform", tag)]
        return [*tags, "--implementation", "cp", "--python-version", f"{self.python}.{_PATCHES[-1]}"]

    def wants(self, requirement: Requirement, extras: frozenset[str] = frozenset()) -> bool:
        """Does a requirement count here, for a package with these extras, on any patch of this Python?"""
        if requirement.marker is None:
            return True
        sys_platform, machine = next(told for told, system in installer.SYSTEMS.items() if system == self.system)
        os_name, platform_system = _KINDS[sys_platform]
        return any(
            requirement.marker.evaluate({
                "os_name": os_name, "sys_platform": sys_platform, "platform_system": platform_system,
                "platform_machine": machine, "python_version": self.python, "extra": extra,
                "python_full_version": f"{self.python}.{patch}", "implementation_version": f"{self.python}.{patch}",
                "implementation_name": "cpython", "platform_python_implementation": "CPython",
            })
            for patch in _PATCHES for extra in ("", *extras)
        )  # fmt: skip

    def __str__(self) -> str:
        return f"{self.system}, Python {self.python}"


def target(system: str, python: str) -> Target:
    """Check a target's names; raises ValueError that says which there are."""
    if system not in SYSTEMS:
        raise ValueError(f"no bundle can be made for the system {system!r}; there are {', '.join(SYSTEMS)}")
    if python not in PYTHONS:
        raise ValueError(f"no bundle can be made for Python {python!r}; llmviz runs on {', '.join(PYTHONS)}")
    return Target(system, python)


def here() -> Target:
    """This machine, with the Python that runs."""
    told = (sys.platform, platform.machine())
    if told not in installer.SYSTEMS:
        raise ValueError(
            f"this machine ({' '.join(told)}) is none of {', '.join(SYSTEMS)}; name one of them with --platform"
        )
    return target(installer.SYSTEMS[told], f"{sys.version_info[0]}.{sys.version_info[1]}")
