"""SVG figures by hand: a drawing takes marks, and gives the text of a file."""

from collections.abc import Iterable

from markupsafe import escape

# Colours in pairs that are readable on light and on dark paper; blue and orange stay apart for
# every kind of colour blindness.
STYLE = """
svg { --ink: #1d2126; --muted: #595f67; --grid: #dcd8ce; --lead: #0b5c9e; --contrast: #a8430a;
  font: 13px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans",
  sans-serif;
  font-variant-numeric: tabular-nums; }
@media (prefers-color-scheme: dark) { svg { --ink: #e9e7e2; --muted: #a5abb3; --grid: #3a4048;
  --lead: #7dbdf5; --contrast: #f2a365; } }
text { fill: var(--ink); }
.muted { fill: var(--muted); } .small { font-size: 11px; } .strong { font-weight: 600; }
.middle { text-anchor: middle; } .end { text-anchor: end; }
.grid { stroke: var(--grid); } .axis { stroke: var(--muted); }
.lead { fill: var(--lead); } .contrast { fill: var(--contrast); }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke: var(--muted); }
.line.lead { fill: none; stroke: var(--lead); }
.line.contrast { fill: none; stroke: var(--contrast); }
.ring { fill: none; stroke: var(--ink); } .dashed { stroke-dasharray: 4 4; }
""".strip()


class Drawing:
    """Marks on a paper of a size; positions are in pixels from the top left."""

    def __init__(self, width: int, height: int, *, title: str, description: str) -> None:
        self.width, self.height = width, height
        self.parts = [f"<title>{escape(title)}</title>", f"<desc>{escape(description)}</desc>"]

    def text(self, x: float, y: float, text: str, kind: str = "") -> None:
        """Write a line of text."""
        self.parts.append(f'<text{_kind(kind)} x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>')

    def line(
        self, start: tuple[float, float], end: tuple[float, float], kind: str, **more: float
    ) -> None:
        """Draw a straight line; `width` and `opacity` may be given."""
        self.parts.append(
            f'<line{_kind(kind)} x1="{start[0]:.1f}" y1="{start[1]:.1f}" '
            f'x2="{end[0]:.1f}" y2="{end[1]:.1f}"{_look(more)}/>'
        )

    def curve(self, points: Iterable[tuple[float, float]], kind: str) -> None:
        """Draw a line through points."""
        places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline class="line {kind}" points="{places}"/>')

    def circle(self, x: float, y: float, radius: float, kind: str, **more: float) -> None:
        """Draw a disc, or a ring."""
        self.parts.append(
            f'<circle{_kind(kind)} cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"{_look(more)}/>'
        )

    def box(
        self, place: tuple[float, float], size: tuple[float, float], kind: str, **more: float
    ) -> None:
        """Draw a rectangle by its upper left corner and its size."""
        self.parts.append(
            f'<rect{_kind(kind)} x="{place[0]:.1f}" y="{place[1]:.1f}" '
            f'width="{size[0]:.1f}" height="{size[1]:.1f}"{_look(more)}/>'
        )

    def matrix(
        self,
        place: tuple[float, float],
        values: Iterable[Iterable[float]],
        *,
        cell: tuple[int, int] = (54, 28),
        largest: float,
        decimals: int = 2,
    ) -> None:
        """Draw numbers in cells, the darker the larger: blue above 0, orange below."""
        for row, numbers in enumerate(values):
            for column, number in enumerate(numbers):
                x, y = place[0] + column * cell[0], place[1] + row * cell[1]
                self.box(
                    (x, y),
                    (cell[0] - 2, cell[1] - 2),
                    "lead" if number >= 0 else "contrast",
                    opacity=0.06 + 0.4 * min(abs(number) / largest, 1),
                )
                self.text(
                    x + cell[0] / 2 - 1,
                    y + cell[1] / 2 + 4,
                    signed(number, decimals),
                    "middle small",
                )

    def svg(self) -> str:
        """Return the text of the file."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
            f'width="{self.width}" height="{self.height}" role="img">'
        )
        return "\n".join([head, f"<style>{STYLE}</style>", *self.parts, "</svg>", ""])


def signed(number: float, decimals: int = 2) -> str:
    """Write a number with a real minus, and 0 without one."""
    text = f"{number:.{decimals}f}"
    return text.replace("-", "−") if float(text) else f"{0:.{decimals}f}"


def _kind(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def _look(more: dict[str, float]) -> str:
    """Write widths and opacities as a style, which precedes the classes."""
    names = {"width": "stroke-width", "opacity": "opacity"}
    look = ";".join(f"{names[name]}:{value:.2f}" for name, value in more.items())
    return f' style="{look}"' if look else ""
