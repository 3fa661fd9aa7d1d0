"""Stand-ins for the servers that this project talks to, and the images that they hold.

Each server listens on 127.0.0.1 on a port of its own, is an asynchronous context manager, and behaves as the backend
was seen to behave, errors and state included. `docker_registry` is not a stand-in: it runs the real program.
"""
