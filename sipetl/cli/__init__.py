"""The command line: one program, `sipetl`. Every DAG task is one of these calls.

Exit status: 0 done; 4 done, with findings a person must look at; 2 the call or the configuration is wrong; 3 a store
or a connection failed; 1 is a defect of ours (design/cli.md).
"""

from sipetl.cli import admin, arriving, figures, holds, layouts, loads, plans, releases, setup
from sipetl.cli.app import app, main

COMMANDS = (setup, layouts, loads, holds, figures, plans, arriving, releases, admin)
"""The modules whose commands the program has; importing them registers them."""

__all__ = ["COMMANDS", "app", "main"]
