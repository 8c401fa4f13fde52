"""Small cells: which numbers of a release the public may see (design/warehouse.md, "Small cells")."""

from sipetl.disclosure.policy import Limits, Policy, load_policy
from sipetl.disclosure.primary import Code, Decided, decide

__all__ = ["Code", "Decided", "Limits", "Policy", "decide", "load_policy"]
