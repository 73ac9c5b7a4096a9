"""Plots as inline SVG: no script, no font, no file of their own.

Colours are the page's CSS variables, so that a plot follows it into the dark. Every plot is an
image with a description to those who can't see it, and what is drawn carries its value as a title.
Drawn by hand: the libraries at hand fix colours and fonts, or need a script.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from ..sizing.svg import Canvas, Format, ticks
from .figures import percent


def histogram(
    name: str,
    samples: Sequence[float],
    mean: float,
    published: float | None,
    form: Format,
    bare: Format,
    colour: str,
) -> Markup:
    """How a metric is distributed over the requests of all runs.

    Args:
        name: of the metric.
        samples: a value a request.
        mean: of the runs' means.
        published: the published mean; None where there is none.
        form: how a value is written.
        bare: how it is written on the axis, without its unit.
        colour: a class of the page.
    """
    low, high = min(samples), max(samples)
    ends = [low, high, mean] + ([published] if published is not None else [])
    pad = (max(ends) - min(ends)) * 0.04 or high * 0.05 or 1.0
    canvas = Canvas((360, 210), (44, 24, 28, 24), (min(ends) - pad, max(ends) + pad), (0, 1))
    count = 26
    width = (high - low) / count or pad
    bins = [0] * count
    for sample in samples:
        bins[min(count - 1, int((sample - low) / width))] += 1
    canvas.y1 = max(bins) * 1.05
    for index, many in enumerate(bins):
        if many:
            left, right = low + index * width, low + (index + 1) * width
            canvas.add(
                '<rect x="{}" y="{}" width="{}" height="{}" class="{}">'
                "<title>{} to {}: {} requests</title></rect>",
                canvas.x(left) + 0.5,
                canvas.y(many),
                max(1.0, canvas.x(right) - canvas.x(left) - 1),
                canvas.y(0) - canvas.y(many),
                f"fill {colour}",
                form(left),
                form(right),
                many,
            )
    canvas.x_axis(ticks(canvas.x0, canvas.x1, 4), bare)
    if published is not None:
        canvas.mark(published, f"published {form(published)}", 0, "published")
    canvas.mark(mean, f"mean {form(mean)}", 1, "mean")
    beside = f", the published mean {form(published)}" if published is not None else ""
    return canvas.picture(
        f"{name} of {len(samples)} requests: from {form(low)} to {form(high)}, mean {form(mean)}"
        f"{beside}"
    )


def over_time(
    name: str,
    runs: Sequence[tuple[str, Sequence[float]]],
    seconds: float,
    published: float | None,
    form: Format,
    colour: str,
) -> Markup:
    """One line per run over its time.

    Args:
        name: of what is drawn.
        runs: their names and values, evenly spaced over the same seconds.
        seconds: of the whole.
        published: drawn across; None where there is none.
        form: how a value is written.
        colour: a class of the page.
    """
    most = max([value for _, values in runs for value in values] + [published or 0.0])
    canvas = Canvas((1120, 230), (24, 16, 30, 64), (0, seconds), (0, most * 1.1))
    canvas.y_axis(ticks(0, most * 1.05, 4), form)
    scale = 60 if seconds >= 180 else 1
    canvas.x_axis([each * scale for each in ticks(0, seconds / scale, 8)], _time)
    for run, values in runs:
        step = seconds / len(values)
        points = " ".join(
            f"{canvas.x(at):.1f},{canvas.y(value):.1f}"
            for index, value in enumerate(values)
            for at in (index * step, (index + 1) * step)
        )
        canvas.add(
            '<polyline points="{}" class="{}"><title>{}</title></polyline>',
            points,
            f"stroke {colour}",
            run,
        )
    if published is not None:
        at = canvas.y(published)
        canvas.line(float(canvas.left), at, float(canvas.width - canvas.right), at, "published")
        canvas.line(canvas.left + 2.0, 10.0, canvas.left + 26.0, 10.0, "published")
        told = f"published {form(published)}"
        canvas.text(canvas.left + 32.0, 14.0, told, "start", "label published")
    means = [sum(values) / len(values) for _, values in runs]
    told = ", ".join(f"{run} {form(mean)}" for (run, _), mean in zip(runs, means, strict=True))
    return canvas.picture(f"{name} over {_time(seconds)}; on average: {told}")


def _time(seconds: float) -> str:
    return f"{seconds / 60:.3g} min" if seconds >= 60 else f"{seconds:.3g} s"


def deviation(
    name: str, values: Sequence[float], allowed: tuple[float, float], colour: str
) -> Markup:
    """A metric's runs on a scale of their deviation from the published figure.

    Args:
        name: of the metric.
        values: a run's deviation each, as a part of the published figure.
        allowed: the least and the most that is within, as parts.
        colour: a class of the page.
    """
    edge = max(0.25, *(abs(value) * 1.15 for value in values))
    canvas = Canvas((240, 30), (2, 8, 2, 8), (-edge, edge), (0, 1))
    middle = 15.0
    low, high = (canvas.x(max(-edge, min(edge, each))) for each in allowed)
    canvas.add('<rect x="{}" y="5" width="{}" height="20" rx="3" class="band"/>', low, high - low)
    canvas.line(8.0, middle, 232.0, middle, "grid")
    canvas.line(canvas.x(0), 3.0, canvas.x(0), 27.0, "published")
    for value in values:
        canvas.add(
            '<circle cx="{}" cy="15" r="4" class="{}"><title>{}</title></circle>',
            canvas.x(value),
            f"dot {colour}",
            percent(value, signed=True),
        )
    told = ", ".join(percent(value, signed=True) for value in values)
    return canvas.picture(f"{name}: deviation of each run from the published figure: {told}")


def side_by_side(
    rows: Sequence[tuple[str, Sequence[tuple[str, str, Sequence[float]]]]],
) -> Markup:
    """Several metrics of two sides, each as a part of the first side's mean.

    Args:
        rows: a metric's name, and its sides: name, colour (a class of the page) and a value a run.
    """
    scaled = []
    for name, sides in rows:
        base = sum(sides[0][2]) / len(sides[0][2])
        scaled.append(
            (
                name,
                [
                    (side, colour, [each / base - 1 if base else 0.0 for each in runs])
                    for side, colour, runs in sides
                ],
            )
        )
    spread = max(abs(each) for _, sides in scaled for _, _, runs in sides for each in runs)
    edge = max(0.05, spread * 1.15)
    step = 46
    canvas = Canvas((1120, 46 + step * len(rows)), (10, 24, 34, 76), (-edge, edge), (0, 1))
    canvas.x_axis(ticks(-edge, edge, 6), lambda value: percent(value, signed=True), grid=True)
    for index, (name, sides) in enumerate(scaled):
        middle = canvas.top + step * (index + 0.5)
        canvas.text(canvas.left - 12.0, middle + 4, name, "end", "label")
        for place, (side, colour, runs) in enumerate(sides):
            y = middle + (place - 0.5) * 16
            canvas.add(
                '<line x1="{}" x2="{}" y1="{}" y2="{}" class="{}"/>',
                canvas.x(min(runs)),
                canvas.x(max(runs)),
                y,
                y,
                f"stroke {colour}",
            )
            for value in runs:
                canvas.add(
                    '<circle cx="{}" cy="{}" r="4.5" class="{}"><title>{}</title></circle>',
                    canvas.x(value),
                    y,
                    f"dot {colour}",
                    f"{side}, {name}: {percent(value, signed=True)}",
                )
    told = "; ".join(
        f"{name}: "
        + ", ".join(
            f"{side} {percent(sum(runs) / len(runs), signed=True)}" for side, _, runs in sides
        )
        for name, sides in scaled
    )
    return canvas.picture(f"Runs of both ingresses, relative to the first one's mean. {told}")


def by_concurrency(
    name: str,
    points: Sequence[tuple[int, float, float | None]],
    at_once: int,
    form: Format,
    colour: str,
) -> Markup:
    """A metric against the concurrency, measured and published.

    Args:
        name: of the metric.
        points: concurrency, mean, and the published figure or None.
        at_once: what the engine takes at once.
        form: how a value is written.
        colour: a class of the page.
    """
    published = [(index, told) for index, (_, _, told) in enumerate(points) if told is not None]
    most = max([mean for _, mean, _ in points] + [told for _, told in published]) * 1.15
    canvas = Canvas((500, 230), (34, 24, 30, 66), (-0.3, len(points) - 0.7), (0, most))
    canvas.text(float(canvas.left), 16.0, name, "start", "label")
    canvas.y_axis(ticks(0, most, 4), form)
    canvas.x_axis(range(len(points)), lambda index: str(points[int(index)][0]))
    over = [index for index, (concurrency, _, _) in enumerate(points) if concurrency > at_once]
    if over:
        left = canvas.x(max(canvas.x0, over[0] - 0.5))
        canvas.add(
            '<rect x="{}" y="{}" width="{}" height="{}" class="saturated"/>',
            left,
            float(canvas.top),
            canvas.width - canvas.right - left,
            float(canvas.height - canvas.top - canvas.bottom),
        )
        right = canvas.width - canvas.right - 4.0
        canvas.text(right, canvas.top + 14.0, f"saturated above {at_once}", "end", "tick")
    measured = [(index, mean) for index, (_, mean, _) in enumerate(points)]
    for series, kind in ((published, "published"), (measured, f"stroke {colour}")):
        path = " ".join(f"{canvas.x(x):.1f},{canvas.y(y):.1f}" for x, y in series)
        canvas.add('<polyline points="{}" class="{}"/>', path, kind)
        for x, y in series:
            dot = "dot hollow" if kind == "published" else f"dot {colour}"
            canvas.add(
                '<circle cx="{}" cy="{}" r="4.5" class="{}"><title>{}</title></circle>',
                canvas.x(x),
                canvas.y(y),
                dot,
                f"concurrency {points[x][0]}: {form(y)}",
            )
    told = "; ".join(
        f"{concurrency}: {form(mean)}"
        + (f", published {form(beside)}" if beside is not None else "")
        for concurrency, mean, beside in points
    )
    return canvas.picture(f"{name} by concurrency: {told}")
