"""llmviz class: a JupyterHub for a class, its servers started ahead, and links to its lessons."""

from __future__ import annotations

import argparse
import os
import signal
from pathlib import Path

from llmviz.cli.parsing import FAILED, OK, add_command, positive

DEFAULT_SIZE = 30
ISOLATES_NOBODY = (
    "TRY IT mode isolates nobody: all students share your account and can read and change each other's files. "
    "Rehearse with it; for a class take --mode systemd or --mode docker."
)


def add(commands) -> None:
    """Add the command to the parser."""
    description = (
        "Write a JupyterHub for a class into a folder, with every choice explained, and start it. "
        "docs/teaching/class.md says which machine it needs and what to do before the lesson."
    )
    command = add_command(commands, "class", _open, "the lessons for a class of thirty, on one machine", description)
    option = command.add_argument
    option("--size", type=positive, metavar="N", help=f"how many students (default: {DEFAULT_SIZE})")
    option("--students", metavar="FILE", help="their user names, one a line (default: student01, student02, …)")
    option("--teacher", default="teacher", metavar="NAME", help="who looks after them (default: teacher)")
    option(
        "--mode", choices=("try", "systemd", "docker"), default="try",
        help="try: rehearse on this machine, isolates nobody; systemd, docker: each student apart (default: try)",
    )  # fmt: skip
    option("--login", choices=("native", "oauth"), default="native", help="own passwords, or the school's accounts")
    option("--address", metavar="IP", help="where it is reached from (default: this machine; with TLS: everywhere)")
    option("--certificate", type=Path, metavar="FILE", help="of TLS")
    option("--key", type=Path, metavar="FILE", help="of TLS")
    option("--show-config", action="store_true", help="print the configuration; write and start nothing")
    option("--start-servers", action="store_true", help="start all students' servers at once")
    option("--port", type=positive, default=8000, metavar="P", help="the first of three in a row (default: 8000)")
    option("--folder", default="class", metavar="DIR", help="where it is kept (default: class)")
    actions = command.add_subparsers(dest="action", metavar="action")
    start = actions.add_parser("start", help="start the students' servers of a class that runs, before the lesson")
    start.add_argument("--folder", default=argparse.SUPPRESS, metavar="DIR", help="the class (default: class)")
    start.set_defaults(run=_start)
    link = actions.add_parser("link", help="a link that pulls a lesson into each student's home and opens it")
    link.add_argument("--hub", required=True, metavar="URL", help="the address of the hub")
    link.add_argument("--repo", required=True, metavar="URL", help="where git clones the lessons from")
    link.add_argument("--branch", default="main", metavar="NAME", help="default: main")
    link.add_argument("--lesson", default="00", metavar="NN", help="which lesson opens (default: 00)")
    link.set_defaults(run=_link)


def _plan(given: argparse.Namespace):
    from llmviz.classroom.plan import ClassPlan, numbered_students, read_students

    if given.students is None:
        students = numbered_students(given.size or DEFAULT_SIZE)
    else:
        students = read_students(given.students)
        if given.size not in (None, len(students)):
            raise ValueError(f"{given.students} names {len(students)} students, and --size says {given.size}")
    has_tls = given.certificate is not None and given.key is not None
    return ClassPlan(
        students, Path(given.folder), given.mode, given.port, given.address or ("0.0.0.0" if has_tls else "127.0.0.1"),
        given.teacher, given.login, given.certificate, given.key,
    )  # fmt: skip


def _open(given: argparse.Namespace) -> int:
    from llmviz.classroom import capacity, starting
    from llmviz.classroom.config_text import config_text

    plan = _plan(given)
    if given.show_config:
        print(config_text(plan, proxy=["configurable-http-proxy"], path=os.environ.get("PATH", os.defpath)))
        return OK
    for line in capacity.estimate(len(plan.students), capacity.this_machine()):
        print(line)
    if plan.mode == "try":
        print(f"\n{ISOLATES_NOBODY}")
    print("\nStarting the hub …", flush=True)
    previous = signal.signal(signal.SIGTERM, lambda number, frame: _interrupt())
    try:
        with starting.running_hub(plan) as hub:
            _say_where(plan)
            if given.start_servers:
                _start_all(plan)
            hub.wait()
            print("The hub has ended; its log is", plan.folder / "hub" / "hub.log")
            return FAILED
    finally:
        signal.signal(signal.SIGTERM, previous)


def _interrupt() -> None:
    raise KeyboardInterrupt


def _say_where(plan) -> None:
    first, last = plan.students[0], plan.students[-1]
    print(f"The class is open at {plan.url}")
    print(f"  students   {first}" + (f" … {last}" if last != first else ""))
    if plan.mode == "try":
        print(f"  password   {(plan.folder / 'secrets' / 'password').read_text(encoding='ascii').strip()}")
    elif plan.login == "native":
        print(f"  first      sign up as {plan.teacher} at {plan.url}/hub/signup, before you tell anybody the address")
    print(f"  all of it  {plan.folder}")
    print("Ctrl-C stops the hub and all servers; what is saved stays.", flush=True)


def _start(given: argparse.Namespace) -> int:
    from llmviz.classroom.folder import read_plan

    return _start_all(read_plan(Path(given.folder)))


def _start_all(plan) -> int:
    from llmviz.classroom.prestart import start_servers
    from llmviz.classroom.starting import CannotStart, hub_address, is_up

    hub = hub_address(plan)
    if not is_up(hub):
        raise CannotStart(f"no hub answers at {hub.url}; start it with llmviz class, or name its --port")
    failed = start_servers(hub, plan.students)
    for student, trouble in failed.items():
        print(f"{student}: {trouble}")
    print(f"{len(plan.students) - len(failed)} of {len(plan.students)} servers are ready.", flush=True)
    return FAILED if failed else OK


def _link(given: argparse.Namespace) -> int:
    from llmviz.classroom.links import pull_link

    print(pull_link(given.hub, given.repo, given.lesson, given.branch))
    return OK
