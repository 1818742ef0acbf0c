"""What the page Compare alone says."""

from collections.abc import Sequence

from core.comparison.problem import CONDITIONS, TRIALS
from core.comparison.record import Comparison
from core.report.numbers import points
from core.statistics.ranking import Ranking

TITLE = "Is the quantum head better?"
INTRODUCTION = (
    "The quantum head, or another candidate, against its rivals, its own ablations and the standard methods of "
    "scikit-learn, on the same features, splits and test set, which is looked at once. The networks share seeds, "
    "batches and budget; scikit-learn's methods know neither batches nor epochs. One rule computes what the seeds can "
    "show; the page also names what they cannot show."
)
NOTHING_STORED = "No comparison is stored here yet: run one below, or all with `python -m core compare --all`."
MARGIN_HELP = "Differences of test accuracy smaller than this many percent points do not matter to you."
CANDIDATE_HELP = "The head that all others are compared with."
TRIALS_HELP = f"For every head, on validation data; 0: the same settings for all. The shipped ones try {TRIALS}."
LABORATORY = "The laboratory's settings"
OF_THE_LABORATORY = "Data, features, budget and circuit are those of the laboratory."
NOTHING_COMPARED = "Nothing is being compared on this server now."
STOPPED = "Stopped; nothing of it was kept."
NUMBERS_ALT = "Every head with accuracy, verdict, loss, AUC, calibration error, parameters and time"


def conditions_help(labels: dict[str, str], names: Sequence[str]) -> str:
    """What the conditions of these names are."""
    return "; ".join(f"{labels[name]}: {words}" for name, words in CONDITIONS.items() if name in names)


def refused(asked: str, instead: str, margins: tuple[float, float] | None) -> str:
    """What the address asked for in vain, and what is shown instead; margins: where they may lie, if one is refused."""
    ends = f" (margins go from {margins[0]:g} to {margins[1]:g})" if margins else ""
    return f"The address asked for {asked}, which this page does not have{ends}; it shows {instead} instead."


def terminal(command: str) -> str:
    """How to run a comparison without the page."""
    return (
        f"The same from a terminal: `{command}`. Other data and features: `python -m core compare --help`. Everything "
        "that ships: `python -m core compare --all`."
    )


def origin(comparison: Comparison, margin: float, share_of_errors: float) -> str:
    """Where the figure's numbers come from, and what dots, intervals and margin mean."""
    where = "" if comparison.device == "cpu" else f", heads on {comparison.device}"
    return (
        f"Measured {comparison.created:%d %B %Y} with `{comparison.command}`{where}. All seeds share one test set of "
        f"{comparison.n_test:,} samples; the dots show variation between seeds only, the intervals that of other test "
        f"samples too. The margin, {points(margin)}, is {share_of_errors:.0%} of the errors that "
        f"{comparison.candidate} makes here."
    )


def same_network(names: Sequence[str]) -> str:
    """That training made these heads one network."""
    return (
        f"{' and '.join(f'**{name}**' for name in names)} became the same network here: as many parameters, the same "
        "learning rate and the same answers. They are one rival that is listed more than once."
    )


def ranks(ranking: Ranking, titles: str) -> str:
    """What the figure of ranks shows, and what it does not."""
    return (
        f"Average rank by mean test accuracy over {ranking.n_datasets} comparisons: {titles}. Heads beside one bar "
        f"have ranks that differ by less than Nemenyi's critical difference, {ranking.critical_difference:.1f}. Two "
        "spirals and two sets of features of the same images are not independent, so this picture is an overview and "
        "no proof."
    )
