"""What `doctor` says of sending: pauses, unknown touches, senders that ended, links and names in mail."""

from typing import TYPE_CHECKING

from koipond.kernel import InputError, Message, local_time, phrase

if TYPE_CHECKING:
    from koipond.bootstrap import App

Problem = tuple[str, str]


def outreach_problems(app: "App") -> list[Problem]:
    """Return what holds touches back or leaves them open, each with the command that mends it."""
    found = [
        (
            phrase(
                "{scope} is paused since {local_time} by {author}",
                scope=one.scope,
                local_time=local_time(one.since, app.zone),
                author=one.author,
            ),
            f"koipond resume {one.scope} --by NAME",
        )
        for one in app.store.pauses.all()
    ]
    if count := app.store.unknowns.count():
        fix = Message("koipond touches unknown, then: koipond touches settle")
        found.append((phrase("{count:,} touches may have gone out, nobody has said", count=count), fix))
    left = [one for one in app.store.outbox(app.zone).under_way() if one.until is None]
    if left:
        touches = sum(one.touches for one in left)
        found.append(
            (
                phrase("{touches:,} touches were claimed by senders that have ended", touches=touches),
                "koipond send PLAN",
            )
        )
    return [*found, *_mail(app)]


def _mail(app: "App") -> list[Problem]:
    """Return what would keep every mail from being built, or refused the server."""
    found: list[tuple[str, str]] = []
    try:
        _ = app.public_url
    except InputError as error:
        found.append((error.message, "export KOIPOND_PUBLIC_URL=https://your.domain"))
    if app.environment.smtp_url is not None and app.environment.mail_from is not None:
        try:
            with app.channels():
                pass
        except InputError as error:
            found.append((error.message, phrase("mend it, then: koipond doctor")))
    return found
