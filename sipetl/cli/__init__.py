"""The command line: one program, `sipetl`. Every DAG task is one of these calls.

Exit status: 0 done; 4 done, with findings a person must look at; 2 the call or the configuration is wrong; 3 a store
or a connection failed; 1 is a defect of ours (design/cli.md).
"""

from sipetl.cli import (
    admin,
    arriving,
    contracts,
    figures,
    holds,
    layouts,
    loads,
    notices,
    plans,
    releases,
    retracting,
    setup,
)
from sipetl.cli.app import app, main

COMMANDS = (setup, contracts, layouts, loads, retracting, holds, figures, plans, arriving, notices, releases, admin)
"""The modules whose commands the program has; importing them registers them."""

__all__ = ["COMMANDS", "app", "main"]
