"""What anybody would write by hand in pandas, for the peers whose frames are pandas too."""

from __future__ import annotations

from typing import Any

import pandas as pd


def read_attendance(source: str) -> pd.DataFrame:
    """Rows with the three flags, as strings until they are cast."""
    frame = pd.read_csv(source, dtype=str, usecols=["student_number", "school_code", "att_date", "att_code"])
    frame["att_date"] = pd.to_datetime(frame["att_date"], format="%Y-%m-%d")
    frame["present"] = frame["att_code"].isin(["P", "T", "D"])
    frame["excused"] = frame["att_code"] == "AE"
    frame["tardy"] = frame["att_code"] == "T"
    return frame.drop(columns="att_code")


def look_at(frame: Any) -> dict[str, Any]:
    """The figures that all must agree on."""
    return {
        "rows": len(frame),
        "students": int(frame["student_number"].nunique()),
        "absent": int((~frame["present"]).sum()),
        "excused": int(frame["excused"].sum()),
        "tardy": int(frame["tardy"].sum()),
        "first": str(frame["att_date"].min())[:10],
        "last": str(frame["att_date"].max())[:10],
    }
