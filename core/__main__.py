"""The laboratory from a terminal: ``python -m core COMMAND``; ``--help`` lists the commands and their options."""

import argparse
import sys
from importlib import import_module
from typing import NoReturn

from core.errors import LabError

COMMANDS = {
    "train": "train one head, many seeds at once",
    "features": "extract, list, pack and check features of images",
    "paper": "the paper's examples, reported beside measured",
    "compare": "compare the quantum head with its rivals and give a verdict",
    "bench": "time training steps, also against other simulators",
}
"""Name → what it does; each is a module of `core.commands` with add_arguments and run, loaded when it is asked for."""


class Parser(argparse.ArgumentParser):
    """Answers a mistake with one sentence instead of the whole usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{message} (see {self.prog} --help)\n")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 if it worked, 2 if something it was given is wrong, 130 if it was interrupted."""
    parser = Parser(prog="python -m core", description="Train and compare hybrid quantum-classical networks.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    arguments = sys.argv[1:] if arguments is None else arguments
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, allow_abbrev=False)
        if name in arguments[:1]:
            module = import_module(f"core.commands.{name}")
            command.description = module.__doc__
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    given = parser.parse_args(arguments)
    try:
        return given.run(given)
    except LabError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted; everything measured so far is kept.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
