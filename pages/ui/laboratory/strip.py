"""What this page is, before anything else: its name, one sentence, and the way from an image to an answer."""

from collections.abc import Sequence

from core.data.banks import Listing
from core.data.registry import dataset
from pages.ui.laboratory import wording
from pages.ui.panel import escape, panel


def strip(features: Listing) -> None:
    """The way from an input to its class with these features."""
    steps = _steps(features)
    arrow = '<span class="arrow" aria-hidden="true">→</span>'
    items = arrow.join(
        f'<span class="step">{_ICONS[icon]}<span>{escape(words)}<small>{escape(about)}</small></span></span>'
        for icon, words, about in steps
    )
    in_words = escape(", then ".join(words for _, words, _ in steps))
    panel(
        f'<div class="name"><h1>{wording.NAME}</h1><p class="quiet">{wording.SENTENCE}</p></div>'
        f'<div class="strip" role="img" aria-label="{in_words}">{items}</div>',
        key="strip",
        min_height=84,
    )


def _steps(listing: Listing) -> Sequence[tuple[str, str, str]]:
    """Icon, words and a remark for each step."""
    data = dataset(listing.features.dataset)
    numbers = f"{listing.n_features:,} numbers"
    answer = ("answer", " or ".join(data.classes), wording.STEP_ANSWER)
    if data.is_points:
        return ("point", "point", data.title), ("numbers", numbers, wording.STEP_POINT), _HEAD, answer
    cut = listing.features.cut
    return (
        ("image", "image", wording.step_images(data.title, data.n_samples)),
        ("network", cut.name, wording.step_network(cut.trained_on)),
        ("numbers", numbers, wording.STEP_FEATURES),
        _HEAD,
        answer,
    )


_HEAD = ("head", "head", wording.STEP_HEAD)


def _icon(drawing: str) -> str:
    return f'<svg viewBox="0 0 24 24" width="26" height="26" aria-hidden="true">{drawing}</svg>'


_ICONS = {
    "image": _icon('<rect x="3" y="4" width="18" height="16" rx="2"/><path d="M4 18l6-5 4 3 3-3 4 4M8 9h2"/>'),
    "point": _icon('<path d="M4 4v16h16"/><circle cx="10" cy="13" r="1.5"/><circle cx="15" cy="8" r="1.5"/>'),
    "network": _icon('<path d="M4 4v16M9 6v12M14 8v8M19 10v4"/><path d="M4 12h15" stroke-dasharray="2 2"/>'),
    "numbers": _icon('<path d="M5 20V9M9 20V5M13 20v-7M17 20V8M21 20v-4"/>'),
    "head": _icon('<path d="M2 8h6M16 8h6M2 16h6M16 16h6"/><rect x="8" y="4" width="8" height="16" rx="2"/>'),
    "answer": _icon('<circle cx="12" cy="12" r="9"/><path d="M8 12.5l3 3 5-6"/>'),
}
