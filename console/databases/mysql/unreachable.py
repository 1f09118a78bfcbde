"""Why no connection could be made, in one sentence, with the mend."""

from __future__ import annotations

import errno
import socket
import ssl

import pymysql

from console.databases.base import Unreachable
from console.databases.mysql.address import Address
from console.databases.mysql.errors import number_of, sentence, tidy

_SERVER = "Start the server, or correct host and port in [database] url"
_TLS = "Check ssl-mode, ssl-ca and the server's certificate"

_MENDS = {
    1040: "Free connections on the server, or raise max_connections",
    1044: "GRANT the user rights on the database, or correct the database in [database] url",
    1045: "Correct the password (password_command, ~/.my.cnf or MYSQL_PWD), or the user in [database] url",
    1049: "Correct the database's name at the end of [database] url",
    1129: "FLUSH HOSTS on the server: it blocks this host after too many failed connections",
    1130: "Create the user for this host on the server, or connect from a host that it allows",
    1203: "Free connections of this user, or raise max_user_connections",
    1226: "Free connections of this user, or raise its limit",
    1251: "Give the user an authentication that this client knows: caching_sha2_password, on MariaDB ed25519",
    1698: "Run as the system user of that name, or give the user a password and name it",
    1820: "Set a new password for the user: the old one has expired",
    1862: "Set a new password for the user: the old one has expired",
    3118: "Unlock the account on the server",
    2061: "Add ssl-mode=required to [database] url, or connect by the socket",
    3159: "Add ssl-mode=required to [database] url: the server takes only TLS",
    3878: "Connect over TLS or a socket: the server wants the password over neither",
    4151: "Unlock the account on the server",
}


def explain(error: BaseException, address: Address) -> Unreachable:
    """Why `address` could not be reached: the error's own words, cleaned, and the mend."""
    said, mend = _why(error, address)
    return Unreachable(f"can't connect to {address.name}: {said}", mend)


def _why(error: BaseException, address: Address) -> tuple[str, str]:
    original = getattr(error, "original_exception", None) or error
    if isinstance(original, OSError):
        return _from_system(original, address)
    if isinstance(error, pymysql.Error):
        number = number_of(error)
        if number == 2026:
            return sentence(error), "Turn TLS on in the server, or lower ssl-mode in [database] url"
        if number in (2006, 2013):
            return (
                "the server closed the connection, or did not answer in time",
                "See that a MySQL or MariaDB server answers on this host and port",
            )
        if number == 1045 and address.password is None:
            return sentence(error), "Give a password by password_command, ~/.my.cnf or MYSQL_PWD"
        if number == 0 and "plugin" in str(error).lower():
            return sentence(error), _MENDS[1251]
        return sentence(error), _MENDS.get(number, "" if number else "Check [database] url")
    text = tidy(str(error))
    if "pynacl" in text:
        return (
            "the user logs in by ed25519, for which the package PyNaCl is needed",
            (
                "Install column-console with its extra ed25519 (pipx inject column-console PyNaCl), "
                "or connect as a user who logs in by a password of another kind or by the socket"
            ),
        )
    if "cryptography" in text:
        return (
            (
                "without TLS or a socket the server wants the password encrypted, for which the package cryptography "
                "is needed, and it is not installed"
            ),
            (
                "Add ssl-mode=required to [database] url, connect by the socket, or install cryptography beside "
                "column-console (pipx inject column-console cryptography)"
            ),
        )
    return (
        text or "what answers is no MySQL or MariaDB server",
        "See that a MySQL or MariaDB server answers on this host and port",
    )


def _from_system(error: OSError, address: Address) -> tuple[str, str]:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the server's certificate is not accepted ({tidy(error.verify_message)})", _TLS
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({tidy(error.reason or str(error))})", _TLS
    if isinstance(error, socket.gaierror):
        return (
            f"the host {tidy(address.host)} is not known",
            "Correct the host in [database] url, or mend name resolution",
        )
    if address.socket:
        return _from_socket(error, tidy(address.socket))
    if isinstance(error, TimeoutError) or error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        why = "no answer in time" if isinstance(error, TimeoutError) else tidy(error.strerror or "no way")
        return why, "Check host and port in [database] url, and the firewall between"
    if error.errno == errno.ECONNREFUSED:
        return "connection refused", _SERVER
    return tidy(error.strerror or str(error)), _SERVER


def _from_socket(error: OSError, path: str) -> tuple[str, str]:
    match error.errno:
        case errno.ENOENT:
            return f"there is no socket {path}", "Start the server, or correct socket in [database] url"
        case errno.EACCES | errno.EPERM:
            return (
                f"the socket {path} may not be opened",
                "Run as a user who may open it, or connect by host",
            )
        case errno.ECONNREFUSED:
            return f"nobody listens on the socket {path}", "Start the server"
        case _:
            return tidy(error.strerror or str(error)), "Check socket in [database] url"
