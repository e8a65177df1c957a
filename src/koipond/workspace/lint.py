"""Lint (检查): what no single file can tell: references, restraint, expiry, languages. Pure."""

from collections.abc import Iterator
from dataclasses import replace

from koipond.kernel import LANGUAGES, Finding, Message, any_of, joined
from koipond.outreach.model import ContactPolicy, FrequencyCap
from koipond.outreach.templates import Template, TemplateError, variables_of
from koipond.outreach.templates.render import compile_part
from koipond.segments.order import check_references
from koipond.strategy.model import CHANNELS, EVERYONE, CodeList, Play, Strategy
from koipond.strategy.variables import UNSET_AT_PLAN, is_known, known_variables
from koipond.workspace.model import Definition, Folder
from koipond.workspace.settings import FILE, WorkspaceSettings
from koipond.workspace.shape import suggestion
from koipond.workspace.source import Place, Source

_PLACEHOLDER = "//shop.example/"


def lint(folder: Folder, settings_source: Source | None) -> list[Finding]:
    """Return every finding that needs more than one object, and every lack of restraint."""
    found = [*_references(folder), *_settings_references(folder, settings_source), *_cycles(folder)]
    for definition in folder.definitions.values():
        if definition.source is None:
            continue
        if isinstance(definition.value, Strategy):
            found += _strategy(folder, definition, definition.value, definition.source)
        elif isinstance(definition.value, Template):
            found += _template(folder.settings, definition.value, definition.source)
        elif isinstance(definition.value, CodeList):
            found += _offer(definition.value, definition.source)
    return found


def _references(folder: Folder) -> Iterator[Finding]:
    whole = [(d.source, d.references) for d in folder.definitions.values()]
    there = {*folder.definitions, *((one.kind, one.key) for one in folder.unresolved)}
    for source, references in (*whole, *((u.source, u.references) for u in folder.unresolved)):
        for reference in references:
            if (reference.kind, reference.key) in there or source is None:
                continue
            known = [key for kind, key in folder.definitions if kind == reference.kind]
            message = Message("there is no {kind} '{key}'", kind=reference.kind, key=reference.key)
            fix = (
                suggestion(reference.key, known)
                if known
                else Message("Write {kind}s/{key}.yaml", kind=reference.kind, key=reference.key)
            )
            yield source.finding(reference.place, "unknown_reference", message, fix)


def _cycles(folder: Folder) -> list[Finding]:
    segments = [d for d in folder.of("segment") if d.source is not None]
    found = check_references([d.value for d in segments], {d.key: d.file for d in segments})
    lines = {d.file: d.source.line(("rule",)) for d in segments if d.source is not None}
    return [replace(one, line=lines[one.file]) for one in found if one.code == "segment_cycle"]


def _settings_references(folder: Folder, source: Source | None) -> Iterator[Finding]:
    if folder.settings is None or source is None:
        return
    policy = folder.settings.defaults.contact_policy
    base: Place = ("defaults", "contact_policy")
    named: list[tuple[Place, str]] = [((*base, "capped_groups", key), key) for key in policy.capped_groups]
    named += [((*base, "exempt_segments", n), key) for n, key in enumerate(policy.exempt_segments)]
    named += [((*base, "assumed_consent", c), a.segment) for c, a in policy.assumed_consent.items()]
    known = [key for kind, key in folder.definitions if kind == "segment"]
    for place, key in named:
        if key not in known:
            fix = suggestion(key, known) if known else Message("Write segments/{key}.yaml", key=key)
            yield source.finding(
                place,
                "unknown_reference",
                Message("there is no segment '{key}' ({file})", key=key, file=FILE),
                fix,
            )


def _strategy(
    folder: Folder, definition: Definition, strategy: Strategy, source: Source
) -> Iterator[Finding]:
    def warn(place: Place, code: str, message: str, fix: str) -> Finding:
        return source.finding(place, code, message, fix, warn=True)

    marketing = any(play.purpose == "marketing" for play in strategy.plays)
    if strategy.holdout_rate == 0 and marketing:
        message = Message("nobody is held out, so its effect cannot be proven")
        yield warn(("holdout_rate",), "holdout_missing", message, Message("Write 'holdout_rate: 0.10'"))
    if strategy.budget.per_customer_fen is None:
        message = Message("no cap on what one customer may cost")
        yield source.finding(
            ("budget",), "cost_cap_missing", message, Message("Add 'per_customer_fen:' to the budget")
        )
    if strategy.ends_on is None and strategy.review_on is None:
        message = Message("it has neither an end nor a review date")
        yield source.finding(("key",), "expiry_missing", message, Message("Add 'review_on: YYYY-MM-DD'"))
    if strategy.starts_on and strategy.ends_on and strategy.ends_on < strategy.starts_on:
        yield source.finding(
            ("ends_on",), "bad_value", Message("it ends before it starts"), Message("Swap the two dates")
        )
    keys = [play.key for play in strategy.plays]
    for number, key in enumerate(keys):
        if key in keys[:number]:
            message = Message("two plays are called '{key}'", key=key)
            yield source.finding(
                ("plays", number, "key"), "duplicate_key", message, Message("Rename one of them")
            )
    policy = folder.settings.policy if folder.settings else ContactPolicy()
    yield from _caps(strategy, policy, source)
    for number, play in enumerate(strategy.plays):
        yield from _play(folder, definition, strategy, play, number)


def _caps(strategy: Strategy, policy: ContactPolicy, source: Source) -> Iterator[Finding]:
    if not strategy.caps:
        fix = Message("Say how often it may speak: 'caps: [{touches_max: 1, days: 30}]'")
        message = Message("no frequency cap of its own; only the contact policy holds it back")
        yield source.finding(("key",), "caps_missing", message, fix, warn=True)
    for number, cap in enumerate(strategy.caps):
        rules = policy.caps if cap.purpose == "marketing" else policy.transactional_caps
        for rule in rules:
            if _looser(cap, rule):
                message = Message(
                    "{touches_max} in {days} days is looser than the policy's '{key}'",
                    touches_max=cap.touches_max,
                    days=cap.days,
                    key=rule.key,
                )
                fix = Message(
                    "Lower it below {touches_max} in {days} days, or drop it",
                    touches_max=rule.touches_max,
                    days=rule.days,
                )
                yield source.finding(("caps", number), "cap_looser_than_policy", message, fix, warn=True)
                break


def _looser(cap: FrequencyCap, rule: FrequencyCap) -> bool:
    comparable = cap.window == rule.window and rule.channel in (None, cap.channel)
    return comparable and cap.days <= rule.days and cap.touches_max >= rule.touches_max


def _play(
    folder: Folder, definition: Definition, strategy: Strategy, play: Play, number: int
) -> Iterator[Finding]:
    source = definition.source
    assert source is not None
    place: Place = ("plays", number)
    for name, offer in play.offer.variants.items():
        if offer.code_list is None:
            continue
        listed = folder.definitions.get(("offer", offer.code_list))
        if listed is None:
            continue
        at: Place = (*place, "offer", *(("variants", name) if name else ()))
        limits = [
            ("cost_cap_fen", offer.cost_cap_fen),
            ("per_customer_fen", strategy.budget.per_customer_fen),
        ]
        for word, limit in limits:
            if limit is not None and listed.value.cost_fen > limit:
                message = Message(
                    "'{code_list}' costs {cost_fen} a customer, above {word} {limit}",
                    code_list=offer.code_list,
                    cost_fen=listed.value.cost_fen,
                    word=word,
                    limit=limit,
                )
                yield source.finding(
                    at, "offer_above_cap", message, Message("Take a cheaper offer, or raise the cap")
                )
        if offer.cost_cap_fen is None:
            fix = Message("Add 'cost_cap_fen: {cost_fen}' or more", cost_fen=listed.value.cost_fen)
            yield source.finding(at, "cost_cap_missing", Message("the offer has no cap per customer"), fix)
    yield from _channels(play, place, source)
    yield from _slots_fit(folder, play, place, source)


def _channels(play: Play, place: Place, source: Source) -> Iterator[Finding]:
    for number, channel in enumerate(play.channels):
        if channel not in CHANNELS:
            fix = Message(
                "Use {channels}; a channel can be added later without changing the rest",
                channels=any_of(CHANNELS),
            )
            message = Message("the channel '{channel}' is not supported yet", channel=channel)
            yield source.finding((*place, "channels", number), "not_supported", message, fix)
    for name, landing in play.landing.variants.items():
        if _PLACEHOLDER in landing.url and set(play.channels) != {"sandbox"}:
            at: Place = (*place, "landing", *(("variants", name) if name else ()))
            message = Message("customers would be led to the placeholder {url}", url=landing.url)
            yield source.finding(at, "landing_is_placeholder", message, Message("Write your own address"))


def _slots_fit(folder: Folder, play: Play, place: Place, source: Source) -> Iterator[Finding]:
    for arm in play.arms():
        script = folder.definitions.get(("template", arm.script))
        if script is None or not isinstance(script.value, Template):
            continue
        used = _variables(script.value)
        if arm.audience == EVERYONE and any(path.startswith(("customer.", "trait.")) for path in used):
            message = Message(
                "'{everyone}' takes a plain text, but '{script}' speaks of the customer",
                everyone=EVERYONE,
                script=arm.script,
            )
            yield source.finding(
                (*place, "script"), "not_plain", message, Message("Take a template without customer data")
            )
        offered = arm.offer.code_list is not None
        if offered and "offer.code" not in used:
            message = Message("'{script}' never shows the code of the offer", script=arm.script)
            yield source.finding(
                (*place, "script"), "code_not_shown", message, Message("Write {{ offer.code }} in it")
            )
        if not offered and any(path.startswith("offer.") for path in used):
            message = Message("'{script}' speaks of an offer, but this play has none", script=arm.script)
            fix = Message("Name a code list in 'offer:', or take another script")
            yield source.finding((*place, "offer"), "offer_missing", message, fix)


def _template(settings: WorkspaceSettings | None, template: Template, source: Source) -> Iterator[Finding]:
    broken = False
    for language, parts in template.texts.items():
        for part, text in parts.items():
            try:
                compile_part(part, text)
            except TemplateError as error:
                broken = True
                place: Place = ("texts", language, part)
                yield source.finding(
                    place, "template_error", f"{language} {part}: {error}", Message("Mend the template")
                )
    missing = [language for language in LANGUAGES if language not in template.texts]
    if missing:
        message = Message("no text in {missing}", missing=joined(", ", missing))
        yield source.finding(
            ("texts",),
            "language_missing",
            message,
            Message("Add 'texts: {missing}:'", missing=missing[0]),
            warn=True,
        )
    if broken:
        return
    for path in sorted(_variables(template)):
        if settings is None and path.startswith("trait."):
            continue  # koipond.yaml, which declares traits, has findings of its own
        yield from _variable(path, template, list(settings.traits) if settings else [], source)


def _variable(path: str, template: Template, traits: list[str], source: Source) -> Iterator[Finding]:
    if not is_known(path, traits):
        message = Message("there is no variable '{path}'", path=path)
        yield source.finding(
            ("texts",), "unknown_variable", message, suggestion(path, known_variables(traits))
        )
    elif path not in template.required and path not in UNSET_AT_PLAN:
        absent = [language for language in template.texts if language not in template.fallbacks.get(path, {})]
        if absent:
            message = Message(
                "'{path}' is neither required nor has it a fallback in {absent}",
                path=path,
                absent=joined(", ", absent),
            )
            fix = Message("Add it to 'required:', or 'fallbacks: {{{path}: …}}'", path=path)
            yield source.finding(("texts",), "fallback_missing", message, fix)


def _variables(template: Template) -> frozenset[str]:
    try:
        return variables_of(template)
    except TemplateError:
        return frozenset()


def _offer(offer: CodeList, source: Source) -> Iterator[Finding]:
    if offer.expires_on is None and offer.valid_days is None:
        message = Message("its codes never expire")
        fix = Message("Add 'expires_on: YYYY-MM-DD' or 'valid_days: 14'")
        yield source.finding(("key",), "expiry_missing", message, fix)
