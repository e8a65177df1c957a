import pytest

from koipond.bootstrap.links import usable_url
from koipond.kernel import InputError


@pytest.mark.parametrize(
    ("url", "made"),
    [
        ("https://brand.example", "https://brand.example"),
        ("https://brand.example/", "https://brand.example"),
        ("http://127.0.0.1:8765", "http://127.0.0.1:8765"),
        ("http://[::1]:8765/x/", "http://[::1]:8765/x"),
        ("https://锦鲤.example/店", "https://xn--jc5ao1m.example/%E5%BA%97"),
        ("https://Bücher.example", "https://xn--bcher-kva.example"),
    ],
)
def test_a_link_is_ascii(url: str, made: str) -> None:
    """A13: a domain in any script goes into mail as punycode."""
    assert usable_url(url) == made


@pytest.mark.parametrize(
    "url",
    [
        "",
        "brand.example",
        "ftp://brand.example",
        "https://",
        "https://a b.example",
        "https://brand.example\r\nBcc: x@y.example",
        "https://brand.example/<x>",
        "https://user:pass@brand.example",
        "https://brand.example?x=1",
        "https://brand.example#x",
        "https://brand.example:port",
        "https://-brand.example",
        "https://" + "a" * 64 + ".example",
    ],
)
def test_a_link_that_mail_cannot_carry_is_refused(url: str) -> None:
    """A13, A37."""
    with pytest.raises(InputError, match="KOIPOND_PUBLIC_URL"):
        usable_url(url)
