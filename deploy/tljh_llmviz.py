"""The Littlest JupyterHub for a class with llmviz: copy this to /opt/tljh/config/jupyterhub_config.d/, then

sudo tljh-config set limits.memory 1.2G
sudo tljh-config set limits.cpu 2
sudo tljh-config set services.cull.timeout 5400
sudo tljh-config set https.enabled true
sudo tljh-config reload
"""

c = get_config()  # noqa: F821 -- JupyterHub gives this function to every configuration

# Thirty servers that start in the same minute; jupyterhub_config.py explains these values.
c.JupyterHub.concurrent_spawn_limit = 60
c.Spawner.http_timeout = 180
c.Spawner.start_timeout = 240
c.Spawner.cmd = ["/opt/tljh/user/bin/python", "/opt/llmviz/deploy/singleuser.py"]
c.Spawner.default_url = "/lab/workspaces/llmviz/tree/notebooks/00_start_here.ipynb"
# One thread a student; without node on the path, with which every server runs yarn when it starts.
c.Spawner.environment = {"OMP_NUM_THREADS": "1", "PATH": "/opt/tljh/user/bin:/usr/bin:/bin"}
