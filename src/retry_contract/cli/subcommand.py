"""What a subcommand of the command line is, and how argparse gets it."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

REPEATABLE = {"action": "append", "default": []}


@dataclass(frozen=True)
class Subcommand:
    """A subcommand. Each option is its names, metavar (a flag has none), help, and more keywords.

    Without a description, `about` is one too. The rest is named as argparse names it.
    """

    name: str
    run: Callable[[argparse.Namespace], int]
    about: str
    epilog: str
    options: tuple[tuple[Any, ...], ...] = ()
    description: str = ""
    usage: str | None = None

    @property
    def option_names(self) -> tuple[str, ...]:
        """The names of its options, each with its dashes."""
        words = (word for names, *_ in self.options for word in names.split())
        return ("--help", *(word for word in words if word.startswith("-")))

    def add_to(self, commands: Any) -> None:
        """Add it to the subcommands of a parser."""
        parser = commands.add_parser(
            self.name,
            usage=self.usage,
            help=self.about,
            description=self.description or f"{self.about[0].upper()}{self.about[1:]}.",
            epilog=self.epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        for names, metavar, text, *more in self.options:
            form = {"metavar": metavar} if metavar else {"action": "store_true"}
            parser.add_argument(*names.split(), **{"help": text, **form, **dict(*more)})
        parser.set_defaults(subcommand=self)
