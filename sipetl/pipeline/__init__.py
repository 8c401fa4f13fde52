"""The stages joined: what a command, or a DAG's task, calls. One function per stage, each safe to run twice."""

from sipetl.pipeline.asked import Flags
from sipetl.pipeline.home import OpenHome, open_home
from sipetl.pipeline.ingest import ingest
from sipetl.pipeline.outcome import DeliveryOutcome

__all__ = ["DeliveryOutcome", "Flags", "OpenHome", "ingest", "open_home"]
