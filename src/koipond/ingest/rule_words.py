"""Why rows are put aside, as people read it (隔离原因), in the three languages."""

from collections.abc import Mapping

RULE_WORDS: Mapping[str, Mapping[str, str]] = {
    "totals_row": {
        "zh": "合计行，不是订单",
        "en": "a row of totals, no order",
        "id": "baris total, bukan pesanan",
    },
    "unparsable": {"zh": "该字段无法识别", "en": "the field cannot be read", "id": "kolom tidak terbaca"},
    "missing_field": {
        "zh": "缺少必填字段",
        "en": "a field that is needed is empty",
        "id": "kolom wajib kosong",
    },
    "missing_amount": {"zh": "金额为空", "en": "the amount is empty", "id": "jumlah kosong"},
    "missing_customer": {
        "zh": "无法识别是哪位客户（手机号等为空或不可读）",
        "en": "nobody is named: phone, e-mail and id are empty or cannot be read",
        "id": "tidak menyebut siapa pun: telepon, surel, dan id kosong atau tidak terbaca",
    },
    "missing_order": {"zh": "缺少订单号", "en": "no order number", "id": "tanpa nomor pesanan"},
    "no_head": {
        "zh": "订单表中没有该订单",
        "en": "the file of heads does not hold its order",
        "id": "berkas induk tidak memuat pesanannya",
    },
    "missing_at": {"zh": "缺少时间", "en": "no time", "id": "tanpa waktu"},
    "future_at": {"zh": "时间在未来", "en": "the time lies in the future", "id": "waktu di masa depan"},
    "conflicting_order": {
        "zh": "同一订单的各行互相矛盾",
        "en": "the rows of one order contradict each other",
        "id": "baris satu pesanan saling bertentangan",
    },
    "duplicate_line_id": {
        "zh": "同一行号内容不同",
        "en": "one line number stands for two contents",
        "id": "satu nomor baris untuk dua isi",
    },
    "unknown_status": {"zh": "状态词未知", "en": "the status is not known", "id": "status tidak dikenal"},
    "repeated_row": {
        "zh": "与文件其他位置的一行完全相同",
        "en": "equal to a row elsewhere in the file",
        "id": "sama dengan baris lain dalam berkas",
    },
}
"""Rule → language → reason; one for each of `koipond.ingest.model.ROW_RULES`."""
