"""The sentences of `why`, in zh, en and id, one a reason; names in braces are `PlayAnswer.numbers`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from koipond.kernel import in_language
from koipond.rules.labels import LANGS

HEADINGS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "zh": {"plays": "各打法：", "segments": "人群：", "in": "在其中", "out": "不在其中"},
        "en": {"plays": "Plays:", "segments": "Segments:", "in": "member", "out": "not a member"},
        "id": {"plays": "Taktik:", "segments": "Segmen:", "in": "anggota", "out": "bukan anggota"},
    }
)

UNREAL_PERSON = (
    "已由 {by} 于 {at} 确认为异常客户（{rule}），不计入任何分层、人群、计划和报告",
    "was confirmed as unreal ({rule}) by {by} on {at}, and is in no layer, segment, plan or report",
    "dipastikan tidak nyata ({rule}) oleh {by} pada {at}; tidak dihitung di lapisan, segmen, rencana, atau"
    " laporan mana pun",
)
"""Of somebody whom an operator confirmed as unreal (case U14)."""

PEOPLE_RULE_WORDS: MappingProxyType[str, tuple[str, str, str]] = MappingProxyType(
    {
        "test_account": ("测试账号", "test account", "akun uji"),
        "reward_chaser": ("薅羊毛", "reward chaser", "pemburu hadiah"),
        "abnormal_frequency": ("频次异常", "abnormal frequency", "frekuensi tidak wajar"),
    }
)

DECIDED: MappingProxyType[str, tuple[str, str, str]] = MappingProxyType(
    {
        "priority": (
            "优先级 {theirs} 高于 {mine}",
            "priority {theirs} against {mine}",
            "prioritas {theirs} melawan {mine}",
        ),
        "key": (
            "两者优先级同为 {mine}，按标识的字母顺序 {detail} 在 {own} 之前；要改变，请设置不同的 priority",
            "both have priority {mine}, and {detail} comes before {own} in alphabetical order of keys; give"
            " them different priorities to decide otherwise",
            "keduanya berprioritas {mine}, dan {detail} mendahului {own} menurut urutan abjad kunci; beri"
            " prioritas berbeda untuk menentukan lain",
        ),
        "before": ("它排在前面", "it came first", "yang lebih dulu"),
        "play": (
            "同一策略内，按标识的字母顺序靠前的打法优先",
            "another play of the same strategy, first in alphabetical order of keys",
            "permainan lain dari strategi yang sama, lebih dulu menurut urutan abjad kunci",
        ),
    }
)
"""What decided between two plays that wanted one customer (case U17)."""

SENTENCES: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "touch": (
            "将于 {due_at} 通过{channel}触达{variant_words}。",
            "will be touched by {channel} at {due_at}{variant_words}.",
            "akan dihubungi lewat {channel} pada {due_at}{variant_words}.",
        ),
        "not_in_audience": (
            "不在人群“{audience}”中，未满足的条件：{failed_words}。",
            "not in the audience '{audience}'; what does not hold: {failed_words}.",
            "tidak termasuk audiens '{audience}'; yang tidak terpenuhi: {failed_words}.",
        ),
        "not_running": (
            "策略今天不运行（{dates}）。",
            "the strategy does not run today ({dates}).",
            "strategi tidak berjalan hari ini ({dates}).",
        ),
        "stale_segment": (
            "人群 {detail} 不够新，不能用于发送；请运行 koipond refresh。",
            "segment {detail} is not fresh enough to send to; run: koipond refresh.",
            "segmen {detail} tidak cukup baru untuk pengiriman; jalankan: koipond refresh.",
        ),
        "staff": (
            "是员工，不做营销触达。",
            "is staff, who get no marketing.",
            "adalah staf; tidak mendapat pemasaran.",
        ),
        "suppressed": (
            "已被停止触达：{why_words}，自 {since} 起（{channel}）。",
            "may not be reached on {channel}: {why_words} since {since}.",
            "tidak boleh dihubungi lewat {channel}: {why_words} sejak {since}.",
        ),
        "suppressed_at_address": (
            "不能通过{channel}触达：使用同一地址的另一位客户已被停止触达"
            "（{why_words}，自 {since} 起），对该地址有效。",
            "may not be reached on {channel}: another customer at the same address is barred"
            " ({why_words} since {since}), and that belongs to the address.",
            "tidak boleh dihubungi lewat {channel}: pelanggan lain di alamat yang sama dihentikan"
            " ({why_words} sejak {since}), dan itu berlaku untuk alamatnya.",
        ),
        "minor": (
            "是未成年人，不做营销触达。",
            "is a minor, who get no marketing.",
            "di bawah umur; tidak mendapat pemasaran.",
        ),
        "no_address": (
            "没有可用的{channel}联系方式。",
            "has no address on {channel}.",
            "tidak punya alamat di {channel}.",
        ),
        "no_consent": (
            "没有同意通过{channel}接收{purpose}信息（{consent}）。",
            "has not agreed to {purpose} messages by {channel} ({consent}).",
            "belum menyetujui pesan {purpose} lewat {channel} ({consent}).",
        ),
        "no_consent_at_address": (
            "使用同一地址的另一位客户于 {refused_at} 拒绝了通过{channel}接收{purpose}信息，"
            "拒绝对该地址有效；本人之后再次同意才可触达。",
            "another customer at the same address refused {purpose} messages by {channel} on {refused_at},"
            " and a no belongs to the address; their own later yes would open it again.",
            "pelanggan lain di alamat yang sama menolak pesan {purpose} lewat {channel} pada {refused_at},"
            " dan penolakan berlaku untuk alamatnya; persetujuannya sendiri sesudah itu membukanya lagi.",
        ),
        "holdout_global": (
            "在全局对照组中，不做营销触达，直到 {until}。",
            "is in the global hold-out and gets no marketing until {until}.",
            "termasuk kelompok pembanding global dan tidak mendapat pemasaran sampai {until}.",
        ),
        "holdout": (
            "在该策略的对照组（{rate}）中，用来衡量效果，不触达。",
            "is in this strategy's hold-out ({rate}), against which its effect is measured.",
            "termasuk kelompok pembanding strategi ini ({rate}), tempat efeknya diukur.",
        ),
        "re_entry": (
            "上次进入该策略是 {last_at}，{days} 天内不再进入；{free_at} 后可以。",
            "was last touched by this strategy at {last_at}; it waits {days} days, until {free_at}.",
            "terakhir dihubungi strategi ini pada {last_at}; menunggu {days} hari, sampai {free_at}.",
        ),
        "re_entry_unsent": (
            "已用掉该策略 {on} 的机会，但没有发出任何内容；{free_at} 后的计划可以再次选中。",
            "has used up this strategy's turn of {on}, and nothing was sent; plans from {free_at} on may"
            " choose them again.",
            "giliran strategi ini pada {on} sudah terpakai, dan tidak ada yang terkirim; rencana sejak"
            " {free_at} boleh memilihnya lagi.",
        ),
        "duplicate_content": (
            "{last_at} 已收到同样的内容（{said_by}）；{free_at} 后可以。",
            "got the same content at {last_at} (from {said_by}); free again at {free_at}.",
            "sudah menerima isi yang sama pada {last_at} (dari {said_by}); bebas lagi {free_at}.",
        ),
        "template_error": (
            "话术缺少变量 {detail}，无法渲染。",
            "has no value for {detail}, which the text requires.",
            "tidak punya nilai untuk {detail}, yang diwajibkan teks.",
        ),
        "frequency_cap": (
            "已达频次上限“{detail}”：{window} 内 {count} 次（上限 {touches_max}）；{free_at} 后可以。",
            "has reached the cap '{detail}': {count} of at most {touches_max} in {window};"
            " free at {free_at}.",
            "mencapai batas '{detail}': {count} sentuhan dalam {window} (paling banyak {touches_max});"
            " bebas lagi {free_at}.",
        ),
        "priority_lost": (
            "让给了策略 {detail}（{decided}）：同一计划中每人最多一次营销触达。",
            "goes to strategy {detail} ({decided}): one marketing touch a customer and plan.",
            "diserahkan kepada strategi {detail} ({decided}): satu sentuhan pemasaran per orang per rencana.",
        ),
        "priority_lost_at_address": (
            "让给了使用同一地址的另一位客户：同一地址在同一计划中最多收到一次营销触达。",
            "goes to another customer at the same address: one marketing touch an address and plan.",
            "diserahkan kepada pelanggan lain di alamat yang sama: satu sentuhan pemasaran per alamat"
            " per rencana.",
        ),
        "platform_quota": (
            "{channel}今天的配额 {quota} 已分给价值更高的客户。",
            "today's quota of {channel} ({quota}) went to customers of higher value.",
            "kuota {channel} hari ini ({quota}) diberikan kepada pelanggan bernilai lebih tinggi.",
        ),
        "budget": (
            "{detail}（{limit}）已用完或已分给价值更高的客户。",
            "{detail} ({limit}) is used up or went to customers of higher value.",
            "{detail} ({limit}) habis atau diberikan kepada pelanggan bernilai lebih tinggi.",
        ),
        "budget_codes": (
            "券码 {list} 已发 {issued} 张、剩 {left} 张，剩下的优先给价值更高的客户。",
            "of the codes of list {list}, {issued} are issued and {left} are left; customers of higher value"
            " come first.",
            "dari kode daftar {list}, {issued} sudah diberikan dan {left} tersisa; pelanggan bernilai lebih"
            " tinggi didahulukan.",
        ),
        "budget_code_lapsed": (
            "他在 {list} 的券码已过期，同一列表每人只发一张（已发 {issued} 张、剩 {left} 张）。",
            "their code of list {list} has expired, and a customer gets one code of a list ({issued} issued,"
            " {left} left).",
            "kodenya dari daftar {list} sudah kedaluwarsa, dan tiap pelanggan mendapat satu kode per daftar"
            " ({issued} diberikan, {left} tersisa).",
        ),
        "negative_margin": (
            "成本 {cost} 高于一笔常规订单的毛利（客单价 {order}，毛利率 {margin}）。",
            "costs {cost}, more than an order of the usual size earns ({order} at a margin of {margin}).",
            "biayanya {cost}, melebihi laba pesanan biasa ({order} dengan margin {margin}).",
        ),
        "staff_capacity": (
            "没有员工有空处理。",
            "no member of staff has time for it.",
            "tidak ada staf yang punya waktu.",
        ),
    }
)

VARIANT = ("，版本 {variant}", ", variant {variant}", ", varian {variant}")
CONSENT = {
    "refused": ("{at} 拒绝", "refused on {at}", "ditolak pada {at}"),
    "never": ("从未表示", "never asked", "belum pernah ditanya"),
    "given": ("现已同意，{at}", "by now they have, on {at}", "sekarang sudah, pada {at}"),
}
SUPPRESSIONS = {
    "erased": ("个人信息已删除", "erased", "data pribadinya dihapus"),
    "complaint": ("投诉", "complained", "mengajukan keluhan"),
    "hard_bounce": ("地址无法送达", "the address bounced", "alamatnya tidak dapat dikirimi"),
    "unfriended": ("已删除好友", "left the chat", "meninggalkan percakapan"),
    "unreal": ("被确认为非真实客户", "confirmed as unreal", "dipastikan bukan pelanggan nyata"),
    "operator": ("运营人员停止", "stopped by an operator", "dihentikan oleh operator"),
}
LIFTED = ("现已解除", "taken back by now", "sekarang sudah dicabut")
UNSENT = (
    "原定 {due_at} 触达，但没有发出：{why}。",
    "was to be touched at {due_at}, and nothing was sent: {why}.",
    "semula akan dihubungi pada {due_at}, dan tidak ada yang terkirim: {why}.",
)
ERASED_PERSON = (
    "此客户的个人信息已于 {since} 删除，任何渠道都不再触达。",
    "was erased on {since}; nothing reaches them on any channel.",
    "data pribadinya dihapus pada {since}; tidak dihubungi lewat saluran apa pun.",
)
WINDOWS = {
    "rolling_days": ("{days} 天", "{days} days", "{days} hari"),
    "calendar_day": ("当天", "the calendar day", "hari kalender"),
    "calendar_week": ("当周", "the calendar week", "minggu kalender"),
    "calendar_month": ("当月", "the calendar month", "bulan kalender"),
}
NOBODY = (
    "不参与分层（拒绝画像或被质量规则排除）",
    "takes part in no segment (refuses profiling, or was excluded by quality)",
    "tidak ikut segmen mana pun (menolak pembuatan profil atau dikecualikan)",
)
DATES = {
    "paused": ("已暂停", "paused", "dijeda"),
    "stopped": ("{stopped}，{since}", "{stopped} {since}", "{stopped} {since}"),
    "before": ("{day} 开始", "starts on {day}", "mulai {day}"),
    "after": ("{day} 已结束", "ended on {day}", "berakhir {day}"),
}


def said(templates: tuple[str, str, str], **numbers: Any) -> dict[str, str]:
    """Return the sentence in each language; a value that is itself words by language is taken in its own."""
    return {
        language: template.format(
            **{
                name: value[language] if isinstance(value, Mapping) else in_language(value, language)
                for name, value in numbers.items()
            }
        )
        for language, template in zip(LANGS, templates, strict=True)
    }
