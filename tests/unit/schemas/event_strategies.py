"""Any event of any type, made from the fields of its model."""

from __future__ import annotations

import types
from datetime import UTC
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from schemas.codec import Context
from schemas.events import EVENTS, Event, answer_id_of
from schemas.record import Draft, Position, Record

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)
_TIMES = st.datetimes(timezones=st.just(UTC)).map(lambda time: time.isoformat(timespec="milliseconds").replace("+00:00", "Z"))


def any_event() -> st.SearchStrategy[Event]:
    """An event of any type."""
    return st.one_of([events_of(event) for event in EVENTS.values()])


def events_of(event: type[Event]) -> st.SearchStrategy[Event]:
    """Events of one type."""
    fields = _fields_of(event)
    if event.__name__ == "FeedbackGiven":  # says something
        fields = fields.filter(lambda found: any(found.get(name) for name in ("thumb", "stars", "correction", "comment", "tags")))
    if event.__name__ == "RegenerationAsked":  # asks for another answer to its own question
        fields = fields.map(_of_its_question).filter(lambda found: len(found["sibling"].answer_id) <= 200)
    return fields.map(lambda found: event(**found))


def contexts() -> st.SearchStrategy[Context]:
    """Where a record may come from."""
    position = st.builds(Position, st.just("queries"), st.integers(0, 99), st.integers(0, 2**62))
    source, trace = st.sampled_from(["/roxy/api", "/roxy/worker"]), st.just("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    return st.builds(Context, source, trace, st.none() | position, st.booleans())


def record_of(draft: Draft, offset: int = 7) -> Record:
    """The draft as it would be read."""
    return Record("queries", 3, offset, draft.key, draft.value, draft.headers)


def _of_its_question(found: dict[str, Any]) -> dict[str, Any]:
    sibling = found["sibling"]
    return {**found, "sibling": sibling.model_copy(update={"answer_id": f"{answer_id_of(found['query_id'])}.{sibling.answer_id}"})}


def _fields_of(model: type[BaseModel]) -> st.SearchStrategy[dict[str, Any]]:
    needed = {name: _field(name, field) for name, field in model.model_fields.items() if field.is_required()}
    optional = {name: _field(name, field) for name, field in model.model_fields.items() if not field.is_required()}
    return st.fixed_dictionaries(needed, optional=optional)


def _field(name: str, field: FieldInfo) -> st.SearchStrategy[Any]:
    return _TIMES if name == "time" else _values(field.annotation, tuple(field.metadata))


def _values(annotation: Any, rules: tuple[Any, ...] = ()) -> st.SearchStrategy[Any]:
    """Values of a type, as the events use them; a type that is not known here fails the test."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _values(parts[0], _flat(parts[1:]))
    if origin is Literal:
        return st.sampled_from(parts)
    if origin in (Union, types.UnionType):
        return st.one_of([_values(part, rules) for part in parts])
    if origin is tuple and parts[-1] is Ellipsis:
        return st.lists(_values(parts[0]), max_size=3).map(tuple)
    if origin is tuple:
        return st.tuples(*(_values(part) for part in parts))
    if origin is dict:
        return st.dictionaries(_values(parts[0]), _values(parts[1]), max_size=3)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _fields_of(annotation).map(lambda found: annotation(**found))
    return _plain(annotation, rules)


def _plain(annotation: Any, rules: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if annotation is str:
        return _texts(rules)
    if annotation is int:
        return st.integers(_rule(rules, annotated_types.Ge, "ge", -(2**53)), _rule(rules, annotated_types.Le, "le", 2**53))
    kinds: dict[Any, st.SearchStrategy[Any]] = {
        float: st.floats(allow_nan=False, allow_infinity=False),
        bool: st.booleans(),
        type(None): st.none(),
        Any: _JSON,
    }
    return kinds[annotation]


def _texts(rules: tuple[Any, ...]) -> st.SearchStrategy[str]:
    pattern = next((rule.pattern for rule in rules if getattr(rule, "pattern", None)), None)
    if pattern is None:
        return st.text(min_size=_rule(rules, annotated_types.MinLen, "min_length", 0), max_size=30)
    return st.from_regex(pattern.replace("$", r"\Z")).filter(lambda text: len(text) <= _rule(rules, annotated_types.MaxLen, "max_length", 200))


def _rule(rules: tuple[Any, ...], kind: type, name: str, without: int) -> int:
    return next((getattr(rule, name) for rule in rules if isinstance(rule, kind)), without)


def _flat(rules: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(part for rule in rules for part in (rule.metadata if isinstance(rule, FieldInfo) else (rule,)))
