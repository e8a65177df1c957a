"""What a command line that does not fit is answered with, in the language spoken.

The command line library says it in English alone; who, what and where stand in its errors.
"""

import re
from typing import Any

from koipond.kernel import Message, joined

_AT_LEAST = re.compile(r"Input should be greater than or equal to (?P<least>\S+)")
_AT_MOST = re.compile(r"Input should be less than or equal to (?P<most>\S+)")


def misuse(error: Any) -> Message:
    """Return what is wrong with the command line that was refused with ``error``, and where help is."""
    context = getattr(error, "ctx", None)
    said = _said(error)
    if context is None or type(error).__name__ == "NoArgsIsHelpError":
        return said
    usage = context.get_usage()
    see = Message("see: {command} --help", command=context.command_path)
    return joined("\n", [usage, said, see])


def _said(error: Any) -> Message:
    hint = ", ".join(error.possibilities) if getattr(error, "possibilities", None) else ""
    match type(error).__name__:
        case "NoSuchOption" if hint:
            return Message(
                "No such option: {option} (possible options: {possible})",
                option=error.option_name,
                possible=hint,
            )
        case "NoSuchOption":
            return Message("No such option: {option}", option=error.option_name)
        case "MissingParameter":
            return Message("Missing: {name}", name=_name(error))
        case "BadParameter":
            return Message("Invalid value for {name}: {why}", name=_name(error), why=_why(str(error.message)))
    return _why(str(getattr(error, "message", error)))


def _name(error: Any) -> str:
    if isinstance(error.param_hint, str):
        return error.param_hint
    return str(error.param.get_error_hint()) if error.param is not None else ""


def _why(text: str) -> Message:
    if found := _AT_LEAST.fullmatch(text):
        return Message("it must be at least {least}", **found.groupdict())
    if found := _AT_MOST.fullmatch(text):
        return Message("it must be at most {most}", **found.groupdict())
    if text.startswith(("Input should be a valid integer", "Input should be a valid number")):
        return Message("it must be a number")
    if text.startswith("No such command "):
        return Message("No such command {name}", name=text.removeprefix("No such command ").rstrip("."))
    return Message(text)
