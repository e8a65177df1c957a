"""Templates: strict variables, escaping, fallbacks, and the hostile cases that the library's limits miss."""

import time

import pytest

from koipond.outreach.templates import Template, TemplateError, preview, render, variables_of
from koipond.outreach.templates.contain import MAX_TEXT, compile_liquid, render_liquid

LONG = "x" * 9_000
VALUES = {
    "customer": {"first_name": "Li", "n": 3},
    "long": LONG,
    "many": list(range(900)),
    "huge": 10**14,
    "wide": 100_000_000,
}

# Each would hang, swell, look around or undo escaping in the plain library (or did when it was measured).
HOSTILE = {
    "join of a wide range": "{{ (1..100000000) | join: ',' }}",
    "membership in a wide range": "{% if (1..900000000) contains 5.5 %}x{% endif %}",
    "reversed loop over a wide range": "{% for i in (1..900000000) reversed %}{% break %}{% endfor %}",
    "offset into a wide range": "{% for i in (1..900000000) offset: 899999999 %}{{ i }}{% endfor %}",
    "range with a variable end": "{% for i in (1..wide) %}x{% endfor %}",
    "range with a text end": "{% for i in (1..'900000000') %}x{% endfor %}",
    "range with a float end": "{% for i in (1..9e8) %}x{% endfor %}",
    "assigned range": "{% assign r = (1..900000000) %}{{ r | size }}",
    "range compared": "{% if (1..900000000) == (1..900000000) %}x{% endif %}",
    "range in a case": "{% case 5 %}{% when (1..900000000) %}x{% endcase %}",
    "range as an argument": "{{ 'a' | append: (1..900000000) }}",
    "range in an index": "{{ customer[(1..900000000)] }}",
    "chained replace": "{{ long" + " | replace: 'x', 'xxxxxxxxxx'" * 5 + " }}",
    "chained append of itself": "{% assign a = long %}{% assign a = a | append: a %}{{ a }}",
    "doubling by concat": "{% assign a = many" + " | concat: many" * 30 + " %}{{ a | size }}",
    "chained times": "{{ huge" + " | times: huge" * 400 + " }}",
    "number from a long text": "{{ '" + "9" * 5_000 + "' | plus: 1 }}",
    "nested loops": "{% for i in (1..900) %}{% for j in (1..900) %}x{% endfor %}{% endfor %}",
    "loop output": "{% for i in (1..900) %}{{ long }}{% endfor %}",
    "capture that grows": "{% capture c %}{{ long }}{% endcapture %}" * 10
    + "{% capture d %}{{ c }}{{ c }}{{ c }}{{ c }}{% endcapture %}" * 3
    + "{{ d }}{{ d }}",
    "filters in a loop": "{% for i in (1..499) %}{{ long"
    + " | split: '' | join: ''" * 300
    + " }}{% endfor %}",
    "loop after loop": "{% for i in (1..499) %}{% for j in (1..2) %}x{% endfor %}{% endfor %}" * 9,
    "large body in a loop": "{% for i in (1..499) %}" + "{% if i %}x{% endif %}" * 1_500 + "{% endfor %}",
    "deep nesting": "{% if true %}" * 500 + "{% endif %}" * 500,
    "very deep expression": "{{ customer" + "[customer" * 3_000 + "]" * 3_000 + " }}",
    "including a file": "{% include '/etc/passwd' %}",
    "rendering a partial of itself": "{% render 'self' %}",
    "the present time": "{{ 'now' | date: '%Y' }}",
    "unescaped output": "{{ customer.first_name | safe }}",
    "python's insides": "{{ customer.__class__.__mro__ }}",
    "unknown variable": "{{ customer.phone_number }}",
    "unknown variable in a test": "{% if customer.phone_number %}x{% endif %}",
    "unclosed tag": "{% if true",
    "unknown filter": "{{ customer.n | system }}",
    "wide table": "{% tablerow i in many cols: 1 %}{{ i }}{% endtablerow %}",
    "source of a megabyte": "x" * 1_000_000,
}


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE)
def test_hostile_template_is_refused_at_once(source: str) -> None:
    started = time.process_time()
    with pytest.raises(TemplateError):
        render_liquid(compile_liquid(source, escape=False), VALUES)
    assert time.process_time() - started < 2  # the plain library takes minutes, or all memory


def template(**texts: str) -> Template:
    return Template(
        key="hello",
        texts={"en": texts},
        required=("customer.n",),
        fallbacks={"customer.first_name": {"en": "there"}},
    )


def test_html_is_escaped_and_text_is_not() -> None:
    hello = template(
        subject="Hi {{ customer.first_name }}",
        text="{{ customer.first_name }}",
        html="{{ customer.first_name }}",
    )
    done = render(hello, "en", {"customer": {"first_name": "<b>", "n": 1}})
    assert (done.subject, done.text, done.html) == ("Hi <b>", "<b>", "&lt;b&gt;")


def test_missing_value_takes_the_fallback_of_its_language() -> None:
    hello = template(text="Hi {{ customer.first_name }}")
    assert render(hello, "en", {"customer": {"n": 1, "first_name": None}}).text == "Hi there"


def test_missing_required_value_is_named() -> None:
    with pytest.raises(TemplateError, match=r"customer\.n") as caught:
        render(template(text="Hi"), "en", {"customer": {"first_name": "Li"}})
    assert caught.value.values["variable"] == "customer.n"


def test_default_filter_works_on_an_undefined() -> None:
    hello = template(text="{{ customer.city | default: 'your city' }}")
    assert render(hello, "en", {"customer": {"n": 1}}).text == "your city"


def test_subject_of_two_lines_is_refused() -> None:
    with pytest.raises(TemplateError, match="one line"):
        render(
            template(subject="a{{ customer.first_name }}b"),
            "en",
            {"customer": {"n": 1, "first_name": "x\nBcc: everybody"}},
        )


def test_message_longer_than_the_limit_is_refused() -> None:
    with pytest.raises(TemplateError, match=str(MAX_TEXT)):
        render(template(text="字" * (MAX_TEXT + 1)), "en", {"customer": {"n": 1}})


def test_variables_are_the_paths_read_from_outside() -> None:
    hello = template(
        text="{% for i in (1..2) %}{{ i }}{% endfor %}{{ customer.n }}", html="{{ landing.url }}"
    )
    assert variables_of(hello) == {"customer.n", "landing.url"}


def test_content_ignores_personal_values_and_key_but_not_words() -> None:
    one, other = template(text="Hi {{ customer.n }}"), template(text="Hello {{ customer.n }}")
    renamed = Template(key="other", texts=one.texts, required=(), fallbacks=one.fallbacks)
    assert one.content == renamed.content != other.content


def test_preview_shows_each_row_or_what_is_wrong_with_it() -> None:
    shown = preview(
        template(text="{{ customer.n }}"), [{"customer": {"n": 7}}, {"customer": {}}], ["en", "zh"]
    )
    assert shown[0][0] is not None
    assert shown[0][0].text == "7"
    assert [(message is None, bool(error)) for message, error in shown] == [(False, False)] + [
        (True, True)
    ] * 3
