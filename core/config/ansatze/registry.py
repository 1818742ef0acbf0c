"""All ansätze."""

from core.config.ansatze.base import Ansatz
from core.discovery import instances_in


def find_ansaetze() -> dict[str, Ansatz]:
    """Name → the ansatz, of all files in this folder and in the order of their names."""
    return {ansatz.name: ansatz for ansatz in instances_in("core.config.ansatze", Ansatz)}


ANSAETZE = find_ansaetze()
"""Name → the ansatz, in the order of the menu."""
