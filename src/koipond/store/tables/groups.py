"""Groups people were put into by hand (名单, 手动标签): lists, standing tags and every act on them.

Personal data: none beyond the customer's number; ``author`` names an operator, ``reason`` is his own words.
Rows of an erased customer go with him.
"""

import sqlalchemy as sa

from koipond.store.tables.base import METADATA, instant, number, serial, text

customer_list = sa.Table(
    "customer_list",
    METADATA,
    sa.Column("list_key", sa.Text, primary_key=True),
    text("author"),
    instant("at_s"),
)

customer_list_member = sa.Table(
    "customer_list_member",
    METADATA,
    sa.Column("list_key", sa.Text, sa.ForeignKey("customer_list.list_key"), primary_key=True),
    sa.Column("customer_no", sa.BigInteger, primary_key=True),
)

manual_tag = sa.Table(
    "manual_tag",
    METADATA,
    sa.Column("customer_no", sa.BigInteger, primary_key=True),
    sa.Column("tag_group", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
    text("author"),
    text("reason"),
    number("from_day"),
    number("until_day", null=True),
    instant("at_s"),
)

tag_act = sa.Table(
    "tag_act",
    METADATA,
    serial("seq"),
    number("customer_no"),
    text("tag_group"),
    text("value", null=True),  # null takes the whole group off
    text("author"),
    text("reason"),
    number("until_day", null=True),
    number("day"),
    instant("at_s"),
)
sa.Index("ix_tag_act_customer_no", tag_act.c.customer_no)
