"""Reaches another machine by the system's own `ssh`, so that its configuration, agents, jump hosts and known hosts
hold. What is run there is the same for everybody: no word from outside becomes a shell word.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Mapping

from console.link.protocol import LinkError
from console.words import plain

REMOTE = (
    """exec sh -c 'PATH="$PATH:$HOME/.local/bin:/usr/local/bin:/opt/column-console/bin"; """
    """exec column-console relay'"""
)
"""What is run there. The quotes are understood by sh, csh and fish alike; a shell that is not asked for by a person
often has no `~/.local/bin` on its PATH, where pipx and uv put the command."""
REMOTE_VARIABLE = "COLUMN_CONSOLE_REMOTE"
"""Where the command is over there, if not on the PATH: a path, and nothing else."""
_PATH = re.compile(r"(~/|/)[A-Za-z0-9_./+-]+")
_DESTINATION = re.compile(r"[A-Za-z0-9_.@:/\[\]%+-]+")
ALIVE = ("-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3")
CONNECT = 10
"""Seconds for the TCP connection."""
LAST_WORDS = 4096
"""Bytes kept of what ssh says on standard error."""
PATIENCE = 0.5
"""Seconds that ssh has to leave before it is killed."""


def command(destination: str, *, again: bool, environ: Mapping[str, str] | None = None) -> list[str]:
    """The command line. `again`: nobody is to be asked for anything, and a shared connection may be the dead one.

    Raises LinkError where the destination or the path of the remote command is none.

    >>> command("ana@bastion", again=False, environ={})[-4:-1]
    ['none', '--', 'ana@bastion']
    >>> command("-oProxyCommand=x", again=False, environ={})
    Traceback (most recent call last):
    console.link.protocol.LinkError: '-oProxyCommand=x' is no ssh destination: write HOST, USER@HOST, \
ssh://USER@HOST:PORT or a name from ~/.ssh/config.
    """
    if destination.startswith("-") or not _DESTINATION.fullmatch(destination):
        raise LinkError(
            f"{plain(destination)!r} is no ssh destination: write HOST, USER@HOST, ssh://USER@HOST:PORT or a name "
            "from ~/.ssh/config."
        )
    named = (os.environ if environ is None else environ).get(REMOTE_VARIABLE, "")
    if named and not _PATH.fullmatch(named):
        raise LinkError(
            f"{REMOTE_VARIABLE}={plain(named)} is no path: write where column-console is on {destination}, "
            "from / or ~/ on, without blanks."
        )
    remote = f"exec {named} relay" if named else REMOTE
    quiet = ("-o", "BatchMode=yes", "-o", "ControlPath=none") if again else ()
    timeout = ("-o", f"ConnectTimeout={CONNECT}")
    return ["ssh", "-T", "-C", *ALIVE, *timeout, *quiet, "-e", "none", "--", destination, remote]


class NotLetIn(LinkError):
    """The other machine refuses the login: asking again at once would look like an attack."""


class SshProcess:
    """An `ssh` that runs, and our end of the socket that is its standard input and output."""

    def __init__(self, destination: str, *, again: bool) -> None:
        """Raises LinkError where there is no ssh, or no such destination."""
        arguments = command(destination, again=again)
        if shutil.which("ssh") is None:
            raise LinkError("There is no ssh on this machine: install OpenSSH's client.")
        self.destination = destination
        self._last = b""
        self.socket, theirs = socket.socketpair()
        try:
            self.process = subprocess.Popen(
                arguments,
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.PIPE,
                # Later on nobody is asked for a password, and no key pressed on the screen's terminal reaches it.
                start_new_session=again,
            )
        except OSError as error:
            self.socket.close()
            raise LinkError(f"ssh can't be started: {error.strerror}.") from None
        finally:
            theirs.close()
        self._listening = threading.Thread(target=self._listen, name="ssh-stderr", daemon=True)
        self._listening.start()

    def _listen(self) -> None:
        stream = self.process.stderr
        assert stream is not None
        with contextlib.suppress(OSError, ValueError), stream:
            while chunk := os.read(stream.fileno(), LAST_WORDS):
                self._last = (self._last + chunk)[-LAST_WORDS:]

    def why(self) -> LinkError:
        """Why it ended, or does not speak, in one sentence. Waits an instant for it to end."""
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            return LinkError(
                f"{self.destination} says nothing that column-console would say: see what "
                f"`ssh {self.destination} column-console --version` says."
            )
        self._listening.join(PATIENCE)
        said = self._last.decode(errors="replace")
        text = explain(self.destination, status, said)
        return NotLetIn(text) if any(sign in said for sign in _DENIED) else LinkError(text)

    def close(self) -> None:
        """End it: at once, whatever it does."""
        self.socket.close()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


_NO_ENTRY = "{host} does not let you in ({said}): see that `ssh {host}` works first."
_OTHER_KEY = "The key of {host} is not known yet, or not the known one: `ssh {host}` tells more."
_SAYS = {
    "Could not resolve hostname": (
        "{host} is not known ({said}): check its name, or add it to ~/.ssh/config."
    ),
    "REMOTE HOST IDENTIFICATION HAS CHANGED": (
        "The key of {host} is not the one that is known: `ssh {host}` tells more."
    ),
    "Host key verification failed": _OTHER_KEY,
    "Permission denied": _NO_ENTRY,
    "Too many authentication failures": _NO_ENTRY,
}
"""What ssh says, and what it means."""
_DENIED = ("Permission denied", "Too many authentication failures", "Host key verification failed")


def explain(host: str, status: int, said: str) -> str:
    """Why an ssh ended with `status`, by what it said on standard error.

    >>> explain("bastion", 255, "ssh: Could not resolve hostname bastion: Name or service not known")
    'bastion is not known (ssh: Could not resolve hostname bastion: Name or service not known): check its name, \
or add it to ~/.ssh/config.'
    >>> explain("bastion", 127, "sh: 1: exec: column-console: not found")[:42]
    'There is no column-console on bastion: ins'
    """
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    last = plain(lines[-1])[:200] if lines else ""
    if status == 255:
        for sign, sentence in _SAYS.items():
            if sign in said:
                return sentence.format(host=host, said=last)
        return f"{host} can't be reached ({last or 'ssh says nothing'})."
    if status in (126, 127):
        return (
            f"There is no column-console on {host}: install it there, or say where it is with "
            f"{REMOTE_VARIABLE}=/path/to/column-console."
        )
    if "No such command 'relay'" in said:
        return (
            f"The column-console on {host} is too old to be reached over ssh: update it there, or use "
            f"`ssh -t -C {host} column-console attach`."
        )
    if status < 0:
        return f"The connection to {host} was ended here (signal {-status})."
    return f"The connection to {host} ended (status {status}" + (f": {last})." if last else ").")
