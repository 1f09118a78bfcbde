"""Another user of this machine at a runner's socket, in a process of their own and with bare lines."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

NOBODY = 65534
"""The user and the group that every Linux has for nobody in particular."""
_CODE = """
import json, os, socket, sys
os.setgroups([]); os.setgid({gid}); os.setuid({uid})
sock = socket.socket(socket.AF_UNIX)
sock.connect(sys.argv[1])
lines = sock.makefile("rw")
hello = lines.readline()
lines.write('{{"proto":2,"role":"operator","watch":false,"ask":' + sys.argv[2] + '}}\\n')
lines.flush()
for line in lines:
    said = json.loads(line)
    if "answer" in said or "refused" in said or "error" in said:
        print(line, end="")
        break
"""


def ask_as(
    uid: int, gid: int, socket: Path, action: str, *arguments: str, reason: str = ""
) -> dict[str, Any]:
    """What another user is answered. Only root can become another; raises CalledProcessError otherwise."""
    ask = {"id": f"{uid}-{action}", "action": action, "arguments": arguments, "reason": reason}
    done = subprocess.run(
        [sys.executable, "-c", _CODE.format(uid=uid, gid=gid), str(socket), json.dumps(ask)],
        check=True,
        stdout=subprocess.PIPE,
        cwd="/",
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
