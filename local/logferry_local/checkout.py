"""Where the checkout is: deploy files, functions and layers are read from it."""

from pathlib import Path

from logferry.errors import ConfigError

__all__ = ["root"]

_MARK = Path("functions/forward/app.py")


def root(start: Path | None = None) -> Path:
    """The folder at or above `start` (default: where we stand, then where this file is) that holds `functions/`."""
    for place in (start or Path.cwd(), Path(__file__).parent):
        for folder in (place.resolve(), *place.resolve().parents):
            if (folder / _MARK).is_file():
                return folder
    raise ConfigError([f"no {_MARK} at or above {start or Path.cwd()}: run this in a checkout"], subject="checkout")
