"""The program: its options, and how errors are told."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from sipetl.errors import SipetlError
from sipetl.settings import EngineName, Settings, load_settings

app = typer.Typer(
    name="sipetl",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="District extracts to benchmark statuses, and a flag for what is late.",
    epilog="Start with: sipetl demo",
)
messages = Console(stderr=True, soft_wrap=True)
"""For people: progress and messages, on standard error. Standard output is for results."""
NEEDS_A_PERSON = 4


class Options:
    """What the program was called with, before its command."""

    home: Path | None = None
    as_of: datetime | None = None
    debug: bool = False


@app.callback()
def options(
    home: Annotated[Path | None, typer.Option(help="The home [env: SIPETL_HOME; default ./sipetl-home]")] = None,
    as_of: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Act as on this day [env: SIPETL_AS_OF]")
    ] = None,
    debug: Annotated[bool, typer.Option(help="Show the traceback of an error")] = False,
) -> None:
    """Take the options that every command shares."""
    Options.home, Options.as_of, Options.debug = home, as_of, debug


def settings(engine: EngineName | None = None) -> Settings:
    """Settings from the environment and the program's options."""
    as_of = Options.as_of.date() if Options.as_of else None
    return load_settings(home=Options.home, as_of=as_of, engine=engine)


def main() -> None:
    """Run the program; an error is one short paragraph, a traceback only with `--debug`."""
    try:
        app()
    except SipetlError as error:
        _tell(error)
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        messages.print("Stopped. What was done so far is kept; run the same command to go on.")
        sys.exit(130)
    except Exception as error:  # the last resort: a person gets a sentence, never a traceback that may quote data
        if Options.debug:
            raise
        messages.print(
            f"[bold red]A defect of sipetl[/]: {type(error).__name__}. Run again with --debug to see where."
        )
        sys.exit(1)


def _tell(error: SipetlError) -> None:
    if Options.debug:
        messages.print_exception()
    messages.print(f"[bold red]Error[/] {escape(str(error))}", highlight=False)
