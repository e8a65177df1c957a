-- The same profile by hand: DuckDB SQL tuned for this one definition set. ${D} is the day of observation.
-- Stages are temp tables; cut-offs go through a one-row table; each fact table is read once where it matters.
CREATE OR REPLACE TEMP TABLE linked AS
SELECT order_no, source, order_id, customer_no, refunded
FROM orders JOIN (SELECT customer_no, source, order_id, sum(amount_fen) AS refunded FROM refunds
                  WHERE order_id IS NOT NULL AND day <= ${D} GROUP BY ALL) USING (customer_no, source, order_id);
CREATE OR REPLACE TEMP TABLE sums AS
WITH money AS (
  SELECT customer_no, day, net_fen - coalesce(refunded, 0) AS fen, true AS bought
  FROM orders LEFT JOIN (SELECT order_no, refunded FROM linked) USING (order_no)
  WHERE status = 'paid' AND day <= ${D} AND net_fen - coalesce(refunded, 0) > 0
  UNION ALL
  SELECT customer_no, day, -amount_fen, false
  FROM refunds ANTI JOIN linked USING (customer_no, source, order_id) WHERE day <= ${D}
)
SELECT * EXCLUDE (ds), ds[1] AS first_day, ds[-1] AS last_day, coalesce(len(ds), 0) AS bought,
       CASE WHEN len(ds) >= 2 THEN ds END AS ds
FROM (SELECT customer_no, count_if(bought AND day > ${D} - 365) AS orders_365d,
             sum(fen) FILTER (day > ${D} - 365)::BIGINT AS money_365d, min(day) FILTER (day > ${D} - 365) AS earliest,
             list_sort(list(day) FILTER (bought)) AS ds
      FROM money GROUP BY customer_no);
CREATE OR REPLACE TEMP TABLE bought AS
SELECT * EXCLUDE (ds), coalesce(len(gaps) + 1, (bought > 0)::BIGINT) AS purchase_days,
       coalesce(list_sum(list_transform(gaps, lambda g: round(ln(g) * 1e9)::BIGINT)), 0)::BIGINT AS ln_gaps,
       last_day - gaps[-1] AS second_day
FROM (SELECT *, list_filter(list_transform(ds[2:], lambda x, i: x - ds[i]), lambda g: g > 0) AS gaps FROM sums);
CREATE OR REPLACE TEMP TABLE acts AS
SELECT customer_no, max(day) FILTER (active) AS active_day, max(day) FILTER (passive) AS passive_day,
       max(day) FILTER (browse) AS browse_day, list_sort(list(day) FILTER (browse))[-2] AS browse_nth_day
FROM (SELECT customer_no, day,
             bool_or(name IN ('Cart Viewed', 'Checkout Started', 'Coupon Applied', 'Coupon Claimed', 'Coupon Entered',
               'Payment Info Entered', 'Product Added', 'Product Added to Wishlist', 'Products Searched',
               'Promotion Clicked', 'Trial Started')) AS active,
             bool_or(name = 'Promotion Viewed') AS passive,
             bool_or(name IN ('Page Viewed', 'Product List Viewed', 'Product Viewed')) AS browse
      FROM events WHERE day > ${D} - 15 AND day <= ${D} GROUP BY ALL)
GROUP BY customer_no;
CREATE OR REPLACE TEMP TABLE base AS
SELECT c.customer_no, c.customer_uid, c.joined_day, c.member, c.follower, c.friend, c.staff, c.minor,
       c.profiling_refused, coalesce(b.purchase_days, 0) AS purchase_days, first_day, last_day, second_day,
       coalesce(ln_gaps, 0) AS ln_gaps, coalesce(orders_365d, 0) AS orders_365d,
       coalesce(money_365d, 0) AS money_365d, earliest, gaps, active_day, passive_day, browse_day,
       browse_nth_day, praise_day
FROM customers c LEFT JOIN bought b USING (customer_no) LEFT JOIN acts USING (customer_no)
LEFT JOIN (SELECT customer_no, max(day) AS praise_day FROM events
           WHERE name IN ('Cart Shared', 'Content Shared', 'Positive Review Posted', 'Product Shared')
             AND day > ${D} - 365 AND day <= ${D} GROUP BY customer_no) USING (customer_no);
CREATE OR REPLACE TEMP TABLE quiet AS
SELECT customer_no FROM base WHERE purchase_days = 0 AND NOT coalesce(joined_day <= ${D}, false);
CREATE OR REPLACE TEMP TABLE first AS
SELECT customer_no, event_day, least(event_day, order_day, refund_day) AS fact_day FROM quiet
LEFT JOIN (SELECT customer_no, min(day) AS event_day FROM events SEMI JOIN quiet USING (customer_no) GROUP BY ALL) USING (customer_no)
LEFT JOIN (SELECT customer_no, min(day) AS order_day FROM orders SEMI JOIN quiet USING (customer_no) GROUP BY ALL) USING (customer_no)
LEFT JOIN (SELECT customer_no, min(day) AS refund_day FROM refunds SEMI JOIN quiet USING (customer_no) GROUP BY ALL) USING (customer_no);
CREATE OR REPLACE TEMP TABLE cuts AS
WITH counted AS (SELECT * FROM base WHERE NOT staff AND NOT profiling_refused),
scored AS (SELECT * FROM counted WHERE orders_365d > 0),
n AS (SELECT count(*) AS n FROM scored)
SELECT n, quantile_disc(last_day, [0.2, 0.4, 0.6, 0.8]) AS r, quantile_disc(orders_365d, [0.2, 0.4, 0.6, 0.8]) AS f,
       quantile_disc(money_365d, [0.2, 0.4, 0.6, 0.8]) AS m FROM scored, n GROUP BY n;
CREATE OR REPLACE TEMP TABLE sums_of_scores AS
SELECT n, sum(1 + (last_day > r[1])::INT + (last_day > r[2])::INT + (last_day > r[3])::INT + (last_day > r[4])::INT) AS rs,
       sum(1 + (orders_365d > f[1])::INT + (orders_365d > f[2])::INT + (orders_365d > f[3])::INT + (orders_365d > f[4])::INT) AS fs,
       sum(1 + (money_365d > m[1])::INT + (money_365d > m[2])::INT + (money_365d > m[3])::INT + (money_365d > m[4])::INT) AS ms
FROM base, cuts WHERE NOT staff AND NOT profiling_refused AND orders_365d > 0 GROUP BY n;
CREATE OR REPLACE TEMP TABLE grades AS
SELECT min(v) FILTER (100 * ahead < 50 * whole) AS core, min(v) FILTER (100 * ahead < 80 * whole) AS key,
       min(v) FILTER (100 * ahead < 95 * whole) AS regular
FROM (SELECT v, sum(s) OVER () AS whole, sum(s) OVER (ORDER BY v DESC) - s AS ahead
      FROM (SELECT money_365d AS v, sum(money_365d) AS s FROM base
            WHERE money_365d > 0 AND NOT staff AND NOT profiling_refused GROUP BY v));
CREATE OR REPLACE TEMP TABLE cycle AS
SELECT median(g) AS g0 FROM (SELECT unnest(gaps) AS g FROM base WHERE NOT staff AND NOT profiling_refused);
