"""The sub-commands: `command.py` knows the module of each, and imports it when it is used."""
