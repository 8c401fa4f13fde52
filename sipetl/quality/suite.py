"""The rules of one feed, as reviewed data: a Great Expectations 1.24 suite in JSON.

First step of the room: `load_suite` reads the file, `check_suite` finds every fault a reviewer can be
told about before a delivery comes; `run_suite` executes it. GX itself loads the same file, and
`read_suite` any file of GX: only a feed's own suite must name its rules.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import Any, NoReturn

from pydantic import ValidationError

from sipetl.errors import RegistryError
from sipetl.quality.gx_types import BroughtTypesError, is_registered, named_columns
from sipetl.quality.ruletype import Way
from sipetl.quality.sql import Columns, RuleError
from sipetl.quality.types import TYPES
from sipetl.registry.spelling import cure as spelled

_LIST_START = re.compile(r'"expectations"\s*:\s*\[')
_SPACE = re.compile(r"[\s,]*")
_PLAINLY = {"tuple_type": "it must be a list", "extra_forbidden": "the type does not have it"}
"""What pydantic would say in words of Python."""


class Severity(StrEnum):
    """What a failure means; GX's own words."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class Action(StrEnum):
    """What a failed critical rule does to the delivery (`meta.action`)."""

    QUARANTINE = "quarantine"
    REJECT_FILE = "reject_file"


@dataclass(frozen=True, slots=True)
class Expectation:
    """One rule: a GX expectation with our `meta`.

    `text` and `cure` are sentences for the letter; `line` is where the rule starts in its file.
    """

    rule_id: str
    type: str
    kwargs: Mapping[str, Any]
    severity: Severity = Severity.CRITICAL
    action: Action = Action.QUARANTINE
    text: str = ""
    cure: str = ""
    line: int = 0
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Suite:
    """The rules of one feed, in the order of their file."""

    name: str
    expectations: tuple[Expectation, ...]
    file: Path = Path()


def load_suite(path: Path) -> Suite:
    """Read a feed's suite; its rules are not yet checked against types and columns.

    Raises:
        RegistryError: not JSON, not a suite, or a rule without `rule_id`, `type` or a known severity.
    """
    suite = read_suite(path)
    for rule in suite.expectations:
        if not rule.meta.get("rule_id"):
            _refuse(path, rule.line, "a rule has no meta.rule_id", cure="give each rule its own rule_id")
    return suite


def read_suite(path: Path) -> Suite:
    """Read any suite of GX; a rule without `meta.rule_id` goes by its `id`, or by its place.

    The older names of GX 0.x, `expectation_suite_name` and `expectation_type`, are read too.

    Raises:
        RegistryError: not JSON, not a suite, or a rule without `type` or a known severity.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        raw = json.loads(text)
    except (OSError, UnicodeDecodeError):
        raise RegistryError("the suite cannot be read", where=str(path)) from None
    except json.JSONDecodeError as error:
        _refuse(path, error.lineno, "the suite is not JSON", why=error.msg)
    name = isinstance(raw, dict) and (raw.get("name") or raw.get("expectation_suite_name"))
    if not name or not isinstance(raw.get("expectations"), list):
        _refuse(path, 1, "this is not a suite", why="it needs 'name' and a list 'expectations'")
    lines = chain(_rule_lines(text), repeat(1))
    rules = (
        _expectation(path, line, rule, number)
        for number, (rule, line) in enumerate(zip(raw["expectations"], lines, strict=False), 1)
    )
    return Suite(name=str(name), expectations=tuple(rules), file=path)


def check_suite(suite: Suite, columns: Mapping[str, str]) -> list[RegistryError]:
    """Find what is wrong with a suite for a batch with these columns (name to DuckDB type); empty when all is well."""
    seen = Counter(rule.rule_id for rule in suite.expectations)
    batch = Columns.of(columns.items())
    faults = []
    for rule in suite.expectations:
        if seen[rule.rule_id] > 1:
            faults.append(_fault(suite, rule, "rule_id is used twice", cure="give each rule its own rule_id"))
        faults.extend(_check_rule(suite, rule, batch))
    return faults


def _rule_lines(text: str) -> Iterator[int]:
    start = _LIST_START.search(text)
    decoder, at = json.JSONDecoder(), start.end() if start else len(text)
    while (at := _skip_space(text, at)) < len(text) and text[at] != "]":
        yield text.count("\n", 0, at) + 1
        _, at = decoder.raw_decode(text, at)


def _skip_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _expectation(path: Path, line: int, raw: object, number: int) -> Expectation:
    rule = raw if isinstance(raw, dict) else {}
    meta, kwargs = rule.get("meta") or {}, rule.get("kwargs", {})
    kind = rule.get("type") or rule.get("expectation_type")
    if not isinstance(kind, str) or not isinstance(kwargs, dict) or not isinstance(meta, dict):
        _refuse(path, line, f"rule {number} needs a 'type' and an object 'kwargs'")
    rule_id = str(meta.get("rule_id") or rule.get("id") or f"rule-{number}")
    try:
        severity = Severity(rule.get("severity") or "critical")
        action = Action(meta.get("action", "quarantine"))
    except ValueError as error:
        words = f"severity is one of {', '.join(Severity)}; action one of {', '.join(Action)}"
        _refuse(path, line, f"rule {rule_id}: {error}", cure=words)
    return Expectation(
        rule_id=rule_id,
        type=kind,
        kwargs=kwargs,
        severity=severity,
        action=action,
        text=str(meta.get("text", "")),
        cure=str(meta.get("cure", "")),
        line=line,
        meta=meta,
    )


def _check_rule(suite: Suite, rule: Expectation, columns: Columns) -> Iterator[RegistryError]:
    known = TYPES.get(rule.type)
    if known is None:
        yield from _check_foreign(suite, rule, columns)
        return
    if known.way is Way.NEVER:
        yield _fault(suite, rule, "this type cannot be run on a batch", why=known.note, cure="take the rule out")
        return
    try:
        kwargs = known.kwargs.model_validate(rule.kwargs)
    except ValidationError as error:
        takes = f"correct it; the type takes {', '.join(known.kwargs.names())}"
        for name, why in _wrong_kwargs(error).items():
            yield _fault(suite, rule, f"kwargs {name}".rstrip() + " cannot be used", why=why, cure=takes)
        return
    absent = list(_absent(suite, rule, kwargs.columns(), columns))
    yield from absent
    if known.plan and not absent and not kwargs.is_foreign:
        yield from _try_plan(suite, rule, partial(known.plan, kwargs, columns))


def _check_foreign(suite: Suite, rule: Expectation, columns: Columns) -> Iterator[RegistryError]:
    """Look at a rule of a type that GX may have from another package, and would run itself."""
    try:
        if is_registered(rule.type):
            yield from _absent(suite, rule, named_columns(rule.kwargs), columns)
        else:
            cure = spelled(rule.type, sorted(TYPES), "see docs/expectations.md")
            yield _fault(suite, rule, "unknown type", cure=cure)
    except BroughtTypesError as error:
        yield _fault(suite, rule, "unknown type", why=str(error), cure="mend or remove that package")


def _absent(suite: Suite, rule: Expectation, names: Iterable[str], columns: Columns) -> Iterator[RegistryError]:
    listed = f"use one of: {', '.join(columns.kinds)}"
    for name in names:
        if name not in columns.kinds:
            mend = spelled(name, sorted(columns.kinds), listed)
            yield _fault(suite, rule, f"no column {name!r} in the contract", cure=mend)


def _try_plan(suite: Suite, rule: Expectation, plan: Callable[[], object]) -> Iterator[RegistryError]:
    """Plan the rule as for a batch: a bound or a pattern may not fit the column's type."""
    try:
        plan()
    except RuleError as error:
        yield _fault(suite, rule, str(error), cure="correct the rule, or name another column")


def _wrong_kwargs(error: ValidationError) -> dict[str, str]:
    """Name each wrong keyword once: pydantic tells every branch of a union it tried."""
    wrong: dict[str, str] = {}
    for detail in error.errors(include_url=False, include_input=False, include_context=False):
        why = _PLAINLY.get(detail["type"], detail["msg"])
        wrong.setdefault(str(detail["loc"][0]) if detail["loc"] else "", why)
    return wrong


def _fault(suite: Suite, rule: Expectation, what: str, *, why: str = "", cure: str = "") -> RegistryError:
    where = f"{suite.file}:{rule.line}"
    return RegistryError(f"rule {rule.rule_id} ({rule.type}): {what}", where=where, why=why, cure=cure)


def _refuse(path: Path, line: int, what: str, *, why: str = "", cure: str = "") -> NoReturn:
    raise RegistryError(what, where=f"{path}:{line}", why=why, cure=cure) from None
