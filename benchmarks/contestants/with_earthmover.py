"""earthmover: the CSV through its transformations into JSON lines, the way its assessment bundles work."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from clock import report

# earthmover renders its whole configuration first: what rows shall render must pass it as it is
CONFIG = """
version: 2
config: {{output_dir: {folder}, log_level: ERROR, show_stacktrace: true}}
sources:
  attendance: {{file: {source}, header_rows: 1}}
transformations:
  flagged:
    source: $sources.attendance
    operations:
      - operation: add_columns
        columns:
          present: "{{% raw %}}{{{{'1' if att_code in ('P', 'T', 'D') else '0'}}}}{{% endraw %}}"
          excused: "{{% raw %}}{{{{'1' if att_code == 'AE' else '0'}}}}{{% endraw %}}"
          tardy: "{{% raw %}}{{{{'1' if att_code == 'T' else '0'}}}}{{% endraw %}}"
      - operation: drop_columns
        columns: [student_name, att_code]
destinations:
  attendance: {{source: $transformations.flagged, extension: jsonl, linearize: true, template: {template}}}
"""
NAMES = ("student_number", "school_code", "att_date", "present", "excused", "tardy")


def intake(source: str, target: str) -> None:
    folder = Path(target)
    folder.mkdir(parents=True, exist_ok=True)
    template = folder / "row.jsont"
    template.write_text("{" + ", ".join(f'"{name}": "{{{{{name}}}}}"' for name in NAMES) + "}", encoding="utf-8")
    config = folder / "earthmover.yaml"
    config.write_text(CONFIG.format(folder=folder, source=source, template=template), encoding="utf-8")
    program = Path(sys.executable).parent / "earthmover"
    command = [str(program), "run", "-c", str(config), "--skip-hashing"]
    report(lambda: subprocess.run(command, check=True), lambda _: _look(folder / "attendance.jsonl"))  # noqa: S603


def _look(file: Path) -> dict[str, Any]:
    students, days, counts = set(), set(), dict.fromkeys(("rows", "absent", "excused", "tardy"), 0)
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            students.add(row["student_number"])
            days.add(row["att_date"])
            for name, is_so in (("rows", True), ("absent", row["present"] == "0"), ("excused", row["excused"] == "1"), ("tardy", row["tardy"] == "1")):  # fmt: skip
                counts[name] += is_so
    return {**counts, "students": len(students), "first": min(days), "last": max(days)}


if __name__ == "__main__":
    {"intake": intake}[sys.argv[1]](*sys.argv[2:])
