"""Rows of a products file → products, one a sku: its last row holds, a later file replaces it whole."""

import ibis

from koipond.facts.ports import IbisTable, Writer
from koipond.ingest.archive import as_facts, retire

_VALUES = ("name", "category", "price_fen", "margin_fen")


def write_products(writer: Writer, judged: IbisTable, import_no: int) -> dict[str, int]:
    """Write new and changed products; return how many are new, replaced, unchanged."""
    good = judged.filter(judged["rule"].isnull())
    last = good.mutate(later=ibis.row_number().over(group_by=good["sku"], order_by=ibis.desc(good["row"])))
    products = last.filter(last["later"] == 0).mutate(import_no=ibis.literal(import_no, type="int32"))
    products = writer.cache("import_products", as_facts("products", products))
    live = writer.table("products")
    equal = [products[name].identical_to(live[name]) for name in ("sku", *_VALUES)]
    same = products.inner_join(live, equal).select(products["sku"])
    write = writer.cache("write_products", products.anti_join(same, "sku"))
    gone = writer.cache("gone_products", live.semi_join(write, "sku").select("sku"))
    replaced = retire(writer, "products", gone, ["sku"], import_no)
    written = writer.append("products", write.order_by("sku"))
    total = int(writer.scalar(products.count()))
    return {
        "products_new": written - replaced,
        "products_replaced": replaced,
        "products_unchanged": total - written,
    }
