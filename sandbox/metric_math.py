"""CloudWatch's metric math, as far as the deployed alarms use it; anything else is refused.

Source: AWS's page "Using metric math". A value that is missing counts as 0 in arithmetic with one that is there, a
division by zero drops the data point, and so does a condition whose value is missing.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping

Values = Mapping[str, float | None]
"""Each metric's value in one period; None where it has none."""
Expression = Callable[[Values], float | None]
"""What an expression makes of them; None where it makes no data point."""
_ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: lambda a, b: a + b, ast.Sub: lambda a, b: a - b, ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b, ast.Pow: lambda a, b: a ** b}
_COMPARISONS: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Gt: lambda a, b: a > b, ast.GtE: lambda a, b: a >= b, ast.Lt: lambda a, b: a < b, ast.LtE: lambda a, b: a <= b,
    ast.Eq: lambda a, b: a == b, ast.NotEq: lambda a, b: a != b}


def compiled(expression: str) -> Expression:
    """Return an expression as a function; raises ValueError for what is not known here."""
    return _compiled(ast.parse(expression.replace("IF(", "IF_(").replace("^", "**"), mode="eval").body)


def _compiled(node: ast.AST) -> Expression:
    match node:
        case ast.Constant(value=int() | float() as number):
            return _constant(float(number))
        case ast.Name(id=name):
            return lambda values: values[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _arithmetic(_ARITHMETIC[ast.Sub], lambda values: 0.0, _compiled(operand))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            return _arithmetic(_ARITHMETIC[type(op)], _compiled(left), _compiled(right))
        case ast.Compare(left=left, ops=[test], comparators=[right]) if type(test) in _COMPARISONS:
            return _arithmetic(_COMPARISONS[type(test)], _compiled(left), _compiled(right))
        case ast.Call(func=ast.Name(id="ABS"), args=[operand]):
            inner = _compiled(operand)
            return lambda values: None if (value := inner(values)) is None else abs(value)
        case ast.Call(func=ast.Name(id="FILL"), args=[ast.Name(id=name), ast.Constant(value=int() | float() as number)
                                                      ]):
            return _filled(name, float(number))
        case ast.Call(func=ast.Name(id="IF_"), args=[condition, yes, no]):
            return _choice(_compiled(condition), _compiled(yes), _compiled(no))
    raise ValueError(f"metric math that the sandbox does not know: {ast.dump(node)}")


def _constant(number: float) -> Expression:
    return lambda values: number


def _filled(name: str, filler: float) -> Expression:
    return lambda values: filler if (value := values[name]) is None else value


def _arithmetic(what: Callable[[float, float], float], left: Expression, right: Expression) -> Expression:
    constant = _is_constant(left) or _is_constant(right)

    def value(values: Values) -> float | None:
        a, b = left(values), right(values)
        if (a is None and b is None) or (constant and (a is None or b is None)):
            return None
        try:
            result = what(a or 0.0, b or 0.0)
        except ZeroDivisionError:
            return None
        # The root of a negative number is no number.
        return None if isinstance(result, complex) else float(result)

    return value


def _is_constant(expression: Expression) -> bool:
    """Whether a side is a number: with a number alone, a value that is missing stays missing."""
    try:
        return expression({}) is not None
    except KeyError:
        return False


def _choice(condition: Expression, yes: Expression, no: Expression) -> Expression:
    def value(values: Values) -> float | None:
        chosen = condition(values)
        if chosen is None:
            return None
        # A true condition whose value is missing gives 0 ("Using IF expressions"); a false one drops the data point.
        return (yes(values) or 0.0) if chosen else no(values)

    return value
