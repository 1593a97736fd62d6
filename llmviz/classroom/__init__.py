"""A class of thirty on one big machine: a JupyterHub that is written, explained and started by one command.

`plan` says who comes, where and how; `capacity` what the machine needs; `config_text` writes the hub's configuration;
`folder` keeps it with its secrets; `starting` and `prestart` bring the hub and the students' servers up; `student` is
what runs for each student. docs/teaching/class.md tells a teacher all of it.
"""
