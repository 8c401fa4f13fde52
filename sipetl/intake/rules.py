"""What mapping can find wrong in a file, in sentences for the letter to its sender."""

from __future__ import annotations

RULES: dict[str, tuple[str, str]] = {
    "MAP-CAST": (
        "The text is not a number or date of the kind this column has.",
        "Mend the cell and send the file again.",
    ),
    "MAP-CODE": ("The code is not one that this layout knows.", "Mend the code, or tell us what it means."),
    "MAP-CODE-NULL": (
        "The layout takes this code for no value, and every row must have one here.",
        "Nothing for the sender to do: the receiving office lists the code under the layout's 'null', so that a cell of a "
        "melted or 'when' column makes no row, or leaves such rows out with 'rows_drop' (docs/layout-language.md).",
    ),
    "MAP-DISTRICT": ("The row belongs to another district.", "Send only your own district's rows."),
    "MAP-ENUM": ("The value is not one of the allowed ones.", "Mend the cell and send the file again."),
    "MAP-ID": (
        "The identifier is empty or was turned into a number by a spreadsheet.",
        "Export identifiers as text.",
    ),
    "MAP-MISSING-COLUMN": (
        "The file lacks a column that this layout usually has.",
        "Check the export's column list.",
    ),
    "MAP-NAME": (
        "Only the file's name can say this, and it does not.",
        "Name the file as its layout expects, or give it by flag: --day, --window or --school-year.",
    ),
    "MAP-NO-YEAR": (
        "The school year cannot be told from the row's dates nor from the file's name.",
        "Mend the dates, name the file as its layout expects, or give --school-year.",
    ),
    "MAP-NULL": ("A value that every row must have is missing.", "Fill the cell and send the file again."),
    "MAP-RAGGED": ("The row has another number of cells than the header.", "Check quotes and separators in the row."),
    "MAP-REPEAT": (
        "The row repeats another row exactly; it was taken once.",
        "Nothing to do, unless there are many: then look why the export repeats them.",
    ),
    "MAP-SCHOOL": ("The school is not in the crosswalk on the row's day.", "Mend the code, or have it added."),
    "MAP-UNKNOWN-COLUMN": (
        "The file has a column that this layout does not know.",
        "Nothing to do unless it matters.",
    ),
    "MAP-UNLISTED": (
        "The code is none that this layout lists; it was taken as unknown.",
        "Mend the code, or tell us what it means.",
    ),
    "MAP-YEAR": (
        "The row's date and the school year of the file disagree; the date was believed.",
        "Check the year.",
    ),
}
"""Rule id -> what is wrong, and what the sender can do."""
