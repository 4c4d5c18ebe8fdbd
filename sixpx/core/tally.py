"""Owns what is known of one output while its pictures come in, and how it ends. Never a file, a clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from sixpx.core.job import Output, Processed, Span, Status, Stored, Trouble
from sixpx.core.render import Made, Render, Report, Saving, Sheet
from sixpx.errors import OutputFault


@dataclass(slots=True)
class Tally:
    """The pictures of one output by input name: stored, or in trouble. `upload` in milliseconds."""

    output: Output
    stored: dict[str, Stored] = field(default_factory=dict)
    troubles: dict[str, Trouble] = field(default_factory=dict)
    upload: float = 0.0

    @property
    def full(self) -> bool:
        """Whether every picture of the output has its outcome."""
        return len(self.stored) + len(self.troubles) == len(self.output.names)

    def fail(self, name: str, fault: OutputFault, stage: str, at: str | None = None) -> None:
        """No picture of the input `name`: for a fault of its own, or of the layer `at` that it needs."""
        self.troubles[name] = Trouble(fault.code, stage, fault.detail, fault.retryable, at or name)

    def store(self, name: str, made: Made, location: str) -> None:
        self.stored[name] = Stored(
            made.width, made.height, made.bytes, made.type, location, made.analysis, made.face, made.looked_for_face
        )

    def take_flaw(self, name: str, report: Report) -> None:
        flaw = report.flaws[key(self.output, name)]
        self.troubles[name] = Trouble(flaw.code, flaw.stage, flaw.detail, flaw.retryable, name)

    def record(self, before: Processed, start: datetime, now: datetime, download: int) -> Processed:
        """The output's record at its end; the first trouble in the order of its inputs is the one shown."""
        trouble = next((self.troubles[name] for name in self.output.names if name in self.troubles), None)
        return replace(
            before,
            modified=now,
            status=Status.FAILED if trouble else Status.COMPLETE,
            stored={name: self.stored[name] for name in self.output.names if name in self.stored},
            trouble=trouble,
            span=Span(start, now, download, round(self.upload)),
        )


def key(output: Output, name: str) -> str:
    """What a picture is called in a Render: `tag/input`."""
    return f"{output.tag}/{name}"


def sheet(output: Output, name: str, path: str) -> Sheet:
    """What a lane is told of one picture."""
    saving = Saving(output.type, output.quality, output.progressive, output.keep_metadata)
    return Sheet(key(output, name), path, tuple((step.method, step.options) for step in output.steps), saving)


def render(id: str, name: str, sheets: Iterable[Sheet], paths: Mapping[str, str], journal: str | None) -> Render:
    """The Render of the input `name`; `paths` are the files of it and of all layers that the sheets name."""
    return Render(id, paths[name], journal, tuple(sheets), dict(paths))


def merged(spans: Iterable[Span], download: int) -> Span:
    """The job's own span: earliest start, latest end, uploads summed (SPEC section 9, Totals)."""
    known = [span for span in spans if span.start is not None]
    return Span(
        min((span.start for span in known if span.start), default=None),
        max((span.end for span in known if span.end), default=None),
        download,
        sum(span.upload for span in known),
    )
