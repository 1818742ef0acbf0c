"""What examples and rows are called: from the data set, the cut of the network, the protocol and the head."""

from core.paper.examples import EXAMPLES, Example
from core.paper.rows import Row


def example_title(example: Example) -> str:
    """Number and title, e.g. "2 Ants and bees"."""
    return f"{example.number} {example.title}"


EXAMPLE_TITLES = {example.number: example_title(example) for example in EXAMPLES}


def features_title(row: Row) -> str:
    """What the head of a row looks at, e.g. "ResNet-18 to layer3, 256"."""
    if row.entry.is_points:
        return "2 coordinates"
    return f"{row.cut.name}, {row.cut.listed.n_features}" if row.cut.listed else row.cut.name


def short_title(row: Row) -> str:
    """Data, protocol and head, e.g. "Ants and bees, early, linear"; with `features_title` no other row has it."""
    return f"{row.entry.title}, {row.protocol.removeprefix('paper, ')}, {row.head_label}"


def full_title(row: Row) -> str:
    """Data, head, features and protocol, e.g. "Ants and bees, linear, ResNet-18 to layer3, 256, paper"."""
    return f"{row.entry.title}, {row.head_label}, {features_title(row)}, {row.protocol}"
