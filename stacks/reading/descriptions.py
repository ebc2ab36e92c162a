"""What the docstrings below fields say of them: for messages, editors and the page of all fields."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Hashable
from functools import cache
from typing import Any


@cache
def _of_module(module: str) -> dict[str, tuple[str, dict[str, str]]]:
    """Return each class of a module with its docstring and those of its fields."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    found: dict[str, tuple[str, dict[str, str]]] = {}
    for node in (node for node in tree.body if isinstance(node, ast.ClassDef)):
        fields: dict[str, str] = {}
        for one, following in zip(node.body, [*node.body[1:], None], strict=True):
            if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and isinstance(
                    following, ast.Expr) and isinstance(following.value, ast.Constant):
                fields[one.target.id] = _plain(str(following.value.value))
        found[node.name] = (_plain(ast.get_docstring(node) or ""), fields)
    return found


def _plain(text: str) -> str:
    """Return a docstring in one line, with the code in it as Markdown has it."""
    return " ".join(inspect.cleandoc(text).replace("``", "`").split())


def of_class(kind: Any) -> str:
    """Return what a dataclass is, by its docstring."""
    return _looked_up(kind)[0]


def of_field(kind: Any, name: str) -> str:
    """Return what a field of a dataclass is, by the docstring below it; empty where there is none."""
    return _looked_up(kind)[1].get(name, "")


@cache
def _looked_up(kind: Hashable) -> tuple[str, dict[str, str]]:
    return _of_module(str(getattr(kind, "__module__", "")))[str(getattr(kind, "__name__", ""))]


def first_sentence(text: str) -> str:
    """Return a text up to its first full stop, without it."""
    for place in range(len(text)):
        if text[place] == "." and (place + 1 == len(text) or text[place + 1] == " "):
            return text[:place]
    return text
