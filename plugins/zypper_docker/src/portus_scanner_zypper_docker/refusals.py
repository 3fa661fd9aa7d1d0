"""Answers without a result, and the errors that they mean.

Every failure has the status 404; only the messages tell them apart.
"""

from __future__ import annotations

import re

from portus_scanners import ScannerError, ScannerUnavailableError, UnsupportedImageError
from portus_scanners.backends import HttpAnswer, one_line

from .wire import read_error

_NOT_FOUND = 404
_EXITED = re.compile(r"command exited with status (-?\d{1,5})")
_NO_ZYPPER = 127
_LOCKED = 7
_EXITS = {
    1: "zypper failed inside",
    2: "zypper was called wrongly",
    3: "zypper was called wrongly",
    4: "a repository could not be refreshed (out of reach, unsigned, wrong checksums), or zypper failed inside",
    5: "zypper lacks privileges",
    6: "the image defines no repositories, or all of them are disabled",
    _LOCKED: "zypper is locked by another program",
    8: "zypper could not commit",
    100: "updates are needed, but they were not listed",
    101: "security updates are needed, but they were not listed",
    102: "a reboot is needed, and nothing was listed",
    103: "zypper itself has to be updated first, and nothing was listed",
    104: "zypper does not know a capability",
    105: "zypper was ended by a signal",
    106: "repositories were skipped",
    107: "a script of a package failed",
    137: "the container was killed",
}
_DOCKER_DOWN = (
    "cannot connect to the docker daemon",
    "an error occurred trying to connect",
    "timed out when waiting for a container",
)
_NO_SUCH_IMAGE = re.compile(r"(?:error: |error response from daemon: )*no such image\b", re.IGNORECASE)
_DOCKER_DIED = re.compile(
    r"(?:[^{}\n]*: )?(?:unexpected )?EOF|[^{}\n]*\b(?:connection reset by peer|broken pipe|connection refused)",
    re.IGNORECASE,
)
"""Errors of Go's standard library while it reads what the daemon sends; they do not name Docker."""
_WRONG_ADDRESS = "is `server` the address of `zypper-docker serve`?"


class NoSuchImageError(ScannerError):
    """The server's Docker daemon has no image of that name."""


def error_of(answer: HttpAnswer) -> ScannerError:
    """Return the error that an answer which is neither 200 nor 202 means."""
    error = read_error(answer)
    text = one_line(answer.excerpt if error is None else answer.mask(error))
    if answer.unavailable:
        return ScannerUnavailableError(f"the server answered HTTP {answer.status}: {text or 'nothing more'}")
    if answer.status != _NOT_FOUND or error is None:
        return ScannerError(f"the server answered HTTP {answer.status}: {text or 'nothing more'}; {_WRONG_ADDRESS}")
    return _error_of_text(error.strip(), text)


def _error_of_text(error: str, text: str) -> ScannerError:
    exited = _EXITED.fullmatch(error)
    if exited:
        return _error_of_exit(int(exited[1]))
    folded = error.casefold()
    if _NO_SUCH_IMAGE.match(error):
        return NoSuchImageError(f"the server's Docker daemon does not have this image: {text}")
    if folded.startswith(_DOCKER_DOWN):
        return ScannerUnavailableError(f"the server can't use its Docker daemon: {text}")
    if _DOCKER_DIED.fullmatch(error):
        return ScannerUnavailableError(f"the server's Docker daemon broke off, it has been killed or restarted: {text}")
    if folded.startswith("error response from daemon"):
        if "/bin/sh" in folded and "no such file" in folded:
            return UnsupportedImageError(f"the image has no /bin/sh to run zypper with: {text}")
        return ScannerError(f"the server's Docker daemon refused: {text}")
    return ScannerError(f"the server answered HTTP 404: {text or 'nothing more'}; {_WRONG_ADDRESS}")


def _error_of_exit(status: int) -> ScannerError:
    if status == _NO_ZYPPER:
        return UnsupportedImageError("the image has no zypper: it is not based on SUSE (exit status 127)")
    message = f"zypper ended with status {status} in the image: {_EXITS.get(status, 'see its manual for that status')}"
    return ScannerUnavailableError(message) if status == _LOCKED else ScannerError(message)
