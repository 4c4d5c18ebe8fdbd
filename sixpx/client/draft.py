"""Owns a job that is being written: inputs, outputs, methods, in the words of the published clients. Never sends it.

Each word returns a new draft, so that one can be kept and continued in several ways. What is said of an output (a
tag, a type, a method) is said of the last one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Self, TypeVar, overload

from sixpx.client.source import Source, address
from sixpx.errors import Invalid

R_co = TypeVar("R_co", covariant=True)

MAIN = "main"
INFO = "info"
Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Draft(Generic[R_co]):
    """`send` posts a body and answers with what `save` returns: a finished job, or a coroutine of one."""

    send: Callable[[Callable[[], Body]], R_co] = field(repr=False)
    inputs: Mapping[str, Source] = field(default_factory=dict, repr=False)
    outputs: tuple[Mapping[str, Any], ...] = ()
    parts: Mapping[str, Any] = field(default_factory=dict)

    # --- the job ----------------------------------------------------------------------------------

    @overload
    def load(self, source: Source | Mapping[str, Source], /) -> Self: ...

    @overload
    def load(self, name: str, source: Source, /) -> Self: ...

    def load(self, first: Any, second: Any = None, /) -> Self:
        """One more picture: `load(source)` is called `main`, `load(name, source)` and `load({name: source})` are called
        as they say. A source is an http(s) address, a data URI, a path of this disk, or bytes."""
        named = {first: second} if second is not None else first if isinstance(first, Mapping) else {MAIN: first}
        return replace(self, inputs={**self.inputs, **named})

    def data(self, data: Mapping[str, Any]) -> Self:
        """An object of yours, returned with the job and searchable."""
        return replace(self, parts={**self.parts, "data": dict(data)})

    def callback(self, url: str) -> Self:
        """Where the finished job is posted to."""
        return replace(self, parts={**self.parts, "callback": {"url": url}})

    # --- its outputs ------------------------------------------------------------------------------

    def output(self, ref: Mapping[str, str | bool] | str | None = None) -> Self:
        """One more output: `{input: file name}`, with False for a random name; a text is the name for all inputs
        there are one of; without either every input gets a random name."""
        if isinstance(ref, str):
            ref = {self._only("a name alone needs a single input"): ref}
        chosen = dict.fromkeys(self.inputs, False) if ref is None else dict(ref)
        return replace(self, outputs=(*self.outputs, {"ref": chosen, "methods": []}))

    def tag(self, tag: str) -> Self:
        """Its name in the finished job, of up to 100 characters; `output-1`, `output-2` where none is given."""
        return self._with(tag=tag)

    def type(self, type: str) -> Self:
        """A MIME type: `image/jpeg`."""
        return self._with(type=type)

    def url(self, url: str) -> Self:
        """A destination: `6px`, a masked name, or a connection string."""
        return self._with(url=url)

    def quality(self, quality: int) -> Self:
        """1 to 100, of JPEG, WebP and AVIF."""
        return self._with(quality=quality)

    def progressive(self, progressive: bool = True) -> Self:
        """A picture that is seen coarsely before it is there as a whole: JPEG, PNG, GIF."""
        return self._with(progressive=progressive)

    def keep_metadata(self) -> Self:
        """EXIF, XMP and IPTC stay; without it the copyright alone does."""
        return self._with(metadata="keep")

    # --- its methods ------------------------------------------------------------------------------

    def method(self, name: str, options: Mapping[str, Any] | None = None, /, **more: Any) -> Self:
        """Any method by its name; options as an object, as keywords, or both."""
        last = self._last()
        step = {"method": name, "options": {**(options or {}), **more}}
        return self._with(methods=[*last["methods"], step])

    def resize(self, options: Mapping[str, Any] | None = None, /, **more: Any) -> Self:
        """`width`, `height` in pixels, one is enough; `fit`, `enlarge`, `gravity`, `background`."""
        return self.method("resize", options, **more)

    def crop(self, options: Mapping[str, Any] | None = None, /, **more: Any) -> Self:
        """`x`, `y`, `width`, `height` in pixels; `gravity` in place of x and y; `face`, `padding` in pixels."""
        return self.method("crop", options, **more)

    def rotate(self, options: Mapping[str, Any] | None = None, /, **more: Any) -> Self:
        """`degrees`, clockwise; `background`: `#rrggbb` or `transparent`."""
        return self.method("rotate", options, **more)

    def layer(self, options: Mapping[str, Any] | None = None, /, **more: Any) -> Self:
        """`ref`: another input, on top; `x`, `y`, `width`, `height` in pixels, `opacity` 0 to 1, `gravity`, `blend`."""
        return self.method("layer", options, **more)

    def filter(self, options: Mapping[str, Any] | None = None, /, **more: Any) -> Self:
        """One or many, applied in the order of their keys: `sepia=70, sharpen=40`."""
        return self.method("filter", options, **more)

    def analyze(self, options: Mapping[str, Any] | None = None, /, **more: Any) -> Self:
        """`type`: `exif`, `color` (with `context`) or `nudity`; found under `analysis` of each picture."""
        return self.method("analyze", options, **more)

    # --- its end ----------------------------------------------------------------------------------

    def body(self) -> Body:
        """The body of the POST; files are read now. Raises Invalid."""
        inputs = {name: address(name, source) for name, source in self.inputs.items()}
        return {**self.parts, "input": inputs, "output": [dict(one) for one in self.outputs]}

    def save(self) -> R_co:
        """Posts the job and waits for its end; without an output each input is kept as it is. Raises JobFailed where an
        output failed, Invalid with every mistake in the job."""
        return self.send((self if self.outputs else self.output()).body)

    def get_info(self) -> R_co:
        """The job of one output that only looks at its inputs: sizes, types, bytes."""
        return self.send(self.output().tag(INFO).body)

    def _only(self, why: str) -> str:
        if len(self.inputs) != 1:
            raise Invalid(f"output: {why}; there are {len(self.inputs)}: give {{input: name}}")
        return next(iter(self.inputs))

    def _last(self) -> Mapping[str, Any]:
        if not self.outputs:
            raise Invalid("expected output(...) before what is said of it")
        return self.outputs[-1]

    def _with(self, **parts: Any) -> Self:
        return replace(self, outputs=(*self.outputs[:-1], {**self._last(), **parts}))
