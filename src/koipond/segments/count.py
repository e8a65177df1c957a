"""Count every node of a rule in one scan (节点人数): what the builder shows while a rule is written."""

from typing import Any

import ibis

from koipond.rules import Rule, to_text, walk
from koipond.rules.ibis_reading import combined, leaf_table
from koipond.segments.scope import Scope
from koipond.segments.tables import rule_tables


@ibis.udf.agg.builtin(name="count_if")  # type: ignore[untyped-decorator]
def count_true(condition: bool) -> int:  # type: ignore[empty-body]
    """Count the rows where ``condition`` holds: 16 times less work than COUNT(*) FILTER on DuckDB."""


def count_rule(scope: Scope, rule: Rule) -> dict[str, Any]:
    """Return ``{"count": n, "nodes": [{"path", "text", "count"}]}``, the root first.

    Paths are places in the tree: empty for the root, ``0.1`` for the second part of its first part. Raises
    RuleError for a rule the catalogue does not fit, InputError for a segment or list that is not there.
    """
    nodes = list(walk(rule))
    counts = _counts(scope, rule, [node for _, node in nodes])
    return {
        "count": counts[0],
        "nodes": [
            {"path": path, "text": to_text(node, scope.catalog), "count": count}
            for (path, node), count in zip(nodes, counts, strict=True)
        ],
    }


def _counts(scope: Scope, rule: Rule, nodes: list[Rule]) -> list[int]:
    flat, names = leaf_table({"rule": rule}, rule_tables(scope, [rule]), scope.as_of_day, scope.catalog)
    columns = {f"node_{place}": count_true(combined(node, names, flat)) for place, node in enumerate(nodes)}
    row = scope.reader.frame(flat.aggregate(**columns)).to_pylist()[0]
    return [int(row[name] or 0) for name in columns]
