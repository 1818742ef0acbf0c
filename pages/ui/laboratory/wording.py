"""What the laboratory alone says."""

from core.words import counted, duration

NAME = "Hybrid Transfer Lab"
SENTENCE = (
    "Train a small quantum circuit on the features of a pretrained network, and compare it with classical networks on "
    "the same problem."
)
STEP_POINT = "its coordinates"
STEP_FEATURES = "features, computed once"
STEP_HEAD = "the only part you train"
STEP_ANSWER = "the answer"


def step_network(trained_on: str) -> str:
    """Below the network; trained_on: its first data set, empty where that is not known."""
    return f"frozen, trained on {trained_on}" if trained_on else "frozen"


def step_images(title: str, n_samples: int) -> str:
    """Below the image."""
    return f"{title}, {counted(n_samples, 'image')}"


NO_RUN = "No run with these settings yet."
PRESS_RUN = "Press Run."
PRESS_RUN_FOR_OWN = "Press Run to train your own."
WORKERS_START_BUT_RUN = "Workers are starting; you can press Run now."
NOT_POSSIBLE = "These settings are not possible; the message above explains why."
EXTRACT_FIRST = "Extract the features first."


def shipped(seeds: int, seeds_set: int) -> str:
    """Above a shipped run with the settings of the form, except perhaps the number of seeds."""
    return "This run came with the laboratory: same settings" + ("" if seeds == seeds_set else f", {seeds} seeds") + "."


NOT_YOURS = "Someone else started this run; only they can stop it."
DIFFERS_WHILE_RUNNING = "This run keeps its settings; press Run to queue the new ones."
DIFFERS = "You have changed the settings; press Run to train with them."


def beyond_controls(settings: str) -> str:
    """Of a run with settings that the form does not have."""
    return f"This run used {settings}, which the form cannot set; a new run leaves that out."


KEEP_HELP = "Keeps these curves in grey behind all later ones, not only behind the next three."
RESET_HELP = "Clears this run from the page. Your settings stay, and Runs still lists it."
NOTHING_TAKEN_OUT = "nothing removed"

LIVE_HELP = (
    "Trains as soon as you change a setting. The last three experiments stay behind the curves in grey; Keep holds the "
    "current one for longer."
)


def live_is_off(seconds: float | None, limit: float) -> str:
    """Why Live is off for a data set that has just come onto the page."""
    if seconds is None:
        return "Live starts off: nothing shows yet how long these settings take."
    return f"Live starts off: these settings take about {duration(seconds)}, longer than {limit:.0f} s."


def run_time(seconds: float | None, is_sure: bool) -> tuple[str, str]:
    """How long training will take, and where that is known from."""
    if seconds is None:
        return "time not known", "This kind of head has not finished a run here yet."
    if is_sure:
        return f"about {duration(seconds)}", "Estimated from runs on this machine."
    return f"perhaps {duration(seconds)}", "Estimated from other sizes or machines; the first run here makes it exact."


def do_not_belong(run_id: str, first: str) -> str:
    """Two runs in an address that cannot be shown side by side."""
    return f"Runs {first} and {run_id} have different settings: open them one at a time."
