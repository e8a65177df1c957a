"""Fact contracts (事实表): the columns of the datasets that imports and the loop itself write.

Instants are whole UTC seconds since 1970 (``*_s``), days whole local days since 1970-01-01 (``*_day``),
money integer minor units (``*_fen`` in the workspace currency, whatever its name). No identifier of a person
appears here: only ``customer_no`` (dense, for bitmaps) and ``customer_uid`` (opaque). Source: design §2, §5.
"""

from types import MappingProxyType

import pyarrow as pa

_I32, _I64, _STR, _BOOL = pa.int32(), pa.int64(), pa.string(), pa.bool_()

_FACTS: dict[str, pa.Schema] = {
    # one row a customer known by any import; joined_* null when nothing says when
    "customers": pa.schema(
        {
            "customer_no": _I32,
            "customer_uid": _STR,
            "joined_s": _I64,
            "joined_day": _I32,
            "member": _BOOL,  # current member of the brand's programme
            "follower": _BOOL,  # follows an official account
            "friend": _BOOL,  # WeCom friend of a member of staff
            "staff": _BOOL,  # out of every experiment and metric (science D5)
            "minor": _BOOL,
            "profiling_refused": _BOOL,  # in no layer, segment or model (design §7)
            "import_no": _I32,
        }
    ),
    # any further fact about a person, with its source and time; number_value when it reads as a number
    "traits": pa.schema(
        {
            "customer_no": _I32,
            "name": _STR,
            "text_value": _STR,
            "number_value": pa.float64(),
            "at_s": _I64,
            "source": _STR,
            "import_no": _I32,
        }
    ),
    # key (source, order_id); amounts before refunds; status paid | pending | cancelled
    "orders": pa.schema(
        {
            "order_no": _I64,  # unique number of ours, joins order_lines
            "source": _STR,
            "order_id": _STR,
            "customer_no": _I32,
            "at_s": _I64,  # the earliest line
            "day": _I32,
            "gross_fen": _I64,
            "discount_fen": _I64,
            "net_fen": _I64,
            "status": _STR,
            "channel": _STR,
            "store": _STR,
            "staff": _STR,
            "coupon": _STR,
            "line_count": _I32,
            "import_no": _I32,
        }
    ),
    "order_lines": pa.schema(
        {
            "order_no": _I64,
            "line_id": _STR,
            "customer_no": _I32,
            "at_s": _I64,
            "day": _I32,
            "sku": _STR,
            "category": _STR,
            "quantity_milli": _I64,  # thousandths, so that 0.35 kg stays exact
            "amount_fen": _I64,
            "discount_fen": _I64,
            "import_no": _I32,
        }
    ),
    # amount_fen is money given back; order_id null = not linked to an order (science D).
    # key (source, refund_id): the id of its own in the file, else made of its content
    "refunds": pa.schema(
        {
            "source": _STR,
            "refund_id": _STR,
            "order_id": _STR,
            "customer_no": _I32,
            "at_s": _I64,
            "day": _I32,
            "sku": _STR,
            "quantity_milli": _I64,
            "amount_fen": _I64,
            "import_no": _I32,
        }
    ),
    "events": pa.schema(
        {
            "event_id": _STR,
            "source": _STR,
            "customer_no": _I32,
            "name": _STR,
            "at_s": _I64,
            "day": _I32,
            "sku": _STR,
            "amount_fen": _I64,
            "properties": _STR,  # JSON object, declared properties only
            "import_no": _I32,
        }
    ),
    "products": pa.schema(
        {
            "sku": _STR,
            "name": _STR,
            "category": _STR,
            "price_fen": _I64,
            "margin_fen": _I64,  # margin of one piece sold at price; null when unknown
            "import_no": _I32,
        }
    ),
    # consent as the gate sees it, with noes of merged numbers and of the address; the log is in the store
    "consents": pa.schema(
        {
            "customer_no": _I32,
            "channel": _STR,
            "purpose": _STR,  # marketing | transactional | profiling
            "granted": _BOOL,
            "at_s": _I64,
        }
    ),
    # who may not be reached at all, also for a co-holder of the address; channel '*' = all
    "suppressions": pa.schema({"customer_no": _I32, "channel": _STR, "reason": _STR, "at_s": _I64}),
    # addresses exist per channel; the address itself stays in the store
    "reachable": pa.schema({"customer_no": _I32, "channel": _STR, "import_no": _I32}),
    # who shares an address with others, which makes them one inbox (同址收件箱)
    "inboxes": pa.schema({"customer_no": _I32, "kind": _STR, "inbox_no": _I32}),
    # touches whose cap slot is taken: sent by us or imported from an older tool
    "touches": pa.schema(
        {
            "touch_key": _STR,
            "customer_no": _I32,
            "strategy": _STR,
            "strategy_version": _I32,
            "play": _STR,
            "variant": _STR,
            "channel": _STR,
            "purpose": _STR,
            "at_s": _I64,
            "day": _I32,
            "content": _STR,  # content fingerprint
            "cost_fen": _I64,
            "state": _STR,
            "import_no": _I32,
        }
    ),
    # delivered | opened | clicked | replied | complained | unsubscribed | unfriended
    "responses": pa.schema({"touch_key": _STR, "customer_no": _I32, "kind": _STR, "at_s": _I64, "day": _I32}),
    # arms, recorded when first drawn (science D6), touched later or not: scope = global or a strategy's
    # key, arm = touch | holdout; play and variant as the candidate had them then
    "assignments": pa.schema(
        {
            "scope": _STR,
            "customer_no": _I32,
            "arm": _STR,
            "play": _STR,
            "variant": _STR,
            "drawn_s": _I64,
            "drawn_day": _I32,
            "strategy_version": _I32,
            "plan": _STR,
        }
    ),
    # Grade Changed: every change of a held value grade; null = none held. The last one up to a day counts
    "grade_changes": pa.schema(
        {
            "change_no": _I64,
            "customer_no": _I32,
            "from_grade": _STR,
            "to_grade": _STR,
            "day": _I32,
            "definition_version": _I32,
        }
    ),
    # merged customers: facts keep their own number, readers follow the link
    "identity_links": pa.schema({"customer_no": _I32, "survivor_no": _I32}),
    # people an operator confirmed as flagged by a quality rule: in no report, counted in each
    "left_out": pa.schema({"rule": _STR, "customer_no": _I32}),
    # rows that an import put aside; values = JSON of their texts, without identifiers
    "quarantine": pa.schema(
        {
            "import_no": _I32,
            "row": _I64,
            "rule": _STR,
            "field": _STR,
            "customer_no": _I32,
            "values": _STR,
        }
    ),
    # imports whose rows count, published with them; result = JSON of ImportResult
    "imports": pa.schema(
        {
            "import_no": _I32,
            "kind": _STR,
            "source": _STR,
            "file": _STR,
            "fingerprint": _STR,
            "at_s": _I64,
            "read": _I64,
            "kept": _I64,
            "result": _STR,
        }
    ),
}

REPLACEABLE: tuple[str, ...] = ("customers", "traits", "orders", "order_lines", "refunds", "products")
"""Facts of which a later import replaces rows; ``replaced_<dataset>`` keeps them for undo, with the cause."""

FACTS: MappingProxyType[str, pa.Schema] = MappingProxyType(
    _FACTS | {f"replaced_{name}": _FACTS[name].append(pa.field("replaced_by", _I32)) for name in REPLACEABLE}
)
