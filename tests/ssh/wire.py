"""A slow, lossy network between two machines that are none: two network namespaces, and a queue in user space
between them. Needs root.

    python -m tests.ssh.wire PID_A PID_B COUNTS DELAY_MS LOSS_PERCENT BYTES_PER_SECOND

shuttles IP packets between a tun device in the namespace of each process, and counts them in the file COUNTS.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import heapq
import mmap
import os
import random
import select
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NEAR, FAR = "10.77.0.1", "10.77.0.2"
"""The operator's machine, and the bastion."""
DEVICE = "cc0"
QUEUE = 40
"""Packets that wait for the slow line; more are dropped, as a modem does."""
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
_CLONE_NEWNET = 0x40000000
_COUNTS = struct.Struct("4Q")


class Wire:
    """The network. `near` and `far` are what a command begins with to run on either machine."""

    def __init__(self, *, delay: float = 75.0, loss: float = 1.0, rate: int = 8000) -> None:
        """`delay`: milliseconds one way; `loss`: percent of packets; `rate`: bytes a second, each way."""
        self._ends = [
            subprocess.Popen(["unshare", "--net", "sleep", "infinity"], stdin=subprocess.DEVNULL)
            for _ in range(2)
        ]
        self._counts = Path(tempfile.mkstemp(prefix="cc-wire-")[1])
        self._counts.write_bytes(bytes(_COUNTS.size))
        ours = Path("/proc/self/ns/net").readlink()
        while any(Path(f"/proc/{end.pid}/ns/net").readlink() == ours for end in self._ends):
            time.sleep(0.01)
        self._queue = subprocess.Popen(
            [
                sys.executable, "-m", "tests.ssh.wire", *(str(end.pid) for end in self._ends),
                str(self._counts), str(delay), str(loss), str(rate),
            ],
            stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self._queue.stdout is not None
        assert self._queue.stdout.readline() == b"ready\n"
        self.near, self.far = (["nsenter", "-t", str(end.pid), "-n"] for end in self._ends)
        for prefix, own in ((self.near, NEAR), (self.far, FAR)):
            for words in (
                ["link", "set", "lo", "up"],
                ["addr", "add", f"{own}/24", "dev", DEVICE],
                ["link", "set", DEVICE, "up", "mtu", "1500"],
            ):
                subprocess.run([*prefix, "ip", *words], check=True)

    def counts(self) -> tuple[int, int, int, int]:
        """Bytes and packets from near to far, bytes and packets from far to near."""
        found = _COUNTS.unpack(self._counts.read_bytes())
        return (found[0], found[1], found[2], found[3])

    def link(self, state: str) -> None:
        """Take the operator's link `down`, or `up` again."""
        subprocess.run([*self.near, "ip", "link", "set", DEVICE, state], check=True)

    def close(self) -> None:
        """Both machines are gone."""
        for process in (self._queue, *self._ends):
            process.kill()
            process.wait()
        assert self._queue.stdout is not None
        self._queue.stdout.close()
        self._counts.unlink()


class Line:
    """One direction: a tail-drop queue in front of a slow line, then the way."""

    def __init__(self, delay: float, loss: float, rate: float) -> None:
        self._delay, self._loss, self._rate = delay, loss, rate
        self._free_at = 0.0
        self._on_the_way: list[tuple[float, int, bytes]] = []
        self._number = 0

    def put(self, packet: bytes, now: float) -> bool:
        """A packet is sent; false where it was dropped."""
        waiting = max(0.0, self._free_at - now) * self._rate / 1500
        if random.random() < self._loss or waiting > QUEUE:
            return False
        self._free_at = max(now, self._free_at) + len(packet) / self._rate
        self._number += 1
        heapq.heappush(self._on_the_way, (self._free_at + self._delay, self._number, packet))
        return True

    def due(self) -> float | None:
        """When the next packet arrives."""
        return self._on_the_way[0][0] if self._on_the_way else None

    def take(self, now: float) -> list[bytes]:
        """The packets that have arrived."""
        arrived = []
        while self._on_the_way and self._on_the_way[0][0] <= now:
            arrived.append(heapq.heappop(self._on_the_way)[2])
        return arrived


def device(pid: str) -> int:
    """A tun device in the network namespace of a process."""
    namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, _TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), _IFF_TUN | _IFF_NO_PI))
    return tun


def main() -> None:
    """Shuttle until killed."""
    ends = [device(pid) for pid in sys.argv[1:3]]
    delay, loss, rate = float(sys.argv[4]) / 1000, float(sys.argv[5]) / 100, float(sys.argv[6])
    lines = [Line(delay, loss, rate), Line(delay, loss, rate)]
    with Path(sys.argv[3]).open("r+b") as file:
        counts = mmap.mmap(file.fileno(), _COUNTS.size)
    print("ready", flush=True)
    while True:
        now = time.monotonic()
        due = [line.due() for line in lines]
        waits = [max(0.0, at - now) for at in due if at is not None]
        readable = select.select(ends, [], [], min(waits, default=0.2))[0]
        now = time.monotonic()
        for number, end in enumerate(ends):
            if end in readable:
                with contextlib.suppress(OSError):
                    packet = os.read(end, 65536)
                    if lines[number].put(packet, now):
                        found = list(_COUNTS.unpack(counts[:]))
                        found[2 * number] += len(packet)
                        found[2 * number + 1] += 1
                        counts[:] = _COUNTS.pack(*found)
            for packet in lines[number].take(now):
                # A link that is down takes nothing.
                with contextlib.suppress(OSError):
                    os.write(ends[1 - number], packet)


if __name__ == "__main__":
    main()
