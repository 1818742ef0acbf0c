"""The laboratory from a terminal: ``python -m core COMMAND``; ``--help`` lists the commands and their options."""

import argparse
import os
import sys
from importlib import import_module
from io import TextIOWrapper
from typing import NoReturn

from core.errors import LabError

COMMANDS = {
    "train": "train one head, many seeds at once",
    "features": "extract, list, pack and check features of images",
    "paper": "the paper's examples, reported beside measured",
    "compare": "compare the quantum head with its rivals and give a verdict",
    "defaults": "train the runs that ship for untouched controls",
    "bench": "time training steps, also against other simulators",
}
"""Name → what it does; each is a module of `core.commands` with add_arguments and run, loaded when it is asked for."""


class Parser(argparse.ArgumentParser):
    """Answers a mistake with one sentence instead of the whole usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{message} (see {self.prog} --help)\n")


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status.

    0: it worked. 2: something it was given is wrong. 130: it was interrupted. 141: nobody reads its output any more,
    as for a program that SIGPIPE kills.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that has no ± shows a question mark
    try:
        try:
            return _run(sys.argv[1:] if arguments is None else arguments)
        finally:
            sys.stdout.flush()  # that the reader has gone is found here, not while Python ends
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            os.dup2(nowhere, stream.fileno())
        return 141


def _run(arguments: list[str]) -> int:
    parser = Parser(prog="python -m core", description="Train and compare hybrid quantum-classical networks.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
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
