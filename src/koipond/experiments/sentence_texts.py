"""The sentences' templates in Chinese, English and Indonesian. Pure data."""

TEXTS: dict[str, dict[str, str]] = {
    "zh": {
        "points": " 个百分点",
        "to": " 至 ",
        "lift": "，相对变化 {lift}，区间 {low} 至 {high}",
        "up": (
            "与对照组相比，{arm}的{metric}高出 {size}（{level}% 置信区间 {interval}{lift}），可以认定是"
            "本次运营带来的提升。"
        ),
        "down": (
            "与对照组相比，{arm}的{metric}低了 {size}（{level}% 置信区间 {interval}{lift}），可以认定是"
            "本次运营造成的下降。"
        ),
        "unknown": (
            "{arm}与对照组的{metric}目前分不出高低：真实差异可能在 {interval} 之间（{level}% 置信区间）"
            "。以现有人数，差异要到 {visible} 左右才能看出来，看不出差异不等于没有效果。"
        ),
        "alarm": ("各组人数与设定的分流比例不符（p = {p}）：分流或数据有问题，查清之前以下结论不可采信。"),
        "guard_safe": "护栏指标“{metric}”安全：即使{arm}有所恶化，幅度也不到 {margin}。",
        "guard_worse": "护栏指标“{metric}”已越线：{arm}的恶化超过 {margin}，建议停止。",
        "guard_unknown": "护栏指标“{metric}”尚无定论：还不能排除{arm}恶化超过 {margin}。",
        "plan_fixed": (
            "要有 {power}% 的把握看出{metric}变化 {size}，两组合计需要 {customers} 人，到期只看一次结果。"
        ),
        "plan_group_sequential": (
            "要有 {power}% 的把握看出{metric}变化 {size}，两组合计最多需要 {customers} 人，期间按计划查"
            "看 {looks} 次，效果明显时可以提前结束。"
        ),
        "plan_always_valid": (
            "要有 {power}% 的把握看出{metric}变化 {size}，两组合计需要约 {customers} 人，随时可以查看。"
        ),
    },
    "en": {
        "points": " percentage points",
        "to": " to ",
        "lift": ", relative {lift}, from {low} to {high}",
        "up": (
            "Against the control, {metric} in {arm} is higher by {size} ({level}% interval {interval}"
            "{lift}): the rise can be put down to the treatment."
        ),
        "down": (
            "Against the control, {metric} in {arm} is lower by {size} ({level}% interval {interval}"
            "{lift}): the fall can be put down to the treatment."
        ),
        "unknown": (
            "Whether {arm} changed {metric} is not known: the true difference may be anything from "
            "{interval} ({level}% interval). With this many customers only a difference of about "
            "{visible} would have shown, so this is no proof of no effect."
        ),
        "alarm": (
            "The arms do not have the sizes they were meant to have (p = {p}): assignment or data are "
            "broken, and nothing below can be trusted until that is explained."
        ),
        "guard_safe": (
            "Guardrail {metric} holds: if {arm} made it worse at all, then by less than {margin}."
        ),
        "guard_worse": ("Guardrail {metric} is broken: {arm} made it worse by more than {margin}. Stop it."),
        "guard_unknown": (
            "Guardrail {metric} is not decided: {arm} may still be worse by more than {margin}."
        ),
        "plan_fixed": (
            "To see a change of {size} in {metric} with {power}% power, both arms together need "
            "{customers} customers and one look at the end."
        ),
        "plan_group_sequential": (
            "To see a change of {size} in {metric} with {power}% power, both arms together need at "
            "most {customers} customers; there are {looks} planned looks, and a clear effect may end it "
            "early."
        ),
        "plan_always_valid": (
            "To see a change of {size} in {metric} with {power}% power, both arms together need about "
            "{customers} customers; look whenever you like."
        ),
    },
    "id": {
        "points": " poin persen",
        "to": " sampai ",
        "lift": ", relatif {lift}, antara {low} dan {high}",
        "up": (
            "Dibanding kelompok kontrol, {metric} pada {arm} lebih tinggi {size} (interval {level}%: "
            "{interval}{lift}); kenaikan ini dapat dianggap hasil program ini."
        ),
        "down": (
            "Dibanding kelompok kontrol, {metric} pada {arm} lebih rendah {size} (interval {level}%: "
            "{interval}{lift}); penurunan ini dapat dianggap akibat program ini."
        ),
        "unknown": (
            "Belum diketahui apakah {arm} mengubah {metric}: selisih sebenarnya bisa berada di antara "
            "{interval} (interval {level}%). Dengan jumlah pelanggan ini, hanya selisih sekitar {visible}"
            " yang akan terlihat, jadi ini bukan bukti bahwa tidak ada efek."
        ),
        "alarm": (
            "Jumlah pelanggan per kelompok tidak sesuai dengan pembagian yang direncanakan (p = {p}): "
            "pembagian atau datanya bermasalah, dan hasil di bawah belum dapat dipercaya sampai sebabnya "
            "jelas."
        ),
        "guard_safe": (
            "Batas aman {metric} terjaga: kalaupun {arm} memburuk, besarnya kurang dari {margin}."
        ),
        "guard_worse": ("Batas aman {metric} terlampaui: {arm} memburuk lebih dari {margin}. Hentikan."),
        "guard_unknown": (
            "Batas aman {metric} belum pasti: {arm} masih mungkin memburuk lebih dari {margin}."
        ),
        "plan_fixed": (
            "Untuk melihat perubahan {metric} sebesar {size} dengan kekuatan uji {power}%, kedua "
            "kelompok perlu {customers} pelanggan, dan hasilnya dilihat sekali di akhir."
        ),
        "plan_group_sequential": (
            "Untuk melihat perubahan {metric} sebesar {size} dengan kekuatan uji {power}%, kedua "
            "kelompok perlu paling banyak {customers} pelanggan; hasil dilihat {looks} kali sesuai "
            "rencana dan uji dapat selesai lebih awal bila efeknya jelas."
        ),
        "plan_always_valid": (
            "Untuk melihat perubahan {metric} sebesar {size} dengan kekuatan uji {power}%, kedua "
            "kelompok perlu sekitar {customers} pelanggan; hasilnya boleh dilihat kapan saja."
        ),
    },
}
