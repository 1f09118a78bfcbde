"""A session that has ended, for a screen that was attached to it before: the session whole, and good-bye."""

from __future__ import annotations

from collections.abc import Callable

from console import __version__
from console.directories import Listed
from console.link.fitting import fitting
from console.link.protocol import NEWEST, OLDEST, PRODUCT, FromServer, Hello, encode
from console.recording import Recording

GOODBYE = "the session has ended"


def tell_ended(listed: Listed, write: Callable[[bytes], object]) -> None:
    """Write what a runner would have said: its hello, the session as it is recorded, and its good-bye.

    Raises RecordingError, and whatever `write` raises.
    """
    session = Recording.open(listed.session.recording).final
    hello = Hello(
        hello=PRODUCT,
        version=__version__,
        proto=(OLDEST, NEWEST),
        session=listed.session.id,
        you="",
        pid=listed.session.pid,
        t=session.t,
    )
    write(encode(hello))
    write(fitting(session))
    write(encode(FromServer(bye=GOODBYE)))
