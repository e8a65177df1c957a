"""The layer set (分层定义): all layer definitions of a workspace as one versioned value.

`LayerSet.from_mapping` takes {"rfm": body of layers/rfm.yaml, "lifecycle": …}; absent ones get defaults.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from koipond.kernel import Finding, FindingsError, Message, fingerprint, joined
from koipond.profiles.spec import YEAR_DAYS, BaseSpec, Window
from koipond.segments.layers.aipl import AiplDefinition
from koipond.segments.layers.fields import Fields
from koipond.segments.layers.grade import GradeDefinition
from koipond.segments.layers.lifecycle import LifecycleDefinition
from koipond.segments.layers.rfm import RfmDefinition

KINDS = {
    "rfm": RfmDefinition,
    "lifecycle": LifecycleDefinition,
    "aipl": AiplDefinition,
    "grade": GradeDefinition,
}
EXPRESSIONS_VERSION = 2
"""Raise when the meaning of an expression changes, so that every workspace refreshes in full."""


@dataclass(frozen=True, kw_only=True)
class LayerSet:
    """The definitions that profiles follow."""

    rfm: RfmDefinition = field(default_factory=RfmDefinition)
    lifecycle: LifecycleDefinition = field(default_factory=LifecycleDefinition)
    aipl: AiplDefinition = field(default_factory=AiplDefinition)
    grade: GradeDefinition = field(default_factory=GradeDefinition)

    @staticmethod
    def from_mapping(body: Mapping[str, Any] | None, *, folder: str = "layers") -> "LayerSet":
        """Read the bodies of the files of ``folder``; raise `FindingsError` with every mistake in them."""
        findings: list[Finding] = []
        made: dict[str, Any] = {}
        for name, content in (body or {}).items():
            file = f"{folder}/{name}.yaml"
            if name not in KINDS:
                fix = Message("Name the file {kinds}", kinds=joined(", ", (f"{kind}.yaml" for kind in KINDS)))
                findings.append(
                    Finding(
                        file=file,
                        line=0,
                        code="unknown_layer",
                        message=Message("no layer '{name}'", name=name),
                        fix=fix,
                    )
                )
                continue
            fields = Fields(content, file=file)
            made[name] = KINDS[name].read(fields)  # type: ignore[attr-defined]
            fields.close()
            findings += fields.findings
        if findings:
            raise FindingsError(findings)
        return LayerSet(**made)

    def to_mapping(self) -> dict[str, Any]:
        """Return the canonical bodies: reading them gives an equal set, writing that gives equal bodies."""
        return {name: getattr(self, name).to_mapping() for name in KINDS}

    @cached_property
    def fingerprint(self) -> str:
        """Equal for equal definitions; stored as ``definition_version`` with every result."""
        return fingerprint({"layers": self.to_mapping(), "expressions": EXPRESSIONS_VERSION})

    @cached_property
    def base_spec(self) -> BaseSpec:
        """What the base stage has to measure for these definitions."""
        asked = {self.rfm.window.days, self.grade.window.days, YEAR_DAYS}
        windows = tuple(Window(days=days) for days in sorted(asked, key=lambda d: d or 0))
        counted = (self.rfm.window,) if self.rfm.frequency == "purchase_days" else ()
        return BaseSpec(
            windows=windows,
            day_windows=counted,
            browse_events=self.aipl.browse_events,
            active_events=self.aipl.active_events,
            passive_events=self.aipl.passive_events,
            praise_events=self.aipl.praise_events,
            purchase_events=self.aipl.purchase_events,
            interest_window_days=self.aipl.interest_window_days,
            praise_window_days=self.aipl.praise_window_days,
            browse_days_min=self.aipl.browse_days_min,
            loyal_days_min=self.aipl.loyal_days_min,
        )
