"""Sentence patterns of rules in Indonesian. Data only; `words` fills them in."""

from collections.abc import Mapping
from dataclasses import replace

from koipond.rules.phrases import Happening, Phrases
from koipond.rules.tree import Op

_ID_MONTHS = (
    *("Januari", "Februari", "Maret", "April", "Mei", "Juni"),
    *("Juli", "Agustus", "September", "Oktober", "November", "Desember"),
)


def _counts(verb: str) -> Mapping[Op, str]:
    return {
        "=": f"{verb} tepat {{n}} {{facts}}{{window}}",
        "!=": "jumlah {facts}{window} bukan {n}",
        "<": f"{verb} kurang dari {{n}} {{facts}}{{window}}",
        "<=": f"{verb} paling banyak {{n}} {{facts}}{{window}}",
        ">": f"{verb} lebih dari {{n}} {{facts}}{{window}}",
        ">=": f"{verb} paling sedikit {{n}} {{facts}}{{window}}",
    }


_HAS = Happening(
    some="memiliki {facts}{window}",
    none="tidak memiliki {facts}{window}",
    never="belum pernah memiliki {facts}",
    count_ops=_counts("memiliki"),
)
ID = Phrases(
    and_=" dan ",
    or_=" atau ",
    comma=", ",
    last_or=" atau ",
    group="({})",
    not_="tidak memenuhi ({})",
    quote="“{}”",
    number_ops={
        "=": "{label} sama dengan {value}",
        "!=": "{label} tidak sama dengan {value}",
        "<": "{label} kurang dari {value}",
        "<=": "{label} paling banyak {value}",
        ">": "{label} lebih dari {value}",
        ">=": "{label} paling sedikit {value}",
    },
    day_ops={
        "=": "{label} adalah {value}",
        "!=": "{label} bukan {value}",
        "<": "{label} sebelum {value}",
        "<=": "{label} paling lambat {value}",
        ">": "{label} setelah {value}",
        ">=": "{label} paling awal {value}",
    },
    text_ops={
        "=": "{label} adalah {value}",
        "!=": "{label} bukan {value}",
        "<": "{label} berurutan sebelum {value}",
        "<=": "{label} adalah {value} atau berurutan sebelumnya",
        ">": "{label} berurutan setelah {value}",
        ">=": "{label} adalah {value} atau berurutan setelahnya",
    },
    happenings={
        **dict.fromkeys(("orders", "events", "touches", "responses", "refunds"), _HAS),
        **dict.fromkeys(("pending", "codes"), replace(_HAS, never="tidak memiliki {facts}")),  # as of today
        "items": Happening(
            some="membeli {facts}{window}",
            none="tidak membeli {facts}{window}",
            never="belum pernah membeli {facts}",
            count_ops=_counts("membeli"),
        ),
    },
    is_in="{label} adalah {values}",
    column_is="{label} {value}",
    column_in="{label} {values}",
    filter_and=" dan ",
    known="{label} diketahui",
    missing="{label} tidak diketahui",
    matches={
        "contains": "{label} memuat {text}",
        "starts with": "{label} diawali {text}",
        "ends with": "{label} diakhiri {text}",
    },
    surely="diketahui {}",
    last_days=" dalam {days} hari terakhir",
    days_ago=" dari {first} sampai {last} hari yang lalu",
    between=" antara {first} dan {last}",
    since=" sejak {first}",
    until=" sampai {last}",
    measures={
        "count": "jumlah {facts}{window}",
        "sum": "total {column} {facts}{window}",
        "days": "jumlah hari dengan {facts}{window}",
        "days_since_last": "jumlah hari sejak {facts} terakhir{window}",
        "days_since_first": "jumlah hari sejak {facts} pertama{window}",
        "average": "rata-rata {column} {facts}{window}",
        "share": "porsi {facts}{window}",
        "latest": "{column} {facts} terakhir{window}",
    },
    facts={
        "orders": "pesanan",
        "items": "barang",
        "events": "peristiwa",
        "touches": "sentuhan",
        "responses": "tanggapan",
        "refunds": "pengembalian",
        "pending": "pesanan belum dibayar",
        "codes": "kode",
    },
    filtered="{facts} dengan {filters}",
    named={"events": "peristiwa {name}", "responses": "tanggapan {name}"},
    trait="atribut {name}",
    property="properti {name}",
    tag="salah satu tag {name}",
    has_tag="memiliki tag {name}: {values}",
    segment="ada dalam segmen {key}",
    not_segment="tidak ada dalam segmen {key}",
    list_="ada dalam daftar {key}",
    not_list="tidak ada dalam daftar {key}",
    sample="ada dalam sampel acak {end} {salt}",
    slice_="ada dalam bagian {first} sampai {end} dari sampel acak {salt}",
    everyone="semua pelanggan",
    followed="memiliki {first}{window}, diikuti {then} {within}",
    not_followed="memiliki {first}{window}, tidak diikuti {then} {within}",
    within="dalam {days} hari",
    same_day="pada hari yang sama",
    day=lambda day: f"{day.day} {_ID_MONTHS[day.month - 1]} {day.year}",
    marks=(".", ","),
    next_days=" dalam {days} hari ke depan",
    this={
        "day": (" kemarin", " hari ini", " besok"),
        "week": (" minggu lalu", " minggu ini", " minggu depan"),
        "month": (" bulan lalu", " bulan ini", " bulan depan"),
        "year": (" tahun lalu", " tahun ini", " tahun depan"),
    },
    every_year=" dari {first} sampai {last} setiap tahun",
    year_day=lambda found: f"{found[1]} {_ID_MONTHS[found[0] - 1]}",
    ratio="{top} dibagi {bottom}",
    anniversary="ulang tahun {label}",
    birthday="hari lahir",
    in_days="{label} jatuh{spans}",
    column_in_days="{label} jatuh{spans}",
    in_top="{label} termasuk {share} teratas",
    in_top_of="{label} termasuk {share} teratas di segmen {key}",
    holding="isi {lines}",
)
