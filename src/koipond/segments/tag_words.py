"""What the report on tags says (标签时效报告的词), in the three languages."""

from collections.abc import Mapping

_NAMES = (
    *("tag_group", "value", "source", "holders", "lingering", "expiring", "gained", "lost", "review_due"),
    *("oldest_on", "refreshed_on", "issues"),
)
_COLUMNS = {
    "zh": "标签组,标签,来源,人数,仅因有效期保留,7天内到期,30天新增,30天移除,待复核,最早确认日,刷新日,问题",
    "en": "group,tag,source,people,lingering,expiring,gained,lost,to review,oldest,refreshed,issues",
    "id": "grup,tag,sumber,orang,tertahan,segera berakhir,masuk,keluar,ditinjau,tertua,diperbarui,masalah",
}
TAG_COLUMNS: Mapping[str, Mapping[str, str]] = {
    language: dict(zip(_NAMES, words.split(","), strict=True)) for language, words in _COLUMNS.items()
}
"""Language → column of the report → its heading."""
TAG_SOURCES: Mapping[str, Mapping[str, str]] = {
    "zh": {"auto": "规则", "manual": "手工"},
    "en": {"auto": "rule", "manual": "by hand"},
    "id": {"auto": "aturan", "manual": "manual"},
}
TAG_ISSUES: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "never_refreshed": "从未刷新",
        "failed": "刷新失败",
        "definition_changed": "定义已改，尚未刷新",
        "too_old": "超过一天未刷新",
        "nobody": "没有人",
        "nearly_everybody": "几乎人人都有",
        "review_due": "有手工标签待复核",
    },
    "en": {
        "never_refreshed": "never refreshed",
        "failed": "refresh failed",
        "definition_changed": "definition changed since the refresh",
        "too_old": "not refreshed for more than a day",
        "nobody": "nobody has it",
        "nearly_everybody": "nearly everybody has it",
        "review_due": "given by hand long ago: look again",
    },
    "id": {
        "never_refreshed": "belum pernah diperbarui",
        "failed": "pembaruan gagal",
        "definition_changed": "definisi berubah sejak pembaruan",
        "too_old": "lebih dari sehari tidak diperbarui",
        "nobody": "tidak ada yang memilikinya",
        "nearly_everybody": "hampir semua orang memilikinya",
        "review_due": "diberikan manual sudah lama: tinjau lagi",
    },
}
