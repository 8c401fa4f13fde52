"""The generator of districts: vendor-shaped inbox files, registry, plans, and their answer key.

It stands outside the pipeline: it imports nothing of sipetl but the registry's models, so that what the pipeline
computes can be held against what the generator knows.
"""

from sipetl.demo.generate import generate
from sipetl.demo.names import Canary
from sipetl.demo.script import Day, Planted, Script

__all__ = ["Canary", "Day", "Planted", "Script", "generate"]
