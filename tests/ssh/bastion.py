"""A bastion host on this machine: a real sshd on loopback with throwaway keys, and an `ssh` that knows it.

The system is left alone: what sshd wants of it when root runs it (a user `sshd`, a folder under /run) is there in a
mount namespace of its own only. The `ssh` of a test is the system's, with a configuration file of the test's.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.setup.environment import SSHD

GUEST = "nobody"
"""The ordinary user that one can log in as where root runs the tests."""
_AS_ROOT = """\
mount --make-rprivate /
mount -t tmpfs none /run && mkdir -m 755 /run/sshd
mount --bind "$1" /etc/passwd
shift
exec "$@"
"""


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Bastion:
    """An sshd and what belongs to it. `environment` is for whoever calls it."""

    def __init__(
        self,
        *,
        command: str | None = None,
        address: str = "127.0.0.1",
        there: tuple[str, ...] = (),
        here: tuple[str, ...] = (),
    ) -> None:
        """`command`: what a login runs, whatever it asks for; None: what it asks for. `there`, `here`: what a command
        begins with to run on the bastion's network, and on its callers'.
        """
        self._there, self._here = there, here
        self.folder = Path(tempfile.mkdtemp(prefix="cc-ssh-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.home = self.folder / "home"
        self.home.mkdir(mode=0o700)
        self.guest_home = self.folder / "guest"
        self.guest_home.mkdir(mode=0o700)
        self.port = free_port()
        self._address = address
        self._command = command
        self._server: subprocess.Popen[bytes] | None = None
        for name in ("host_key", "key"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / name], check=True
            )
        shutil.copy(self.folder / "key.pub", self.folder / "authorized_keys")
        (self.folder / "authorized_keys").chmod(0o644)
        self._write_server()
        self._write_client()

    def _write_server(self) -> None:
        path = f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}"
        lines = [
            f"ListenAddress {self._address}:{self.port}",
            f"HostKey {self.folder / 'host_key'}",
            f"AuthorizedKeysFile {self.folder / 'authorized_keys'}",
            "PidFile none",
            "UsePAM no",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "PermitRootLogin yes",
            "StrictModes no",
            "MaxStartups 100",
            "LogLevel ERROR",
            *([f"ForceCommand {self._command}"] if self._command else []),
            f"Match User {GUEST}",
            f'SetEnv COLUMN_CONSOLE_HOME={self.guest_home} "PATH={path}"',
            "Match all",
            f'SetEnv COLUMN_CONSOLE_HOME={self.home} "PATH={path}" LC_ALL=C.UTF-8',
        ]
        (self.folder / "sshd_config").write_text("".join(f"{line}\n" for line in lines))

    def _write_client(self) -> None:
        key = (self.folder / "host_key.pub").read_text().split()
        known = " ".join((f"[{self._address}]:{self.port}", *key[:2]))
        (self.folder / "known_hosts").write_text(f"{known}\n")
        there = (
            f"  HostName {self._address}\n  Port {self.port}\n"
            f"  UserKnownHostsFile {self.folder / 'known_hosts'}\n"
        )
        shared = f"{there}  IdentityFile {self.folder / 'key'}\n"
        (self.folder / "ssh_config").write_text(
            "Host *\n  IdentitiesOnly yes\n  IdentityAgent none\n  GlobalKnownHostsFile /dev/null\n"
            "  StrictHostKeyChecking yes\n"
            f"Host bastion\n{shared}"
            f"Host behind\n{shared}  ProxyJump bastion\n"
            f"Host guest\n{shared}  User {GUEST}\n"
            f"Host stranger\n{there}  IdentityFile {self.folder / 'host_key'}\n"
            f"Host impostor\n  HostName {self._address}\n  Port {self.port}\n"
            f"  UserKnownHostsFile {self.folder / 'no_hosts'}\n"
            f"Host closed\n  HostName {self._address}\n  Port 1\n"
        )
        ours = self.folder / "bin" / "ssh"
        ours.parent.mkdir()
        words = " ".join((*self._here, shutil.which("ssh") or "ssh", "-F", str(self.folder / "ssh_config")))
        ours.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        ours.chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        """For a command that is to find this bastion: its `ssh` comes first."""
        return {"PATH": f"{self.folder / 'bin'}:{os.environ.get('PATH', os.defpath)}"}

    def start(self) -> None:
        """Begin to listen."""
        server = [os.environ[SSHD], "-D", "-e", "-f", str(self.folder / "sshd_config")]
        if os.geteuid() == 0:
            passwd = self.folder / "passwd"
            passwd.write_text(self._users())
            server = ["unshare", "--mount", "sh", "-ec", _AS_ROOT, "sh", str(passwd), *server]
        server = [*self._there, *server]
        with (self.folder / "sshd.log").open("ab") as log:
            self._server = subprocess.Popen(server, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while not self.listens():
            said = (self.folder / "sshd.log").read_text()
            assert self._server.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.02)

    def listens(self) -> bool:
        """Whether somebody answers on its port."""
        if self._here:
            probing = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)"
            words = [*self._here, sys.executable, "-c", probing, self._address, str(self.port)]
            return subprocess.run(words, check=False, stderr=subprocess.DEVNULL).returncode == 0
        with socket.socket() as probe:
            return probe.connect_ex((self._address, self.port)) == 0

    def stop(self) -> None:
        """No more logins, and those that are there are cut: what a reboot of its network looks like."""
        if self._server is None:
            return
        for process in [*self.logins(), psutil.Process(self._server.pid)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._server.wait()
        self._server = None

    def logins(self) -> list[psutil.Process]:
        """The processes of sshd that serve somebody."""
        if self._server is None:
            return []
        found = psutil.Process(self._server.pid).children(recursive=True)
        return [process for process in found if is_sshd(process)]

    def close(self) -> None:
        """Stop, and leave nothing."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _users(self) -> str:
        lines = []
        for entry in pwd.getpwall():
            if entry.pw_name == GUEST:
                os.chown(self.guest_home, entry.pw_uid, entry.pw_gid)
                lines.append(f"{GUEST}:x:{entry.pw_uid}:{entry.pw_gid}::{self.guest_home}:/bin/sh")
            elif entry.pw_name != "sshd":
                lines.append(":".join(map(str, entry)))
        lines.append("sshd:x:64999:65534::/run/sshd:/usr/sbin/nologin")
        return "".join(f"{line}\n" for line in lines)


def is_sshd(process: psutil.Process) -> bool:
    """Whether it is an sshd, and nothing that a login runs."""
    try:
        return "sshd" in " ".join(process.cmdline()[:4])
    except psutil.NoSuchProcess:
        return False


def ssh_of(pid: int) -> list[psutil.Process]:
    """The ssh that a command has started, without those that it started in turn for a jump."""
    return [child for child in psutil.Process(pid).children() if is_ssh(child)]


def is_ssh(process: psutil.Process) -> bool:
    """Whether it is an ssh of a test."""
    try:
        return any(word.endswith("/ssh_config") for word in process.cmdline())
    except psutil.NoSuchProcess:
        return False
