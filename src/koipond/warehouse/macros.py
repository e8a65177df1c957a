"""DuckDB macros behind the built-in functions that our Ibis expressions name (`koipond.facts.dialect`).

Ibis 12 still writes lambdas with an arrow, which DuckDB 2.0 refuses, and list arithmetic is several times
cheaper here than windows. Pass plain columns: a macro's argument is put in textually, once for each use.
"""

MACROS = (
    # sorted days with repeats → sorted distinct days
    """CREATE OR REPLACE TEMP MACRO koipond_days(ds INTEGER[]) AS
        list_filter(ds, lambda x, i: i = 1 OR x > ds[i - 1])""",
    # sorted distinct days → the gaps between them
    """CREATE OR REPLACE TEMP MACRO koipond_gaps(ds INTEGER[]) AS
        list_transform(ds[2:], lambda x, i: x - ds[i])""",
    # gaps → sum of ln(gap) in nano-units, each rounded first so that the order of addition cannot show
    """CREATE OR REPLACE TEMP MACRO koipond_ln_nano(gaps INTEGER[]) AS
        coalesce(list_sum(list_transform(gaps, lambda g: round(ln(g) * 1e9)::BIGINT)), 0)::BIGINT""",
    # how many of the days lie after `edge`
    """CREATE OR REPLACE TEMP MACRO koipond_days_after(ds INTEGER[], edge INTEGER) AS
        len(list_filter(ds, lambda x: x > edge))""",
    # the n-th latest day, null when there are fewer
    """CREATE OR REPLACE TEMP MACRO koipond_nth_latest(ds INTEGER[], n INTEGER) AS
        CASE WHEN len(ds) >= n THEN ds[len(ds) - n + 1] END""",
    # JSON object of texts → its members; a key is a name, never a path
    """CREATE OR REPLACE TEMP MACRO koipond_members(members) AS
        map_entries(CAST(members AS JSON)::MAP(VARCHAR, VARCHAR))""",
)
