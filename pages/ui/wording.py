"""What the pages' shared parts say: status of runs and work, queue, extraction, table of heads, circuit, results."""

from core.report.numbers import SPREAD
from core.words import duration

WORKERS_START = "workers are starting"
ABOUT_TO_START = "about to start"
LOADING = "starting: loading libraries"


def waiting(place: int) -> str:
    """Work that has a place in the queue, counted from 1, or that is next."""
    return f"waiting at place {place} in the queue" if place else ABOUT_TO_START


def running(reached: str, seconds_left: float | None, at_most: bool, message: str) -> str:
    """Runs under way; reached: which epoch; at_most: whether they may end before their last one."""
    left = "" if seconds_left is None else f", {'at most ' if at_most else ''}{duration(seconds_left)} left"
    return f"running: {reached}{left}" + (f". {message}" if message else "")


def reached(done: int, epochs: int, at_most: bool) -> str:
    """How many epochs are behind."""
    return f"{done} of {'at most ' if at_most else ''}{epochs} epochs"


def finished(seconds: float, devices: list[str], epochs: dict[str, int], most: int) -> str:
    """Runs that have ended; devices: those other than the processor; epochs: of each head, where some stopped early."""
    where = f" on {' and on '.join(devices)}" if devices else ""
    early = f"; of {most} epochs " + ", ".join(f"{label} took {number}" for label, number in epochs.items())
    return f"finished, {duration(seconds)} of training{where}" + (early if epochs else "")


QUEUE_TITLE = "Queue of this server"
QUEUE_IS_EMPTY = "Nothing is running or waiting."
OWN_TITLE = "Your experiments"
OWN_IS_EMPTY = "You have not started an experiment yet."


def queue_line(position: int, what: str, mine: bool) -> str:
    """One piece of work in the queue; position 0 is under way."""
    place = f"place {position}" if position else "running"
    return f"{place}: {what} ({'yours' if mine else 'someone else’s'})"


EXTRACTION_CAPTION = "The network processes each image once. Training then needs only the stored features."


def extraction_needed(features: str) -> str:
    """Above the button that makes features; in Markdown."""
    return f"The features of **{features}** for these images are not on this machine yet."


def extraction_button(megabytes: float) -> str:
    """The button that consents to a download of so many 10^6 bytes, 0 for none."""
    return f"Extract features (downloads up to {megabytes:.0f} MB)" if megabytes else "Extract features"


HEADS_TITLE = "Heads side by side"


def heads_caption(data: str, epochs: int, seconds: float) -> str:
    """Below the table of heads; data: what accuracy is measured on; a time appears after so many epochs or seconds."""
    return (
        f"Parameters counts the trained ones. Accuracy is measured on {data} data after the latest epoch; {SPREAD}. "
        "Time counts the training steps of the fastest epoch, the one least disturbed by other work on the machine; it "
        f"appears after {epochs} epochs or {seconds:.0f} s."
    )


CIRCUIT_TRAINED = (
    "The gates show the first seed's trained angles in radians. The first RY gates take the features as angles."
)
CIRCUIT_PLANNED = "The circuit that the sliders describe. After training, the gates show their angles."

RESULTS_TITLE = "On the test set"
RESULTS_TUNED = "Compare on these data and features, with tuned learning rates"
ACCURACIES_DESCRIBED = "Test accuracy of each head and seed"


def confusion_choice(is_points: bool) -> str:
    """Which head the confusion matrix, and the images below it, are of."""
    return "Confusion matrix of" if is_points else "Confusion matrix and wrong images of"


def confusion_described(head: str) -> str:
    """The chart, for those who hear the page."""
    return f"Confusion matrix of the {head} head"
