"""The sentences of the paper's page. Those about rows and their numbers are in `core.report.paper`."""

from core.report.numbers import SPREAD
from core.report.paper import MARK_EXPLAINED

TITLE = "The paper, reported beside measured"
ABOUT = (
    "[Mari, Bromley, Izaac, Schuld and Killoran](https://arxiv.org/abs/1912.08278) put a small simulated quantum "
    "circuit between a frozen network and a classifier. The table shows what they report and what this laboratory "
    "measures, with classical heads on the same features."
)
OTHER_FEATURES = "Other networks and layers"
OTHER_FEATURES_HELP = (
    "Also rows whose features come from another network, or from an earlier layer: does the circuit matter more on "
    "weaker features?"
)
CHOOSE_ROWS = "Choose an example and a protocol above to see its rows."
TABLE_NOTE = (
    f"Accuracy on the test set; {SPREAD}. {MARK_EXPLAINED} The authors' numbers for images come from one seed, at the "
    "best epoch on the test set, with the 512 features of torchvision's complete ResNet-18. Their hybrid network is "
    "called quantum here, their classical one mlp."
)
COMMANDS = (
    "Every row from a terminal: `python -m core paper run --all`; one row: `python -m core paper run ROW`; the names "
    "of rows: `python -m core paper list`."
)

CLOSED_FORM_TITLE = "What the circuit computes when training begins"
CLOSELY_TITLE = "One example closely"

NOTHING_RUNS = "Press a row's button to run it again; its result appears here."
FEATURES_FIRST = "Training then takes seconds."
GOES_ON = "It continues when you close this page."
READY = "everything it needs is here"
MEASURING = "measuring how long that takes"
NOT_MEASURED = "How long it takes was not measured: press the row's button again."

NO_NOTEBOOK = "The notebook's networks have not been run here yet: `python -m core paper run --all`."
NO_RUNS = "No run on these data is stored yet."


def impossible(parameter: str, value: str, allowed: str) -> str:
    """What the address asks for and the page does not have."""
    return f"{parameter} = {value!r} is not possible: use {allowed}."


def passes(n_images: int, takes: str) -> str:
    """What has to happen before a head can be trained on features that are missing."""
    return f"the network must process {n_images:,} images once; {takes}"


def epochs_on_images(epochs: int, n_images: int, takes: str) -> str:
    """What a row takes whose every epoch needs the whole network."""
    return f"{epochs} epochs of {n_images:,} images through the whole network; {takes}"


def takes_about(time: str) -> str:
    """How long something takes that was measured a moment ago."""
    return f"about {time} on this machine at its present load"


def circuit_at_start(n_angles: int, n_parameters: int) -> str:
    """What comes before the products of the closed form."""
    return (
        f"The paper's head for ants and bees has {n_parameters:,} trained parameters behind the 512 features of "
        f"ResNet-18; {n_angles} of them are angles in the circuit, which start at about 0.01 radians. With all angles "
        "at zero only the circuit's CNOTs remain, and the circuit has a closed form. With "
        r"$s_i = -\sin\left(\tfrac{\pi}{2}\tanh z_i\right)$ for the four outputs $z_i$ of the first linear layer, the "
        "four measured values are"
    )


def circuit_in_training(n_classical: int) -> str:
    """What follows from the closed form."""
    return (
        "So training starts next to an ordinary classical function: two linear layers with a sine between them and, at "
        "depth 5 and 6, some products of those sines. Nothing in it needs a quantum computer. The difference between "
        f"the two accuracies is what training the angles adds; the other {n_classical:,} parameters are classical."
    )


def samples(n_train: int, n_test: int, source: str) -> str:
    """How many samples a data set has, and where they come from."""
    return f"{n_train:,} training and {n_test:,} test samples. {source}."


def plane(command: str) -> str:
    """What the decision regions of the notebook's networks show."""
    return f"Colour: the class that each of the notebook's networks predicts. Points: the 200 test points. `{command}`"


def no_images(dataset: str) -> str:
    """Why no image is shown, and how to get them."""
    return (
        "The images are not on this machine; the features that ship were made from them. "
        f"`python -m core features --dataset {dataset} --download` downloads them."
    )
