"""Where a server is and how to log in: the URL, completed from option files and the environment. No connection.

What the URL says wins; then `password_command`; then `~/.my.cnf`, group `[client]`; then MYSQL_PWD, as the manual's
"Specifying Program Options" orders them. `localhost` means TCP; a URL without a host means the socket.
"""

from __future__ import annotations

import configparser
import getpass
import os
from pathlib import Path
from typing import Literal, cast, get_args
from urllib.parse import parse_qsl, unquote, urlsplit

from console.change import Frozen
from console.databases.base import Unreachable

TlsMode = Literal["disabled", "preferred", "required", "verify-ca", "verify-identity"]
PORT = 3306
# Where servers listen by default: connected to, never made.
SOCKETS = ("/run/mysqld/mysqld.sock", "/var/run/mysqld/mysqld.sock", "/tmp/mysql.sock")  # noqa: S108
OPTION_FILE = "~/.my.cnf"

_PARAMETERS = (
    "host",
    "port",
    "socket",
    "unix_socket",
    "ssl-mode",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "binlog-row-image",
    "defaults-file",
)
_FORM = "Write it as mysql://USER@HOST:PORT/DATABASE, or mysql://USER@/DATABASE?socket=/PATH"


class Address(Frozen, frozen=True):
    """Everything that a connection needs, but what it is for. The repr hides the password."""

    user: str
    password: str | None
    host: str
    port: int
    socket: str
    """The socket's path; empty: TCP."""
    database: str | None
    tls: TlsMode
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None
    minimal_row_image: bool = True
    """Whether our sessions may write the short form of row events, where they have the right to."""

    def __repr__(self) -> str:
        return f"Address({self.name})"

    @property
    def place(self) -> str:
        """The host for people; the port where it is not 3306."""
        if self.socket:
            return "local"
        return self.host if self.port == PORT else f"{self.host}:{self.port}"

    @property
    def name(self) -> str:
        """Host and database for people, never user or password."""
        return f"{self.place}/{self.database or ''}"


def server_name(url: str) -> str:
    """Host and database for people, never user or password; the port where it is not 3306.

    >>> server_name("mysql://deploy:secret@db1.internal/shop")
    'db1.internal/shop'
    >>> server_name("mariadb://deploy@/shop?socket=/run/mysqld/mysqld.sock")
    'local/shop'
    """
    return read_address(url).name


def read_address(url: str, password: str | None = None) -> Address:
    """The address that a URL names. `password` is what `password_command` gave. Raises Unreachable."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Unreachable("the database's URL can't be read", _FORM) from None
    if parts.scheme not in ("mysql", "mariadb"):
        raise Unreachable("the database's URL can't be read", _FORM)
    given = _parameters(parts.query)
    options = _options(given.get("defaults-file"))
    host = unquote(parts.hostname or "") or given.get("host", "")
    socket = given.get("socket") or given.get("unix_socket") or ""
    if host.startswith("/"):
        host, socket = "", _in_folder(host)
    if not host and not socket:
        host, socket = _usual_place(options)
    certain_tls = given.get("ssl-mode") or options.get("ssl-mode") or ("disabled" if socket else "preferred")
    return Address(
        user=unquote(parts.username or "") or options.get("user") or _login(),
        password=_password(unquote(parts.password) if parts.password else password, options),
        host=host,
        port=port or _port(given.get("port") or options.get("port") or str(PORT)),
        socket=socket,
        database=unquote(parts.path.removeprefix("/")) or options.get("database"),
        tls=_tls(certain_tls),
        ca=given.get("ssl-ca") or options.get("ssl-ca"),
        certificate=given.get("ssl-cert") or options.get("ssl-cert"),
        key=given.get("ssl-key") or options.get("ssl-key"),
        minimal_row_image=_row_image(given.get("binlog-row-image", "minimal")),
    )


def _parameters(query: str) -> dict[str, str]:
    given = dict(parse_qsl(query, keep_blank_values=True))
    for name in given:
        if name not in _PARAMETERS:
            known = ", ".join(_PARAMETERS)
            raise Unreachable(
                "the database's URL has a parameter that is not known", f"The known ones are {known}"
            )
    return given


def _options(path: str | None) -> dict[str, str]:
    """The group [client] of the option file, with dashes in its names."""
    file = Path(path or OPTION_FILE).expanduser()
    parser = configparser.RawConfigParser(
        allow_no_value=True, strict=False, inline_comment_prefixes=None, delimiters=("=",)
    )
    try:
        lines = file.read_text(errors="surrogateescape").splitlines()
        parser.read_string("\n".join(line for line in lines if not line.lstrip().startswith("!")))
    except FileNotFoundError as error:
        if path is None:
            return {}
        raise Unreachable(
            "the option file of the database's URL is not there", "Correct defaults-file"
        ) from error
    except (OSError, configparser.Error) as error:
        raise Unreachable(f"the option file {file} can't be read", "Mend it, or remove it") from error
    if not parser.has_section("client"):
        return {}
    return {name.replace("_", "-"): _unquoted(value or "") for name, value in parser.items("client")}


def _unquoted(value: str) -> str:
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return value


def _password(given: str | None, options: dict[str, str]) -> str | None:
    if given is not None:
        return given
    return options.get("password", os.environ.get("MYSQL_PWD"))


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise Unreachable(
            "the database's URL names no user", "Write it as mysql://USER@HOST/DATABASE"
        ) from None


def _in_folder(path: str) -> str:
    """A socket's path, where a folder may be given instead."""
    if Path(path).is_dir():
        for name in ("mysqld.sock", "mysql.sock", "mariadb.sock", "s.sock"):
            if (Path(path) / name).exists():
                return str(Path(path) / name)
        return str(Path(path) / "mysqld.sock")
    return path


def _usual_place(options: dict[str, str]) -> tuple[str, str]:
    """Host and socket where the URL names neither."""
    if options.get("socket"):
        return "", options["socket"]
    if options.get("host"):
        return options["host"], ""
    for path in SOCKETS:
        if Path(path).exists():
            return "", path
    return "127.0.0.1", ""


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise Unreachable("the database's URL has a port that is no port", "A port is a number up to 65535")
    return int(text)


def _tls(mode: str) -> TlsMode:
    mode = mode.lower().replace("_", "-")
    if mode not in get_args(TlsMode):
        raise Unreachable(
            "the database's URL has an ssl-mode that is not known",
            f"It is one of {', '.join(get_args(TlsMode))}",
        )
    return cast("TlsMode", mode)


def _row_image(text: str) -> bool:
    if text not in ("minimal", "keep"):
        raise Unreachable(
            "the database's URL has a binlog-row-image that is not known",
            "minimal: our sessions write short row events; keep: as the server is set, for readers of the binlog",
        )
    return text == "minimal"
