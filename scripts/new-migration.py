"""Write the next migration from the difference between `tables.py` and a fresh, upgraded warehouse.

Usage: python scripts/new-migration.py "what changes"; then read what it wrote.
"""

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import text

from sipetl.settings import load_settings
from sipetl.warehouse import open_warehouse, tables

scripts = Path(__file__).parent.parent / "sipetl" / "warehouse" / "migrations"
with tempfile.TemporaryDirectory() as home, open_warehouse(load_settings(home=Path(home))) as warehouse:
    config = Config()
    config.set_main_option("script_location", str(scripts))
    with warehouse.owner.begin() as connection:
        for schema in tables.SCHEMAS:
            connection.execute(text(f"create schema if not exists {schema}"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        number = len(list((scripts / "versions").glob("*.py"))) + 1
        command.revision(config, message=sys.argv[1], autogenerate=True, rev_id=f"{number:04d}")
