"""Reviewed YAML files become checked models, and every fault names its file and line (decision 12).

Registry, layouts, contracts, metrics, policies and plans are all read here, so that a wrong key, type or
indent is told in one way. Anchors are allowed; merge keys and tags of one's own are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from yaml import MappingNode, MarkedYAMLError, Node, ScalarNode, SequenceNode, YAMLError

from sipetl.errors import RegistryError
from sipetl.registry.spelling import CHOICES, CURES, nearest
from sipetl.registry.spelling import cure as mend_by_name

Location = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)


class _Yaml12(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The fast parser with the plain values of YAML 1.2: `no` and `on` are words, `0035` is a number of ten's."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}


_PLAIN = {
    "null": (r"~|null|Null|NULL|", ("~", "n", "N", "")),
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    "float": (
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.nan|\.NaN|\.NAN",
        "-+.0123456789",
    ),
    "merge": (r"<<", "<"),
}
"""Kind of plain value -> what it looks like, and how it begins: the core schema of YAML 1.2.2 (10.3.2)."""
for _kind, (_pattern, _first) in _PLAIN.items():
    _Yaml12.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(f"^(?:{_pattern})$"), list(_first))


_Yaml12.add_implicit_resolver("tag:yaml.org,2002:timestamp", yaml.SafeLoader.timestamp_regexp, list("0123456789"))


def _whole_number(_: Any, node: ScalarNode) -> int:
    """Leading zeros do not make a number of eight's."""
    base = {"0o": 8, "0x": 16}.get(node.value[:2], 10)
    return int(node.value, base)


_Yaml12.add_constructor("tag:yaml.org,2002:int", _whole_number)


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML file as plain values, and the line of every key and item in it."""

    path: Path
    data: Any
    lines: Mapping[Location, int]

    def line_of(self, at: Sequence[str | int]) -> int:
        """The 1-based line of a place; of its nearest known ancestor where the place itself is not there.

        Parts the file does not have are stepped over: pydantic puts names of union members among them.
        """
        known: Location = ()
        for part in at:
            if (*known, part) in self.lines:
                known = (*known, part)
        return self.lines[known]

    def where(self, at: Sequence[str | int]) -> str:
        """The place as `file:line`."""
        return f"{self.path}:{self.line_of(at)}"


def read_document(path: Path) -> Document:
    """Read one YAML file.

    Raises:
        RegistryError: the first fault, when the file is not there or is not plain YAML.
    """
    document, errors = _read(path)
    if errors:
        raise errors[0]
    return document


def load_model(path: Path, model: type[Model]) -> Model:
    """Read one YAML file as a model.

    Raises:
        RegistryError: the first fault; `check_model` gives all of them.
    """
    loaded, errors = _load(path, model)
    if loaded is None:
        raise errors[0]
    return loaded


def check_model(path: Path, model: type[BaseModel]) -> list[RegistryError]:
    """All faults of one YAML file, in the order of its lines; empty when it is good."""
    return _load(path, model)[1]


def _load(path: Path, model: type[Model]) -> tuple[Model | None, list[RegistryError]]:
    document, errors = _read(path)
    if errors:
        return None, errors
    try:
        return model.model_validate(document.data), []
    except ValidationError as failure:
        faults = [_fault(document, model, error) for error in failure.errors(include_url=False)]
        return None, [error for _, error in sorted(faults, key=lambda fault: fault[0])]


def _read(path: Path) -> tuple[Document, list[RegistryError]]:
    nothing = Document(path, None, {(): 1})
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as failure:
        why = failure.strerror or type(failure).__name__
        return nothing, [RegistryError("the file cannot be read", where=str(path), why=why)]
    except UnicodeDecodeError:
        cure = "save it as UTF-8"
        return nothing, [RegistryError("the file is not UTF-8 text", where=str(path), cure=cure)]
    document, errors = _parsed(path, text)
    return document, list(errors)


@lru_cache(maxsize=256)
def _parsed(path: Path, text: str) -> tuple[Document, tuple[RegistryError, ...]]:
    """Parsing takes most of the time that a small home needs to open, and a registry is read more than once."""
    nothing = Document(path, None, {(): 1})
    loader = _Yaml12(text)
    try:
        root = loader.get_single_node()
    except YAMLError as failure:
        return nothing, (_not_yaml(path, text, failure),)
    finally:
        loader.dispose()
    if root is None:
        return nothing, ()
    reader = _Reader(path, loader)
    data = reader.value(root, ())
    return Document(path, data, reader.lines), tuple(reader.errors)


def _not_yaml(path: Path, text: str, failure: YAMLError) -> RegistryError:
    problem, line = str(failure).partition("\n")[0], 1
    if isinstance(failure, MarkedYAMLError):
        problem = ", ".join(str(part) for part in (failure.context, failure.problem) if part) or problem
        line = failure.problem_mark.line + 1 if failure.problem_mark else 1
    is_tab = any(written.lstrip(" ").startswith("\t") for written in text.splitlines()[line - 1 : line])
    cure = "indent with spaces" if is_tab else "mend the YAML here or on the line above"
    return RegistryError("this is not valid YAML", where=f"{path}:{line}", why=problem, cure=cure)


@dataclass(slots=True)
class _Reader:
    """Turns composed nodes into values, keeping lines and collecting faults."""

    path: Path
    loader: _Yaml12
    lines: dict[Location, int] = field(default_factory=dict)
    errors: list[RegistryError] = field(default_factory=list)
    open_nodes: set[int] = field(default_factory=set)

    def value(self, node: Node, at: Location) -> Any:
        self.lines.setdefault(at, _line(node))
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if id(node) in self.open_nodes:
            return self._refuse(node, "an anchor holds itself", cure="write the part out")
        self.open_nodes.add(id(node))
        items: Any = None
        if isinstance(node, MappingNode):
            items = self._mapping(node, at)
        elif isinstance(node, SequenceNode):
            items = [self.value(item, (*at, index)) for index, item in enumerate(node.value)]
        self.open_nodes.discard(id(node))
        return items

    def _mapping(self, node: MappingNode, at: Location) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            if key in result:
                first = self.lines[(*at, key)]
                self._refuse(key_node, f"the key {key!r} is here twice", why=f"first on line {first}")
                continue
            self.lines[(*at, key)] = _line(key_node)
            result[key] = self.value(value_node, (*at, key))
        return result

    def _key(self, node: Node) -> Any:
        if not isinstance(node, ScalarNode):
            return self._refuse(node, "a key must be a single word or number")
        if node.tag == "tag:yaml.org,2002:merge":
            return self._refuse(node, "merge keys (<<) are not read", cure="write the keys out")
        return self._scalar(node)

    def _scalar(self, node: ScalarNode) -> Any:
        try:
            return self.loader.construct_object(node)
        except YAMLError:
            return self._refuse(node, "a tag of one's own (!...) is not read", cure="write the plain value")
        except ValueError as failure:
            return self._refuse(node, "the value looks like a date or number but is none", why=str(failure))
        except (AttributeError, KeyError, IndexError):  # a tag of the standard on a text that it does not fit
            return self._refuse(node, "the value is not what its tag (!!...) says", cure="write the plain value")

    def _refuse(self, node: Node, what: str, *, why: str = "", cure: str = "") -> None:
        where = f"{self.path}:{_line(node)}"
        self.errors.append(RegistryError(what, where=where, why=why, cure=cure))


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


def _fault(document: Document, model: type[BaseModel], error: ErrorDetails) -> tuple[tuple[int, str], RegistryError]:
    context = error.get("ctx", {})
    at = (*error["loc"], *context.get("at", ()))
    name, kind = dotted(at), error["type"]
    what = str(error["msg"]).removeprefix("Value error, ")
    why, cure = str(context.get("why", "")), str(context.get("cure", CURES.get(kind, "")))
    if kind == "extra_forbidden":
        what, cure = f"the key {at[-1]!r} is not known", _nearest(model, at)
    elif kind == "missing":
        what = f"the key {at[-1]!r} is missing"
    elif kind in CHOICES:
        cure = mend_by_name(str(error["input"]), re.findall(r"'([^']*)'", str(context.get("expected", ""))))
    if name and kind not in {"extra_forbidden", "missing"}:
        what = f"{name}: {what}"
    line = document.line_of(at)
    return (line, name), RegistryError(what, where=f"{document.path}:{line}", why=why, cure=cure)


def dotted(at: Sequence[str | int]) -> str:
    """A place in a document as people write it: `mags[0].due`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in at)
    return "".join(parts).removeprefix(".")


def _nearest(model: type[BaseModel], at: Location) -> str:
    known = sorted(_keys_at(model, at[:-1]))
    close = nearest(str(at[-1]), known, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known here: {', '.join(known)}" if known else "remove it"


def _keys_at(model: type[BaseModel], at: Location) -> set[str]:
    """The keys that the models at a place know; the steps a file does not have are stepped over."""
    kinds = set(_models(model))
    for part in at:
        stepped = {found for kind in kinds for found in _models(_annotation(kind, part))}
        kinds = stepped or kinds
    return {name for kind in kinds for name in _names(kind)}


def _annotation(model: type[BaseModel], part: str | int) -> Any:
    for name, info in model.model_fields.items():
        if part in {name, info.alias}:
            return info.annotation
    return None


def _names(model: type[BaseModel]) -> set[str]:
    return {info.alias or name for name, info in model.model_fields.items()}


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models inside an annotation: itself, members of a union, items of a container."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
