"""Read and check the settings of a class for jupyterhub_config.py: environment variables, this machine, its folder."""

import importlib.util
import ipaddress
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

USER_NAME = re.compile(r"[a-z][a-z0-9_-]{0,30}")
OWN_PROGRAMS = str(Path(sys.executable).parent)
SYSTEM_HOMES = Path("/var/lib")  # systemd keeps the homes of its dynamic users there


def require(condition, message):
    """End the program with a message where a condition does not hold."""
    if not condition:
        sys.exit(f"The class cannot start: {message}.")


def read_settings(environment):
    """The settings as attributes, checked; jupyterhub_config.py describes the variables."""

    def setting(name, default="", choices=()):
        value = environment.get(f"CLASS_{name}", "").strip() or default
        require(not choices or value in choices, f"CLASS_{name} is one of {', '.join(choices)}; given {value!r}")
        return value

    def number(name, default, largest):
        value = setting(name, default)
        is_valid = value.isdecimal() and 1 <= int(value) <= largest
        require(is_valid, f"CLASS_{name} is a whole number from 1 to {largest}; given {value!r}")
        return int(value)

    mode, login = setting("MODE", "try", ("try", "systemd", "docker")), setting("LOGIN", "native", ("native", "oauth"))
    students = [f"student{n:02d}" for n in range(1, number("SIZE", "30", 500) + 1)]
    if roster := setting("STUDENTS"):
        require(Path(roster).is_file(), f"CLASS_STUDENTS names a file, and there is no file {roster}")
        lines = Path(roster).read_text(encoding="utf-8-sig").splitlines()
        students = [name for line in lines if (name := line.partition("#")[0].strip().lower())]
    teacher = setting("TEACHER", "teacher")
    check_names(students, teacher)
    tls = [setting("CERTIFICATE"), setting("KEY")]
    require(all(tls) or not any(tls), "TLS needs two files, CLASS_CERTIFICATE and CLASS_KEY")
    missing = [file for file in tls if file and not Path(file).is_file()]
    require(not missing, f"there is no file {missing}; give the certificate and the key of this machine's name")
    address = setting("ADDRESS", "0.0.0.0" if all(tls) else "127.0.0.1")
    try:
        is_loopback = ipaddress.ip_address(address).is_loopback
    except ValueError:
        sys.exit(f"The class cannot start: CLASS_ADDRESS is an IP address such as 127.0.0.1; given {address!r}.")
    require(is_loopback or mode != "try", "try mode isolates nobody, so it listens on this machine only")
    require(is_loopback or all(tls), f"passwords would be sent to {address} unencrypted; set CLASS_CERTIFICATE and KEY")
    port, host = number("PORT", "8000", 65533), f"[{address}]" if ":" in address else address
    return SimpleNamespace(
        mode=mode, login=login, students=students, teacher=teacher, image=setting("IMAGE", "llmviz-class"), port=port,
        url=f"http{'s' if all(tls) else ''}://{host}:{port}", folder=Path(setting("FOLDER", "class")).resolve(),
        tls=[str(Path(file).resolve()) for file in tls if file],
    )  # fmt: skip


def check_names(students, teacher):
    """Check that user names are valid and different."""
    wrong = [name for name in (*students, teacher) if not USER_NAME.fullmatch(name)]
    require(not wrong, f"no user name: {wrong}; use a letter a to z, then at most 30 letters, digits, - and _")
    twice = sorted({name for name in students if students.count(name) > 1})
    require(not twice, f"{', '.join(twice)} is named more than once; each student needs a name of their own")
    require(1 <= len(students) <= 500, f"a class has 1 to 500 students; given {len(students)}")
    require(teacher not in students, f"{teacher} is both the teacher and a student; set CLASS_TEACHER")


def check_machine(given):
    """Check packages, ports, rights and folders that the class needs; return the command of the proxy."""
    packages = {"systemd": ["systemdspawner"], "docker": ["dockerspawner"]}.get(given.mode, [])
    if given.mode != "try":
        packages.append({"native": "nativeauthenticator", "oauth": "oauthenticator"}[given.login])
    missing = [name for name in ("jupyterhub_idle_culler", *packages) if importlib.util.find_spec(name) is None]
    require(not missing, f"{', '.join(missing)} is not installed; pip install -c constraints.txt -e '.[class]'")
    for port in range(given.port, given.port + 3):
        with socket.socket() as probe:
            in_use = probe.connect_ex(("127.0.0.1", port)) == 0
        require(not in_use, f"port {port} is in use, perhaps by an earlier class; end that, or set CLASS_PORT")
    if given.mode == "docker":
        require(Path("/var/run/docker.sock").exists(), "Docker is not running (/var/run/docker.sock is missing)")
    if given.mode == "systemd":
        require(Path("/run/systemd/system").is_dir() and os.geteuid() == 0, "systemd mode needs systemd and root")
        check_folders(given)
    others = os.pathsep.join(part for part in os.environ.get("PATH", "").split(os.pathsep) if part != OWN_PROGRAMS)
    node_proxy = shutil.which("configurable-http-proxy", path=others)  # its Python namesake is beside our Python
    if node_proxy and shutil.which("node"):
        return [node_proxy]
    require(not given.tls, "TLS needs node's proxy: npm install -g configurable-http-proxy")
    has_proxy = importlib.util.find_spec("configurable_http_proxy") is not None
    require(has_proxy, "no proxy is installed; pip install -c constraints.txt -e '.[class]'")
    return [sys.executable, "-c", "from configurable_http_proxy.cli import main; main()"]


def check_folders(given):
    """In systemd mode: no student gets a folder of the system as home, and all may read the checkout."""
    homes = {name: SYSTEM_HOMES / name for name in (*given.students, given.teacher)}
    taken = [name for name, home in homes.items() if home.exists() and not home.is_symlink()]
    require(not taken, f"{SYSTEM_HOMES} has folders of the system named {', '.join(taken)}; choose other user names")
    for place in (given.folder.parent, Path(OWN_PROGRAMS), Path(__file__).resolve().parent):
        closed = [part for part in (place, *place.parents) if part.exists() and not part.stat().st_mode & 0o001]
        require(not closed, f"students may not enter {closed}; use folders such as /opt/llmviz and /srv/class")


def make_folder(given):
    """Make the class's folder; secrets that exist are kept, so that passwords and logins stay valid."""
    for name, rights in {"hub": 0o700, "secrets": 0o700, "shared": 0o755, "homes": 0o755}.items():
        (given.folder / name).mkdir(parents=True, exist_ok=True)
        (given.folder / name).chmod(rights)
    clear = "abcdefghjkmnpqrstuvwxyz23456789"  # characters that are not confused when read from a blackboard
    password = "-".join("".join(secrets.choice(clear) for _ in range(4)) for _ in range(3))
    tokens = {name: secrets.token_hex(32) for name in ("proxy_token", "api_token", "cookie_secret")}
    for name, value in {"password": password, **tokens}.items():
        file = given.folder / "secrets" / name
        if not file.exists():
            with open(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="ascii") as opened:
                opened.write(value)
        file.chmod(0o600)
    fonts = given.folder / "shared"
    if given.mode != "docker" and not any(fonts.glob("fontlist-*.json")):  # else each home collects the fonts again
        collect = [sys.executable, "-c", "import matplotlib.font_manager"]
        subprocess.run(collect, env={**os.environ, "MPLCONFIGDIR": str(fonts)}, check=True)


def path_without_node(links):
    """PATH without node, with which every JupyterLab would run yarn when it starts.

    A folder that holds node is replaced by links to its other programs, in the folder `links`.
    """
    folders = dict.fromkeys([OWN_PROGRAMS, *os.environ.get("PATH", os.defpath).split(os.pathsep)])
    with_node = [folder for folder in folders if shutil.which("node", path=folder)]
    shutil.rmtree(links, ignore_errors=True)
    links.mkdir(parents=True)
    for program in (program for folder in with_node for program in os.scandir(folder)):
        if program.name not in ("node", "nodejs", "npm", "npx", "yarn") and not (links / program.name).is_symlink():
            (links / program.name).symlink_to(program.path)
    return os.pathsep.join([*(folder for folder in folders if folder not in with_node), str(links)])
