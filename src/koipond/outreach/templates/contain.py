"""Liquid that cannot hang, swell or look around. The library's four limits are not enough: a range literal
or a chain of filters escapes them, so ranges are refused at parsing and every filter is guarded.

Pure. Each rule stands for a measured escape; the hostile cases are in the tests of this module.
"""

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import wraps
from typing import Any

from liquid import BoundTemplate, Environment, Mode, RenderContext
from liquid.ast import Node
from liquid.builtin.expressions.primitive import IntegerLiteral, RangeLiteral
from liquid.exceptions import LiquidError
from liquid.expression import Expression
from liquid.undefined import StrictDefaultUndefined

from koipond.kernel import KoipondError, Message, joined

MAX_TEXT = 10_000
"""Longest value a filter may take or give, and longest message, in characters."""
MAX_ARGUMENT = 100
MAX_RANGE = 1_000
MAX_NUMBER = 10**15
MAX_SOURCE = 50_000
MAX_NODES = 1_000
MAX_WORK = 1_000_000
"""What all filters of one rendering may take and give together, in characters, and ten for each call."""
_SIZED = (str, bytes, list, tuple, dict, set, range)

# `date` knows "now", `safe` undoes escaping, the others make values nobody can proof-read.
_NO_FILTERS = ("date", "safe", "escapejs", "base64_encode", "base64_decode")
_NO_FILTERS_URL = ("base64_url_safe_encode", "base64_url_safe_decode")
_NO_TAGS = ("include", "render", "increment", "decrement", "tablerow")


class TemplateError(KoipondError):
    """A template that cannot be parsed, breaks a limit, or lacks a variable (exit 2)."""

    exit_code = 2
    code = "template_error"


class ContainedEnvironment(Environment):
    """Liquid with limits on depth, loops, memory and output; no partials, no clock, no raw output."""

    context_depth_limit = 8
    block_nesting_limit = 20
    loop_iteration_limit = 500  # of nested loops together; with MAX_NODES this bounds the time
    local_namespace_limit = 200_000
    output_stream_limit = 4 * MAX_TEXT  # bytes; the length in characters is checked after rendering

    def __init__(self, *, escape: bool) -> None:
        super().__init__(
            tolerance=Mode.STRICT, undefined=StrictDefaultUndefined, strict_filters=True, autoescape=escape
        )
        for name in (*_NO_FILTERS, *_NO_FILTERS_URL):
            self.filters.pop(name, None)
        for name in _NO_TAGS:
            self.tags.pop(name, None)
        for name, function in list(self.filters.items()):
            self.filters[name] = _guard(name, function)


def compile_liquid(source: str, *, escape: bool) -> BoundTemplate:
    """Parse ``source`` and refuse what could run away; raise TemplateError naming the line."""
    if len(source) > MAX_SOURCE:
        raise TemplateError(
            "the template has {count} characters; at most {max_source} are allowed",
            count=len(source),
            max_source=MAX_SOURCE,
        )
    try:
        template = _ENVIRONMENTS[escape].from_string(source)
        for expression in _expressions(template):
            if isinstance(expression, RangeLiteral):
                _refuse_wide(expression)
    except TemplateError:
        raise
    except Exception as error:  # the parser raises ValueError, RecursionError and more on hostile input
        raise TemplateError(_words(error)) from error
    return template


def render_liquid(template: BoundTemplate, values: dict[str, Any]) -> str:
    """Render within the limits; raise TemplateError, never anything else."""
    token = _work.set([0])
    try:
        text = template.render(values)
    except TemplateError:
        raise
    except Exception as error:  # chained arithmetic raises ValueError, an undefined in a filter TypeError
        raise TemplateError(_words(error)) from error
    finally:
        _work.reset(token)
    if len(text) > MAX_TEXT:
        raise TemplateError(
            "the message has {count} characters; at most {max_text} are allowed",
            count=len(text),
            max_text=MAX_TEXT,
        )
    return text


def _guard(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def guarded(value: Any, *arguments: Any, **named: Any) -> Any:
        size = _check(name, "input", value, MAX_TEXT)
        settings = ("context", "environment")
        for argument in (*arguments, *(v for k, v in named.items() if k not in settings)):
            _check(name, "argument", argument, MAX_ARGUMENT)
        result = function(value, *arguments, **named)
        size += _check(name, "result", result, MAX_TEXT)
        _charge(size + 10)
        return result

    return guarded


def _charge(size: int) -> None:
    work = _work.get(None)
    if work is None:  # constant expressions may be evaluated while parsing
        return
    work[0] += size
    if work[0] > MAX_WORK:
        raise TemplateError(
            "the filters of this template do more than {max_work} characters of work", max_work=MAX_WORK
        )


def _check(name: str, role: str, value: Any, limit: int) -> int:
    """Refuse a value beyond ``limit``; return its length, 0 for what has none."""
    # type() and issubclass(): isinstance() asks an undefined for its __class__, which raises
    kind = type(value)
    if issubclass(kind, _SIZED) and len(value) > limit:
        raise TemplateError(
            "filter '{name}': its {role} is longer than {limit}", name=name, role=role, limit=limit
        )
    if issubclass(kind, int) and abs(value) > MAX_NUMBER:
        raise TemplateError(
            "filter '{name}': its {role} is larger than {max_number}",
            name=name,
            role=role,
            max_number=MAX_NUMBER,
        )
    return len(value) if issubclass(kind, _SIZED) else 0


def _refuse_wide(literal: RangeLiteral) -> None:
    start, stop = literal.start, literal.stop
    if not (isinstance(start, IntegerLiteral) and isinstance(stop, IntegerLiteral)):
        raise TemplateError("a range needs two whole numbers, such as (1..5)")
    if abs(stop.value - start.value) >= MAX_RANGE:
        raise TemplateError(
            "the range {literal} is too wide; at most {max_range} steps are allowed",
            literal=literal,
            max_range=MAX_RANGE,
        )


def _expressions(template: BoundTemplate) -> Iterator[Expression]:
    context = RenderContext(template)
    nodes: list[Node] = list(template.nodes)
    seen = 0
    while nodes:
        node = nodes.pop()
        seen += 1
        if seen > MAX_NODES:
            raise TemplateError("the template has more than {max_nodes} parts", max_nodes=MAX_NODES)
        nodes.extend(node.children(context, include_partials=True))
        pending = list(node.expressions())
        while pending:
            expression = pending.pop()
            yield expression
            pending.extend(expression.children())


def _words(error: Exception) -> str:
    if isinstance(error, LiquidError) and error.token is not None:
        line = error.token.source.count("\n", 0, error.token.start_index) + 1
        return Message("line {line}: {fault}", line=line, fault=str(error).splitlines()[0])
    fault = str(error).splitlines()[0] if str(error) else Message("no detail")
    return joined(": ", (type(error).__name__, fault))


_work: ContextVar[list[int]] = ContextVar("work of the filters of this rendering")
_ENVIRONMENTS = {escape: ContainedEnvironment(escape=escape) for escape in (False, True)}
