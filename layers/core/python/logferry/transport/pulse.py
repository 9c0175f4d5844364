"""What a socket knows about its peer without being answered."""

import errno
import socket
import ssl
import struct

__all__ = ["NOTHING_YET", "Closed", "explain", "look", "queued"]

NOTHING_YET = (BlockingIOError, TimeoutError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Closed(ConnectionError):
    """The peer ended the connection in good order."""


def look(sock: socket.socket, wait: float = 0.0) -> None:
    """Read what comes within `wait` seconds. A peer that never answers sends alerts and the end: OSError for both."""
    sock.settimeout(wait)
    try:
        for _ in range(16):  # bounded: a peer that talks is not listened to for long
            if not sock.recv(4096):
                raise Closed(errno.ECONNRESET, "the peer closed the connection")
    except NOTHING_YET as error:
        if error.errno == errno.ETIMEDOUT:  # the system's verdict on a dead peer, not the end of our wait
            raise


def queued(sock: socket.socket) -> int:
    """Bytes that the peer's system has not acknowledged; 0 where ours cannot tell (it can on Linux)."""
    try:
        import fcntl
        import termios

        answer = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4))  # SIOCOUTQ has this number on Linux
    except (ImportError, OSError):
        return 0
    return int(struct.unpack("i", answer)[0])


def explain(error: OSError) -> str:
    """The reason in words, without numbers and source lines."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate not accepted: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "timed out"
    return str(getattr(error, "reason", None) or error.strerror or error or type(error).__name__)
