"""Whatever Liquid is put together, it renders within its limits or raises TemplateError."""

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from koipond.outreach.templates.contain import (
    MAX_TEXT,
    ContainedEnvironment,
    TemplateError,
    compile_liquid,
    render_liquid,
)

VALUES = {
    "customer": {"first_name": "<Li>", "n": 3, "none": None},
    "long": "ab " * 3_000,
    "many": list(range(800)),
    "nested": [["x"] * 50] * 50,
    "number": 10**12,
    "real": 1e300,
}
names = st.sampled_from(
    [
        "customer",
        "customer.first_name",
        "customer.n",
        "long",
        "many",
        "nested",
        "number",
        "real",
        "nothing",
        "i",
    ]
)
literals = st.sampled_from(
    ["1", "-7", "2.5", "'a'", "''", "nil", "true", "(1..9)", "(1..99999)", "(1..number)"]
)
filters = st.sampled_from(sorted(ContainedEnvironment(escape=False).filters))
arguments = st.lists(names | literals, max_size=2).map(lambda some: (": " + ", ".join(some)) if some else "")


@st.composite
def outputs(draw: st.DrawFn) -> str:
    chain = draw(st.lists(st.tuples(filters, arguments), max_size=6))
    return "{{ " + draw(names | literals) + "".join(f" | {name}{given_}" for name, given_ in chain) + " }}"


def blocks(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    body = st.lists(inner, max_size=4).map("".join)
    return st.one_of(
        st.builds("{{% for i in {} %}}{}{{% endfor %}}".format, names | literals, body),
        st.builds("{{% if {} contains {} %}}{}{{% endif %}}".format, names, names | literals, body),
        st.builds("{{% assign i = {} %}}{}".format, names | literals, body),
        st.builds("{{% capture i %}}{}{{% endcapture %}}{{{{ i }}}}".format, body),
        st.builds("{{% case {} %}}{{% when {} %}}{}{{% endcase %}}".format, names, literals, body),
    )


templates = st.recursive(
    outputs() | st.sampled_from(["text", "{{", "{% end %}", "{% if"]), blocks, max_leaves=12
)


@settings(max_examples=200, deadline=None)
@given(templates, st.booleans())
def test_template_is_rendered_within_its_limits_or_refused(source: str, escape: bool) -> None:
    started = time.process_time()
    try:
        text = render_liquid(compile_liquid(source, escape=escape), VALUES)
    except TemplateError:
        text = ""
    assert len(text) <= MAX_TEXT
    assert time.process_time() - started < 5  # seconds of work at the very most, not minutes
    if escape:
        assert "<Li>" not in text
