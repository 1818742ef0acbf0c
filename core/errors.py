"""The one exception that a person's input can cause."""


class LabError(Exception):
    """One sentence for a person: what is wrong with which value, what is allowed, what to do next."""
