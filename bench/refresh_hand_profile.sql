-- Last stage by hand: one projection, every cut-off a literal.
COPY (
SELECT customer_no, customer_uid, staff, h(profiling_refused, first_day) AS first_purchase_day, h(profiling_refused, last_day) AS last_purchase_day,
  h(profiling_refused, purchase_days) AS purchase_days, h(profiling_refused, orders_365d) AS orders_365d, h(profiling_refused, money_365d) AS money_365d_fen,
  h(profiling_refused, money_365d) AS value_365d_fen, h(profiling_refused, c) AS cycle_microdays, h(profiling_refused, due_from) AS due_from_day,
  h(profiling_refused, due_past - 1) AS due_to_day, h(profiling_refused, r) AS r_score, h(profiling_refused, f) AS f_score, h(profiling_refused, m) AS m_score,
  h(profiling_refused, CASE WHEN r IS NOT NULL THEN
      CASE WHEN m * ${n} > ${ms} THEN 'important_' ELSE 'general_' END
      || CASE WHEN r * ${n} > ${rs} THEN CASE WHEN f * ${n} > ${fs} THEN 'value' ELSE 'develop' END
              ELSE CASE WHEN f * ${n} > ${fs} THEN 'keep' ELSE 'retain' END END
    WHEN purchase_days > 0 THEN 'outside' END) AS rfm_cell,
  h(profiling_refused, CASE WHEN r + f + m >= 12 THEN 'high' WHEN r + f + m >= 7 THEN 'mid' WHEN r IS NOT NULL THEN 'low' END) AS rfm_level,
  h(profiling_refused, CASE WHEN purchase_days = 0 THEN CASE WHEN related THEN 'intro' ELSE 'prospect' END
         WHEN ${D} >= churned THEN 'churned' WHEN ${D} >= dormant THEN 'dormant'
         WHEN purchase_days <= 3 THEN 'growth' ELSE 'mature' END) AS lifecycle,
  h(profiling_refused, purchase_days > 0 AND ${D} >= risky AND ${D} < dormant) AS at_risk,
  h(profiling_refused, purchase_days > 0 AND ${D} >= due_from AND ${D} < due_past) AS due,
  h(profiling_refused, purchase_days = 1) AS one_time_buyer,
  h(profiling_refused, purchase_days = 0 AND related AND coalesce(coalesce(joined_day, fact_day) + 90 < ${D}, false)) AS never_bought,
  h(profiling_refused, CASE WHEN second_day > ${D} - 365 OR praise_day > ${D} - 365 THEN 'loyal'
         WHEN last_day > ${D} - 912 THEN 'purchase'
         WHEN member OR active_day > ${D} - 15 OR browse_nth_day > ${D} - 15 THEN 'interest'
         WHEN passive_day > ${D} - 15 OR browse_day > ${D} - 15 THEN 'aware' END) AS aipl,
  h(profiling_refused, CASE WHEN purchase_days > 0 THEN CASE WHEN money_365d >= ${core} THEN 'core' WHEN money_365d >= ${key} THEN 'key'
         WHEN money_365d >= ${regular} THEN 'regular' ELSE 'fringe' END END) AS grade,
  h(profiling_refused, nullif(least(a(earliest + 365), a(due_from), a(due_past), a(risky), a(dormant), a(churned),
    a(CASE WHEN purchase_days = 0 THEN joined_day END), a(CASE WHEN purchase_days = 0 THEN coalesce(joined_day, fact_day) + 91 END),
    a(second_day + 365), a(praise_day + 365), a(last_day + 912), 
    a(CASE WHEN early THEN least(a(active_day + 15), a(browse_nth_day + 15), a(browse_day + 15), a(passive_day + 15)) END)),
    2147483647)) AS deadline_day,
  member, friend, follower, minor, profiling_refused
FROM (
  SELECT *, NOT coalesce(second_day > ${D} - 365 OR praise_day > ${D} - 365 OR last_day > ${D} - 912, false) AS early,
    last_day + CASE WHEN purchase_days = 1 THEN ${alone_due_from} ELSE (c * 800 - 1) // 1000000000 + 1 END AS due_from,
    last_day + CASE WHEN purchase_days = 1 THEN ${alone_due_to} ELSE c * 1200 // 1000000000 + 1 END AS due_past,
    last_day + CASE WHEN purchase_days = 1 THEN ${alone_at_risk} ELSE c * 2000 // 1000000000 + 1 END AS risky,
    last_day + CASE WHEN purchase_days = 1 THEN ${alone_dormant} ELSE c * 3000 // 1000000000 + 1 END AS dormant,
    last_day + CASE WHEN purchase_days = 1 THEN ${alone_churned} ELSE c * 5000 // 1000000000 + 1 END AS churned
  FROM (
    SELECT *, friend OR member OR coalesce(event_day <= ${D}, false) OR coalesce(joined_day <= ${D}, false) AS related,
      CASE WHEN purchase_days > 0 THEN round(exp((3 * ${ln_g0} + ln_gaps) / (purchase_days + 2) / 1e9) * 1e6)::BIGINT END AS c,
      CASE WHEN orders_365d > 0 THEN 1 + (last_day > ${r1})::INT + (last_day > ${r2})::INT + (last_day > ${r3})::INT + (last_day > ${r4})::INT END AS r,
      CASE WHEN orders_365d > 0 THEN 1 + (orders_365d > ${f1})::INT + (orders_365d > ${f2})::INT + (orders_365d > ${f3})::INT + (orders_365d > ${f4})::INT END AS f,
      CASE WHEN orders_365d > 0 THEN 1 + (money_365d > ${m1})::INT + (money_365d > ${m2})::INT + (money_365d > ${m3})::INT + (money_365d > ${m4})::INT END AS m
    FROM base LEFT JOIN first USING (customer_no)
    WHERE purchase_days > 0 OR coalesce(least(joined_day, fact_day) <= ${D}, least(joined_day, fact_day) IS NULL)
  )
)) TO '${OUT}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 122880)
