import pytest

from koipond.channels.email import email_settings
from koipond.kernel import InputError


@pytest.mark.parametrize(
    ("url", "port", "security"),
    [
        ("smtp://mail.example", 25, "none"),
        ("smtp://mail.example:2525", 2525, "none"),
        ("smtp://mail.example?starttls=1", 587, "starttls"),
        ("smtps://mail.example", 465, "tls"),
    ],
)
def test_the_url_says_where_and_how_safely(url: str, port: int, security: str) -> None:
    settings = email_settings(url, "hello@brand.example")
    assert (settings.host, settings.port, settings.security) == ("mail.example", port, security)


def test_user_and_password_are_read_and_never_shown() -> None:
    settings = email_settings("smtps://me%40x:s%2Fcret@mail.example", "hello@brand.example")
    assert (settings.username, settings.password) == ("me@x", "s/cret")
    assert "cret" not in repr(settings)


@pytest.mark.parametrize(
    ("url", "sender"),
    [
        ("mail.example", "a@b.example"),
        ("http://mail.example", "a@b.example"),
        ("smtp://", "a@b.example"),
        ("smtp://h:99999", "a@b.example"),
        ("smtp://h", "nobody"),
        ("smtp://h", "a@b\r\nx"),
    ],
)
def test_settings_that_cannot_work_are_refused(url: str, sender: str) -> None:
    with pytest.raises(InputError):
        email_settings(url, sender)
