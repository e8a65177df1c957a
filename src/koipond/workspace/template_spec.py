"""The shape of `templates/KEY.yaml` (话术模板). Kind `provider` (SMS, voice) is not supported yet."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from koipond.kernel import Language, Message
from koipond.outreach.header_text import subject_fault
from koipond.outreach.templates import Template
from koipond.strategy.spec import Key, Shape

VariablePath = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$")]


TEXT_CHARS_MAX = 200_000


def _subject(text: str) -> str:
    if fault := subject_fault(text):
        raise ValueError(Message("{fault}; write the subject in one line", fault=fault))
    return text


class TextsShape(Shape):
    subject: Annotated[str, Field(max_length=1_000), AfterValidator(_subject)] | None = None
    text: str = Field(min_length=1, max_length=TEXT_CHARS_MAX)
    html: str | None = Field(default=None, max_length=TEXT_CHARS_MAX)


class TemplateShape(Shape):
    """One message: ``texts`` by language, ``required`` variables, ``fallbacks`` of the others."""

    key: Key
    kind: Literal["liquid"] = "liquid"
    description: str = ""
    required: list[VariablePath] = Field(default_factory=list)
    fallbacks: dict[VariablePath, dict[Language, str]] = Field(default_factory=dict)
    texts: dict[Language, TextsShape] = Field(min_length=1)

    def resolve(self) -> Template:
        """Return the template."""
        return Template(
            key=self.key,
            texts={lang: one.model_dump(exclude_none=True) for lang, one in self.texts.items()},
            required=tuple(self.required),
            fallbacks={
                path: {str(lang): text for lang, text in words.items()}
                for path, words in self.fallbacks.items()
            },
        )
