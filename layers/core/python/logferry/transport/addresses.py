"""The form of web addresses that a person writes. They are never repeated in a message: they may hold credentials."""

from urllib.parse import urlsplit

from logferry.vault import Vault

__all__ = ["proxy_address", "proxy_problems", "url_problems"]

_FORM = "http://HOST:PORT or https://HOST:PORT"


def url_problems(url: str, credentials: str, query: str = "") -> list[str]:
    """Mistakes of the option `url`. `credentials`: where these belong; `query`: why it may have none, or ""."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return [f"url: has no valid host and port, expected {_FORM}"]
    if parts.scheme not in ("http", "https"):
        return [f"url: does not begin with http:// or https://, expected {_FORM}"]
    found = []
    if not host or any(letter.isspace() or not letter.isprintable() for letter in url):
        found.append(f"url: has no host or holds blanks, expected {_FORM}")
    if "@" in parts.netloc:
        found.append(f"url: holds credentials, expected none: {credentials}")
    if query and (parts.query or parts.fragment):
        found.append(f"url: holds ? or #, expected none ({query})")
    elif parts.fragment:
        found.append("url: holds #, expected none (it would not be sent)")
    return found


def proxy_problems(proxy: str) -> list[str]:
    """Of an address in plain sight; what a secret holds is seen when it is used."""
    if proxy.startswith("secret://"):
        return []
    try:
        parts = urlsplit(proxy)
        sound = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
    except ValueError:
        sound = False
    if not sound or parts.path.strip("/") or parts.query or any(letter.isspace() for letter in proxy):
        return ['proxy: is not http://HOST:PORT or a secret that holds it, such as "secret://env/PROXY"']
    if "@" in parts.netloc:
        return ['proxy: holds credentials: put the whole address into a secret, "secret://env/PROXY"']
    return []


def proxy_address(proxy: str, vault: Vault) -> str:
    """The address itself, whether it is written out or a secret."""
    return vault.resolve(proxy).reveal() if proxy.startswith("secret://") else proxy
