"""Delivers cloud logs anywhere and proves that none was lost."""

__all__ = ["__version__"]

__version__ = "0.1.0"
