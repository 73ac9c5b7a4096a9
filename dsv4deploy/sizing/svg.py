"""One picture as SVG: no script, no font. What is drawn carries its value as a title.

Drawn by hand: the available libraries fix colours and fonts, or need a script.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import ceil, floor, log10

from markupsafe import Markup

Format = Callable[[float], str]
"""How a value is written."""


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round values between two, in steps of 1, 2 or 5 times a power of ten."""
    if high <= low:
        return [low]
    rough = (high - low) / about
    power = 10.0 ** floor(log10(rough))
    step = next(power * each for each in (1, 2, 5, 10) if power * each >= rough * 0.999)
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


class Canvas:
    """A picture with a plotting area; x and y are of the data."""

    def __init__(
        self,
        size: tuple[int, int],
        margins: tuple[int, int, int, int],
        x: tuple[float, float],
        y: tuple[float, float],
    ) -> None:
        self.width, self.height = size
        self.top, self.right, self.bottom, self.left = margins
        self.x0, self.x1 = x if x[1] > x[0] else (x[0] - 1, x[0] + 1)
        self.y0, self.y1 = y if y[1] > y[0] else (y[0] - 1, y[0] + 1)
        self.parts: list[Markup] = []

    def x(self, value: float) -> float:
        """Where a value of the data is from the left."""
        inner = self.width - self.left - self.right
        return self.left + (value - self.x0) / (self.x1 - self.x0) * inner

    def y(self, value: float) -> float:
        """Where a value of the data is from the top."""
        inner = self.height - self.top - self.bottom
        return self.height - self.bottom - (value - self.y0) / (self.y1 - self.y0) * inner

    def add(self, template: str, *values: object) -> None:
        """Adds a part; values are escaped, numbers rounded."""
        written = (f"{each:.1f}" if isinstance(each, float) else each for each in values)
        self.parts.append(Markup(template).format(*written))  # noqa: S704 the templates are ours

    def text(
        self, x: float, y: float, text: str, anchor: str = "middle", kind: str = "tick"
    ) -> None:
        """A text; ``kind`` is a class of the style."""
        self.add(
            '<text x="{}" y="{}" text-anchor="{}" class="{}">{}</text>', x, y, anchor, kind, text
        )

    def line(self, x0: float, y0: float, x1: float, y1: float, kind: str) -> None:
        """A line; ``kind`` is a class of the style."""
        self.add('<line x1="{}" y1="{}" x2="{}" y2="{}" class="{}"/>', x0, y0, x1, y1, kind)

    def x_axis(self, values: Iterable[float], form: Format, *, grid: bool = False) -> None:
        """The axis below the plot with its values, or the plot's vertical lines too."""
        floor_of = float(self.height - self.bottom)
        self.line(float(self.left), floor_of, float(self.width - self.right), floor_of, "axis")
        for value in values:
            at = self.x(value)
            end = float(self.top) if grid else floor_of + 4
            self.line(at, floor_of, at, end, "grid" if grid else "axis")
            self.text(at, floor_of + 17, form(value))

    def y_axis(self, values: Iterable[float], form: Format) -> None:
        """The values left of the plot, and its horizontal lines."""
        for value in values:
            at = self.y(value)
            self.line(float(self.left), at, float(self.width - self.right), at, "grid")
            self.text(self.left - 8.0, at + 4, form(value), "end")

    def mark(self, value: float, text: str, row: int, kind: str) -> None:
        """A vertical line with its label in one of the rows above the plot."""
        at, y = self.x(value), 14.0 + 15 * row
        self.line(at, y + 4, at, float(self.height - self.bottom), kind)
        end = at > (self.left + self.width - self.right) / 2
        self.text(at + (-4 if end else 4), y + 4, text, "end" if end else "start", f"label {kind}")

    def picture(self, description: str) -> Markup:
        """The picture for a page, which has its style."""
        return self._svg(description, Markup(""), Markup(""))

    def document(self, description: str, style: str) -> Markup:
        """The picture as a file of its own, with its style and a white background."""
        ground = Markup('<style>{}</style><rect width="100%" height="100%" fill="#fff"/>')
        space = Markup(' xmlns="http://www.w3.org/2000/svg"')
        return self._svg(description, space, ground.format(style)) + Markup("\n")

    def _svg(self, description: str, attributes: Markup, ground: Markup) -> Markup:
        return Markup('<svg{} viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
            attributes,
            self.width,
            self.height,
            description,
            ground + Markup("\n").join(self.parts),
        )
