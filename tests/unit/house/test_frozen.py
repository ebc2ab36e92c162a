"""Our frozen dataclasses do what the standard library's do."""

from __future__ import annotations

import dataclasses
import inspect
from dataclasses import field
from typing import Any, ClassVar

import pytest

from responder.model import frozen


def made(decorator: Any) -> tuple[type, type]:
    @decorator(frozen=True)
    class Base:
        """What it holds."""

        SHARED: ClassVar[int] = 1
        first: int
        second: str = "two"
        third: dict[str, int] = field(default_factory=dict)
        hidden: int = field(default=0, repr=False, compare=False)

    @decorator(frozen=True, kw_only=True)
    class Derived(Base):
        fourth: float

        def __post_init__(self) -> None:
            if self.fourth < 0:
                raise ValueError("negative")

    return Base, Derived


OURS, THEIRS = made(frozen.dataclass), made(dataclasses.dataclass)


def test_instances_are_shown_compared_and_replaced_alike() -> None:
    for (base, derived) in (OURS, THEIRS):
        value = derived(1, "2", {"a": 1}, fourth=2.0)
        assert repr(value) == "made.<locals>.Derived(first=1, second='2', third={'a': 1}, fourth=2.0)"
        assert value == dataclasses.replace(value, hidden=7) != dataclasses.replace(value, first=2)
        assert base(1) != derived(1, fourth=2.0) and base(1) == base(1) and base(1) != 1
        assert base(1).third is not base(1).third
        assert dataclasses.asdict(base(1)) == {"first": 1, "second": "two", "third": {}, "hidden": 0}
        assert base.__doc__ == "What it holds."


def test_equal_instances_have_one_hash_and_those_that_hold_a_dict_have_none() -> None:
    for (base, _) in (OURS, THEIRS):
        assert hash(base(1, "2", ())) == hash(base(1, "2", ()))
        with pytest.raises(TypeError, match="unhashable"):
            hash(base(1))


@pytest.mark.parametrize(("arguments", "named"), [((), {}), ((1, "2", {}, 0, 5.0), {}), ((1,), {"fifth": 5})])
def test_wrong_arguments_are_refused_with_the_same_words(arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
    words = []
    for (base, _) in (OURS, THEIRS):
        with pytest.raises(TypeError) as refused:
            base(*arguments, **named)
        words.append(str(refused.value))
    assert words[0] == words[1]


def test_nothing_can_be_set_or_deleted() -> None:
    for (base, derived) in (OURS, THEIRS):
        for value in (base(1), derived(1, fourth=1.0)):
            with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'first'"):
                value.first = 2
            with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'first'"):
                del value.first


def test_post_init_is_called() -> None:
    for (_, derived) in (OURS, THEIRS):
        with pytest.raises(ValueError, match="negative"):
            derived(1, fourth=-1.0)


def test_a_class_that_was_not_called_yet_has_its_signature() -> None:
    (_, ours), (_, theirs) = made(frozen.dataclass), made(dataclasses.dataclass)
    assert list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters)
    assert [parameter.annotation for parameter in inspect.signature(ours).parameters.values()] == [
        parameter.annotation for parameter in inspect.signature(theirs).parameters.values()]
    assert (ours.__match_args__, ours.__dataclass_fields__.keys()) == (
        theirs.__match_args__, theirs.__dataclass_fields__.keys())


def test_a_subclass_that_is_called_first_leaves_its_base_whole() -> None:
    base, _ = made(frozen.dataclass)
    plain = type("Plain", (base,), {})
    assert plain(3).first == base(3).first == 3


def test_only_frozen_classes_are_made() -> None:
    with pytest.raises(TypeError, match="those that change"):
        frozen.dataclass(frozen=False)(int)
