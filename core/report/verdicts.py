"""Verdicts in words: a few, a headline, a sentence with the numbers, and all of one candidate together."""

from collections import Counter
from collections.abc import Sequence

from core.report.numbers import p_value, points, signed_points, size
from core.statistics.intervals import FEWEST_SEEDS, LEVEL
from core.statistics.metrics import Chance
from core.statistics.power import MOST_SEEDS, fewest_seeds
from core.statistics.verdict import Verdict, VerdictKind
from core.words import listed


def words(verdict: Verdict) -> str:
    """The verdict in a few words, e.g. "better by less than the margin, on this test set"."""
    if verdict.kind == "at chance":
        return "neither learned anything"
    small = " by less than the margin" if verdict.is_below_margin else ""
    return f"{verdict.kind}{small}{', on this test set' if verdict.is_this_test_set_alone else ''}"


def words_of_candidate(verdict: Verdict) -> str:
    """The verdict in a few words that name the candidate where it is ahead or behind."""
    return f"{verdict.candidate} is {words(verdict)}" if verdict.is_difference else words(verdict)


def title(verdict: Verdict) -> str:
    """The verdict as a headline."""
    candidate, rival, paired = verdict.candidate, verdict.rival, verdict.paired
    match verdict.kind:
        case "equivalent":
            return f"{candidate} and {rival} are equivalent within {points(verdict.margin)}"
        case "at chance":
            return f"neither {candidate} nor {rival} learned anything"
        case "not enough evidence":
            return f"{candidate} against {rival}: not enough evidence"
        case kind:
            difference = size(paired.interval.estimate)
            if verdict.is_below_margin:
                return f"{candidate} is {kind} than {rival}, but by less than the margin ({difference})"
            return f"{candidate} is {kind} than {rival} by {difference}"


def sentence(verdict: Verdict) -> str:
    """The verdict with the numbers that lead there, and what it does not show."""
    return f"{_over_seeds(verdict)}{_over_samples(verdict)}"


def _over_seeds(verdict: Verdict) -> str:
    paired, interval, n_seeds = verdict.paired, verdict.paired.interval, verdict.n_seeds
    mean = signed_points(interval.estimate) if signed_points(interval.estimate) != "0.0" else "less than 0.1"
    ends = f"{signed_points(interval.low)} to {signed_points(interval.high)}"
    over = (
        f"Over {n_seeds} paired seeds on this test set {verdict.candidate} differs from {verdict.rival} by {mean} "
        f"points ({'range' if interval.is_range else '95 % interval'} {ends})"
    )
    inside = f"± {points(verdict.margin)}"
    match verdict.kind:
        case "equivalent" | "at chance":
            assert verdict.tost_holm is not None
            shown = verdict.wilcoxon_holm < LEVEL
            also = "; the small difference is there in most seeds, but it is less than the margin" if shown else ""
            small = f"{over}: inside {inside} (TOST {p_value(verdict.tost_holm)}){also}."
            if verdict.kind == "equivalent" or verdict.chance is None:
                return small
            return f"Neither learned anything ({chance_words(verdict.chance)}). {small}"
        case "not enough evidence":
            return f"{over}: {_open(verdict)}."
        case kind:
            ahead = f"ahead in {paired.wins * n_seeds:g} of {n_seeds} seeds, a tie as half"
            small = f", but by less than the margin of {points(verdict.margin)}" if verdict.is_below_margin else ""
            return f"{over}: {kind}{small} (Wilcoxon {p_value(verdict.wilcoxon_holm)}, {ahead})."


def _open(verdict: Verdict) -> str:
    """Why nothing is shown, and what it would take."""
    inside = f"± {points(verdict.margin)}"
    too_few = too_few_seeds(verdict.n_seeds, verdict.n_rivals)
    if verdict.tost_holm is None:
        return too_few
    more = (
        f"about {verdict.seeds_needed} seeds would likely decide"
        if verdict.seeds_needed
        else f"even {MOST_SEEDS:,} seeds would hardly decide"
    )
    return (
        f"neither a difference (Wilcoxon {p_value(verdict.wilcoxon_holm)}) nor equality within {inside} "
        f"(TOST {p_value(verdict.tost_holm)}) is shown; {f'{too_few}; ' if too_few else ''}{more}"
    )


def _over_samples(verdict: Verdict) -> str:
    samples = verdict.samples
    if samples is None or verdict.samples_holm is None:
        return ""
    counts = (
        f"of {samples.n_samples} test samples {verdict.candidate} alone gets {samples.candidate_alone:.1f} right and "
        f"{verdict.rival} alone {samples.rival_alone:.1f}, mean over seeds (McNemar {p_value(verdict.samples_holm)})"
    )
    if verdict.samples_holm < LEVEL:
        return f" Other test samples would show a difference too: {counts}."
    return f" This is about seeds; whether other test samples would show it stays open: {counts}."


def chance_words(chance: Chance) -> str:
    """ "always answering 'bee' gives 54.2 %"."""
    return f"always answering '{chance.answer}' gives {100 * chance.accuracy:.1f} %"


def headline(verdicts: Sequence[Verdict]) -> str:
    """All verdicts of one candidate in one sentence; those that nothing is known about are counted too."""
    first, margin = verdicts[0], points(verdicts[0].margin)
    counts = Counter(one.kind for one in verdicts)

    def count(kind: VerdictKind) -> str:
        small = sum(one.is_below_margin for one in verdicts if one.kind == kind)
        return f"{counts[kind]}{f' ({small} by less than {margin})' if small else ''}"

    parts = [
        f"{first.candidate} is better than {count('better')} and worse than {count('worse')} of {len(verdicts)} "
        f"rivals, equivalent within {margin} to {counts['equivalent']}"
    ]
    if counts["at chance"] and first.chance:
        parts.append(f"neither it nor {counts['at chance']} of them learned anything ({chance_words(first.chance)})")
    if still_open := counts["not enough evidence"]:
        too_few = too_few_seeds(first.n_seeds, len(verdicts))
        parts.append(f"not enough evidence for {still_open}{f' ({too_few})' if too_few else ''}")
    if here := sum(one.is_this_test_set_alone for one in verdicts):
        shown = counts["better"] + counts["worse"]
        parts.append(f"{here} of {shown} difference{'' if shown == 1 else 's'} might not show on other test samples")
    return "; ".join(parts)


def too_few_seeds(n_seeds: int, n_rivals: int) -> str:
    """That so few seeds cannot show any difference from so many rivals, and how many can; empty where they can."""
    fewest = fewest_seeds(n_rivals)
    if n_seeds >= fewest:
        return ""
    rivals = f" from any of {n_rivals} rivals" if n_rivals > 1 else ""
    equality = f", and {FEWEST_SEEDS} for equivalence" if n_seeds < FEWEST_SEEDS else ""
    return f"{n_seeds} seeds are too few to show a difference{rivals}, however clear: it takes {fewest}{equality}"


def all_in_one(verdicts: Sequence[Verdict], where: str = "on this test set") -> str:
    """What the seeds show of the candidate, rivals of one verdict together; empty without any rival."""
    if not verdicts:
        return ""
    first = verdicts[0]
    too_few = too_few_seeds(first.n_seeds, len(verdicts))
    rivals: dict[str, list[str]] = {}
    for verdict in verdicts:
        rivals.setdefault(_up_to_the_rival(verdict), []).append(verdict.rival)
    still_open = rivals.pop("", [])
    none = rivals.pop("at chance", [])
    parts = []
    if rivals:
        groups = listed([f"{what} {listed(names)}" for what, names in rivals.items()])
        parts.append(f"{capital(where)}, {first.n_seeds} seeds show that {first.candidate} is {groups}.")
    if too_few:
        parts.append(f"{capital(too_few)}.")
    elif still_open:
        seeds = "They" if rivals else f"{capital(where)}, {first.n_seeds} seeds"
        parts.append(f"{seeds} are not enough to tell {first.candidate} from {listed(still_open)}.")
    if none and first.chance:
        parts.append(f"Neither {first.candidate} nor {listed(none)} learned anything ({chance_words(first.chance)}).")
    return " ".join(parts)


def _up_to_the_rival(verdict: Verdict) -> str:
    """A verdict as far as the rival's name; empty where nothing is shown."""
    margin = points(verdict.margin)
    match verdict.kind:
        case "not enough evidence":
            return ""
        case "at chance":
            return "at chance"
        case "equivalent":
            return f"equivalent within {margin} to"
        case kind:
            return f"{kind} by less than {margin} than" if verdict.is_below_margin else f"{kind} than"


def capital(text: str) -> str:
    """With a capital letter at its start."""
    return text[:1].upper() + text[1:]
