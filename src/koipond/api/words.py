"""Words of the served pages in 简体中文, English and Bahasa Indonesia. Terms: docs/glossary.md."""

from types import MappingProxyType

from koipond.insights.words import Language

NAMES: MappingProxyType[Language, str] = MappingProxyType(
    {"zh": "中文", "en": "English", "id": "Bahasa Indonesia"}
)

PAGES: MappingProxyType[Language, MappingProxyType[str, str]] = MappingProxyType(
    {
        "zh": MappingProxyType(
            {
                "home": "总览",
                "inbox": "沙箱收件箱",
                "as_of": "统计日期",
                "version": "定义版本",
                "reports": "策略与增量报告",
                "strategy": "策略",
                "owner": "负责人",
                "metric": "主指标",
                "none": "还没有生效的策略：koipond playbook add …，然后 koipond apply",
                "segments": "人群包",
                "segment": "人群包",
                "customers": "人数",
                "freshness": "数据新鲜度",
                "fresh": "最新",
                "touches": "触达状态",
                "paused": "已暂停",
                "scope": "范围",
                "since": "开始于",
                "by": "操作人",
                "why": "原因",
                "state": "状态",
                "count": "数量",
                "no_touches": "还没有触达",
                "checks": "系统自检",
                "check": "检查项",
                "status": "结果",
                "ok": "通过",
                "messages": "{messages} 条消息，{touches} 次不同的触达",
                "empty": "还没有消息",
                "older": "更早",
                "newer": "更新",
            }
        ),
        "en": MappingProxyType(
            {
                "home": "Overview",
                "inbox": "Sandbox inbox",
                "as_of": "As of",
                "version": "Definition version",
                "reports": "Strategies and their lift reports",
                "strategy": "Strategy",
                "owner": "Owner",
                "metric": "Primary metric",
                "none": "No strategy is applied yet: koipond playbook add …, then koipond apply",
                "segments": "Segments",
                "segment": "Segment",
                "customers": "Customers",
                "freshness": "Freshness",
                "fresh": "fresh",
                "touches": "Touches by state",
                "paused": "Paused",
                "scope": "Scope",
                "since": "Since",
                "by": "By",
                "why": "Why",
                "state": "State",
                "count": "Touches",
                "no_touches": "No touch yet",
                "checks": "Invariants",
                "check": "Check",
                "status": "Status",
                "ok": "holds",
                "messages": "{messages} messages, {touches} different touches",
                "empty": "No message yet",
                "older": "Older",
                "newer": "Newer",
            }
        ),
        "id": MappingProxyType(
            {
                "home": "Ikhtisar",
                "inbox": "Kotak masuk uji coba",
                "as_of": "Per tanggal",
                "version": "Versi definisi",
                "reports": "Strategi dan laporan dampaknya",
                "strategy": "Strategi",
                "owner": "Penanggung jawab",
                "metric": "Metrik utama",
                "none": "Belum ada strategi yang berlaku: koipond playbook add …, lalu koipond apply",
                "segments": "Segmen",
                "segment": "Segmen",
                "customers": "Pelanggan",
                "freshness": "Kesegaran data",
                "fresh": "segar",
                "touches": "Sentuhan menurut status",
                "paused": "Dijeda",
                "scope": "Cakupan",
                "since": "Sejak",
                "by": "Oleh",
                "why": "Alasan",
                "state": "Status",
                "count": "Sentuhan",
                "no_touches": "Belum ada sentuhan",
                "checks": "Invarian",
                "check": "Pemeriksaan",
                "status": "Hasil",
                "ok": "terpenuhi",
                "messages": "{messages} pesan, {touches} sentuhan berbeda",
                "empty": "Belum ada pesan",
                "older": "Lebih lama",
                "newer": "Lebih baru",
            }
        ),
    }
)
