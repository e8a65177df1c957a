"""Templates (话术模板): what a touch says, in zh, en and id, rendered by a contained Liquid."""

from koipond.outreach.templates.contain import MAX_TEXT, ContainedEnvironment, TemplateError, compile_liquid
from koipond.outreach.templates.model import PARTS, Rendered, Template
from koipond.outreach.templates.render import preview, render, variables_of

__all__ = [
    "MAX_TEXT",
    "PARTS",
    "ContainedEnvironment",
    "Rendered",
    "Template",
    "TemplateError",
    "compile_liquid",
    "preview",
    "render",
    "variables_of",
]
