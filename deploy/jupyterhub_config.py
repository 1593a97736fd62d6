"""JupyterHub for a class with llmviz on one machine. Start it with `make class`, or, as root for CLASS_MODE=systemd,
with .venv/bin/python -m jupyterhub -f deploy/jupyterhub_config.py. Settings are environment variables:

CLASS_MODE      try: all share your account, to rehearse on this machine; systemd or docker: isolated (default: try)
CLASS_SIZE      number of students, named student01, student02 and so on (default: 30)
CLASS_STUDENTS  instead a file with their user names, one a line; what follows a # is a comment
CLASS_TEACHER   user name of the administrator (default: teacher; none in try mode)
CLASS_LOGIN     native: own passwords, the teacher authorizes; oauth: the school's accounts (default: native)
CLASS_FOLDER    for secrets, database and, in try mode, the homes (default: class)
CLASS_PORT      the first of three ports in a row (default: 8000)
CLASS_ADDRESS   where it listens (default: 127.0.0.1, this machine only; with TLS 0.0.0.0)
CLASS_CERTIFICATE, CLASS_KEY  files of TLS
CLASS_IMAGE     image of docker mode (default: llmviz-class)
"""

import json
import os
import sys
from pathlib import Path

DEPLOY = Path(__file__).resolve().parent
sys.path.insert(0, str(DEPLOY))
import class_settings  # noqa: E402

c = get_config()  # noqa: F821 -- JupyterHub gives this function to every configuration
given = class_settings.read_settings(os.environ)
proxy_command = class_settings.check_machine(given)
class_settings.make_folder(given)
secrets, hub_folder = given.folder / "secrets", given.folder / "hub"  # readable by their owner only

# --- who may log in ---------------------------------------------------------------------------------------------------
c.Authenticator.allowed_users = set(given.students)
c.Authenticator.admin_users = set() if given.mode == "try" else {given.teacher}
if given.mode == "try":
    c.JupyterHub.authenticator_class = "shared-password"
    c.SharedPasswordAuthenticator.user_password = (secrets / "password").read_text()
elif given.login == "native":
    # Students sign up with a password of their own; the teacher authorizes them at /hub/authorize.
    c.JupyterHub.authenticator_class = "native"
    c.NativeAuthenticator.open_signup = False
    c.NativeAuthenticator.check_common_password = True
    c.NativeAuthenticator.minimum_password_length = 8
    c.NativeAuthenticator.allowed_failed_logins = 5
    c.NativeAuthenticator.seconds_before_next_try = 60
else:
    # The school's administrator gives these values: client_id, client_secret, authorize_url, token_url, userdata_url,
    # oauth_callback_url and username_claim, as one JSON object.
    oauth = secrets / "oauth.json"
    class_settings.require(oauth.exists(), f"the school's values for OAuth are missing: {oauth}")
    c.JupyterHub.authenticator_class = "generic-oauth"
    for name, value in json.loads(oauth.read_text()).items():
        c.GenericOAuthenticator[name] = value

# --- addresses --------------------------------------------------------------------------------------------------------
c.JupyterHub.bind_url = given.url
if given.tls:
    c.JupyterHub.ssl_cert, c.JupyterHub.ssl_key = given.tls
# The APIs of the proxy and the hub listen on this machine only; in docker mode the hub's on Docker's bridge.
hub_host = "172.17.0.1" if given.mode == "docker" else "127.0.0.1"
c.JupyterHub.hub_bind_url = f"http://{hub_host}:{given.port + 2}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{given.port + 1}"
c.ConfigurableHTTPProxy.auth_token = (secrets / "proxy_token").read_text()
c.ConfigurableHTTPProxy.command = proxy_command
c.ConfigurableHTTPProxy.pid_file = str(hub_folder / "proxy.pid")
c.JupyterHub.cookie_secret_file = str(secrets / "cookie_secret")
c.JupyterHub.db_url = f"sqlite:///{hub_folder / 'jupyterhub.sqlite'}"

# --- thirty servers that start in the same minute ---------------------------------------------------------------------
c.JupyterHub.concurrent_spawn_limit = len(given.students) + 1  # else some get error 429
c.Spawner.http_timeout = 180  # the default, 30 s, is too short
c.Spawner.start_timeout = 240
c.Spawner.poll_interval = 60  # seconds between checks whether a server has stopped by itself

# --- each student's server --------------------------------------------------------------------------------------------
# singleuser.py prepares the student's home and starts the server with its settings.
c.Spawner.default_url = "/lab/workspaces/llmviz/tree/notebooks/00_start_here.ipynb"
c.Spawner.mem_limit = "1.2G"  # enough for a lesson that trains
c.Spawner.cpu_limit = 2
c.Spawner.environment = {"OMP_NUM_THREADS": "1"}  # thirty times two threads on two cores are seven times as slow
if given.mode == "docker":
    # One container a student, from an image that holds the package; one volume a student for the home.
    home = "/home/jovyan/class"  # postBuild makes it
    c.JupyterHub.spawner_class = "docker"
    c.DockerSpawner.image = given.image
    c.DockerSpawner.remove = True
    c.DockerSpawner.use_internal_ip = True
    c.DockerSpawner.volumes = {"llmviz-{username}": home}
    c.DockerSpawner.extra_host_config = {"cap_drop": ["ALL"], "security_opt": ["no-new-privileges"], "pids_limit": 400}
    program = ["python", "/home/jovyan/deploy/singleuser.py"]
    c.Spawner.cmd = [*program, "--home", home, "--fonts", "/home/jovyan/.cache/matplotlib"]
else:
    shared = given.folder / "shared"  # readable by everybody
    c.Spawner.cmd = [sys.executable, str(DEPLOY / "singleuser.py"), "--fonts", str(shared)]
    c.Spawner.environment["PATH"] = class_settings.path_without_node(shared / "bin")
if given.mode == "systemd":
    # Each server is a service with a system user of its own; the homes stay in /var/lib/private/NAME.
    c.JupyterHub.spawner_class = "systemd"
    c.SystemdSpawner.dynamic_users = True
    c.SystemdSpawner.isolate_tmp = True
    c.SystemdSpawner.isolate_devices = True
    c.SystemdSpawner.disable_user_sudo = True
elif given.mode == "try":
    # All servers run under your account, and the limits of memory and CPU are not enforced.
    c.JupyterHub.spawner_class = "simple"
    c.SimpleLocalProcessSpawner.home_dir_template = str(given.folder / "homes" / "{username}")

# --- services ---------------------------------------------------------------------------------------------------------
culler = [sys.executable, "-m", "jupyterhub_idle_culler", "--timeout=5400", "--cull-every=300"]
c.JupyterHub.services = [
    {"name": "cull-idle", "command": culler},  # stops servers that nobody has used for 90 minutes
    {"name": "prestart", "api_token": (secrets / "api_token").read_text()},  # prestart.py starts all servers
]
c.JupyterHub.load_roles = [
    {
        "name": "cull-idle",
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        "services": ["cull-idle"],
    },
    {"name": "prestart", "scopes": ["list:users", "servers"], "services": ["prestart"]},
]
(hub_folder / "class.json").write_text(json.dumps({"url": c.JupyterHub.hub_bind_url, "students": given.students}))

print(f"The class is at {given.url}, for {len(given.students)}: {given.students[0]} to {given.students[-1]}.")
if given.mode == "try":
    print(f"Password: {c.SharedPasswordAuthenticator.user_password}. All share your account: only to rehearse.")
print(f"Secrets, database and homes are in {given.folder}. Ctrl-C stops the class; saved files stay.", flush=True)
