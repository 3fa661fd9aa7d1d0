"""One module a sub-command; each has the click command in `command`."""
