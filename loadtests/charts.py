"""Small charts as SVG, over the seconds of a run: dots or lines, limits, and bands where something was different."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

WIDTH, HEIGHT = 560, 210
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 14, 26
MOST_DOTS = 1500
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """`style` is a class of the page's style sheet. Dots at infinity stand at the upper edge."""

    name: str
    style: str
    points: Sequence[Point]
    dots: bool = False


@dataclass(frozen=True, slots=True)
class Limit:
    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Band:
    name: str
    begin: float
    end: float
    style: str = "fault"


@dataclass(frozen=True, slots=True)
class Chart:
    title: str
    unit: str
    seconds: float
    curves: Sequence[Curve]
    limits: Sequence[Limit] = ()
    bands: Sequence[Band] = ()
    marks: Sequence[tuple[str, float]] = field(default_factory=tuple)

    @property
    def highest(self) -> float:
        values = [y for curve in self.curves for _, y in curve.points if math.isfinite(y)]
        return rounded_up(max([*values, *(limit.value for limit in self.limits)], default=1.0))


def draw(chart: Chart) -> str:
    scale = _Scale(chart.seconds, chart.highest)
    parts = [
        *(_band(band, scale) for band in chart.bands),
        *_grid(scale, chart.unit),
        *(_mark(name, at, scale) for name, at in chart.marks),
        *(_limit(limit, scale) for limit in chart.limits),
        *(part for curve in chart.curves for part in _curve(curve, scale)),
    ]
    legend = "".join(f'<span class="{curve.style}">{escape(curve.name)}</span>' for curve in chart.curves)
    svg = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(chart.title)}">{"".join(parts)}</svg>'
    return f"<figure><figcaption>{escape(chart.title)} <small>{legend}</small></figcaption>{svg}</figure>"


def thinned(points: Sequence[Point], limit: float) -> list[Point]:
    """Few enough to be drawn, and every one above the limit among them while they are few."""
    if len(points) <= MOST_DOTS:
        return list(points)
    notable = [point for point in points if point[1] > limit][:MOST_DOTS]
    rest = [point for point in points if point[1] <= limit]
    step = max(1, -(-len(rest) // max(1, MOST_DOTS - len(notable))))
    return notable + rest[::step]


def rounded_up(value: float) -> float:
    """To one, two or five times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value * 0.999)


@dataclass(frozen=True, slots=True)
class _Scale:
    seconds: float
    highest: float

    def x(self, at: float) -> float:
        share = min(1.0, max(0.0, at / self.seconds)) if self.seconds else 0.0
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        share = min(1.0, max(0.0, value / self.highest))
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)


def _grid(scale: _Scale, unit: str) -> Iterable[str]:
    for quarter in range(5):
        value = scale.highest * quarter / 4
        y = scale.y(value)
        yield f'<line class="grid" x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}"/>'
        yield f'<text class="tick" x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{value:g}</text>'
        at = scale.seconds * quarter / 4
        yield f'<text class="tick" x="{scale.x(at)}" y="{HEIGHT - 8}" text-anchor="middle">{at:.0f} s</text>'
    yield f'<text class="tick" x="{LEFT}" y="{TOP - 4}">{escape(unit)}</text>'


def _band(band: Band, scale: _Scale) -> str:
    left, right = scale.x(band.begin), scale.x(band.end)
    return (
        f'<rect class="{band.style}" x="{left}" y="{TOP}" width="{max(1.0, right - left):.1f}" '
        f'height="{HEIGHT - TOP - BOTTOM}"><title>{escape(band.name)}</title></rect>'
        f'<text class="tick" x="{left + 4}" y="{TOP + 12}">{escape(band.name)}</text>'
    )


def _mark(name: str, at: float, scale: _Scale) -> str:
    x = scale.x(at)
    return (
        f'<line class="mark" x1="{x}" y1="{TOP}" x2="{x}" y2="{HEIGHT - BOTTOM}"/>'
        f'<text class="tick" x="{x + 3}" y="{HEIGHT - BOTTOM - 4}">{escape(name)}</text>'
    )


def _limit(limit: Limit, scale: _Scale) -> str:
    y = scale.y(limit.value)
    return (
        f'<line class="limit" x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}"/>'
        f'<text class="tick" x="{WIDTH - RIGHT}" y="{y - 3}" text-anchor="end">{escape(limit.name)}</text>'
    )


def _curve(curve: Curve, scale: _Scale) -> Iterable[str]:
    if curve.dots:
        for at, value in curve.points:
            told = "never" if math.isinf(value) else f"{value:.3f} s, begun after {at:.1f} s"
            radius = 4 if math.isinf(value) else 2
            yield (
                f'<circle class="{curve.style}" cx="{scale.x(at)}" cy="{scale.y(value)}" r="{radius}">'
                f"<title>{told}</title></circle>"
            )
        return
    path = " ".join(f"{scale.x(at)},{scale.y(value)}" for at, value in curve.points)
    yield f'<polyline class="{curve.style}" points="{path}"/>'
