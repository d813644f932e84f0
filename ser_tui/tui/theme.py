"""Colours: one accent, and the few named styles that all text uses. State is always a word too, so colour only helps."""

from __future__ import annotations

from rich.style import Style
from rich.text import Text
from rich.theme import Theme as RichTheme
from textual.color import BLACK, WHITE, Color
from textual.theme import BUILTIN_THEMES, Theme

from ser_tui.study.status import ShownStatus

THEME = Theme(
    name="ser",
    primary="#5fb3a1",
    secondary="#5fb3a1",
    accent="#5fb3a1",
    warning="#d7a65f",
    error="#d7755f",
    success="#5fb3a1",
    foreground="#d6d9d7",
    background="#14181a",
    surface="#14181a",
    panel="#1f2629",
    dark=True,
    variables={
        "block-cursor-background": "#2f4f4a",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#222b2d",
        "block-cursor-blurred-foreground": "#d6d9d7",
        "block-hover-background": "#1b2123",
        "input-selection-background": "#2f4f4a",
        "muted": "#8a9490",
        "scrollbar": "#33413f",
        "scrollbar-hover": "#3f5552",
        "scrollbar-active": "#5fb3a1",
        "scrollbar-background": "#14181a",
        "scrollbar-background-hover": "#14181a",
        "scrollbar-background-active": "#14181a",
        "scrollbar-corner-color": "#14181a",
    },
)

PLAIN_THEME = Theme(
    name="ser-plain",
    ansi=True,
    primary="ansi_cyan",
    secondary="ansi_cyan",
    accent="ansi_cyan",
    warning="ansi_yellow",
    error="ansi_red",
    success="ansi_cyan",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    dark=True,
    variables={
        "ansi-background": "ansi_black",
        "ansi-foreground": "ansi_white",
        "border-blurred": "ansi_bright_black",
        "block-cursor-background": "ansi_default",
        "block-cursor-foreground": "ansi_default",
        "block-cursor-text-style": "reverse",
        "block-cursor-blurred-background": "ansi_default",
        "block-cursor-blurred-foreground": "ansi_default",
        "block-cursor-blurred-text-style": "underline",
        "input-cursor-background": "ansi_default",
        "input-cursor-foreground": "ansi_default",
        "input-cursor-text-style": "reverse",
        "input-selection-background": "ansi_cyan",
        "input-selection-foreground": "ansi_black",
        "muted": "ansi_default",
        **dict.fromkeys(
            ("scrollbar-background", "scrollbar-background-hover", "scrollbar-background-active", "scrollbar-corner-color"), "ansi_default"
        ),
    },
)
"""The terminal's own sixteen colours and its own background: for TERM=linux, for NO_COLOR, and few bytes over a slow link."""


def themes() -> tuple[str, ...]:
    """The names of all themes that the settings may choose: the app's own, and Textual's."""
    return ("auto", THEME.name, PLAIN_THEME.name, *sorted(BUILTIN_THEMES))


RUN_COLOURS = ("#5fb3a1", "#c79bd6", "#d7a65f", "#7fa8d9", "#d98c8c", "#b5bd68")
RUN_ANSI = ("cyan", "magenta", "yellow", "blue", "red", "green")
RUN_ANSI_LIGHT = ("blue", "magenta", "red", "green", "cyan", "bright_black")
"""On white, where yellow is not seen."""
LEGIBLE = 4.5
"""Contrast that text has to what it stands on at least: https://www.w3.org/TR/WCAG22/#contrast-minimum."""


def run_style(number: int) -> str:
    """The named style of the run that was marked as number `number`: it keeps it wherever it stands."""
    return f"run{number % len(RUN_COLOURS)}"


def mark(number: int) -> str:
    """The letter of the run that was marked as number `number`."""
    return chr(ord("A") + number % 26)


def contrast(one: str, other: str) -> float:
    """How far two colours are apart in lightness, from 1 to 21, as WCAG 2.2 defines it."""
    low, high = sorted((_luminance(Color.parse(one)), _luminance(Color.parse(other))))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: Color) -> float:
    """Relative luminance, 0 to 1: https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def legible(colour: str, theme: Theme) -> str:
    """`colour`, as much lighter or darker as it takes to be read on what `theme` writes on: light themes have accents for surfaces."""
    known = {"background": theme.background, "panel": theme.panel}
    papers = known if all(known.values()) else theme.to_color_system().generate()
    ink, towards, shown = Color.parse(colour), WHITE if theme.dark else BLACK, colour
    for step in range(1, 21):
        if all(contrast(shown, str(papers[paper])) >= LEGIBLE for paper in known):
            break
        shown = ink.blend(towards, step / 20).hex
    return shown


def legible_variables(theme: Theme) -> dict[str, str]:
    """The colours of text by the names that style sheets have for them."""
    if theme.ansi:
        return {"muted": muted(theme)}
    accent = theme.accent or theme.primary
    return {"accent": legible(accent, theme), "warning": legible(theme.warning or accent, theme), "muted": muted(theme)}


def muted(theme: Theme) -> str:
    """The colour of what is said beside; Textual's own themes name none."""
    named = theme.variables.get("muted") or ("ansi_default" if theme.ansi else "#8a9490" if theme.dark else "#5c6662")
    return named if theme.ansi else legible(named, theme)


def styles(theme: Theme) -> RichTheme:
    """The named styles of `theme` for rich text: accent, strong, muted, warning, good."""
    if theme.ansi:
        accent, warning = _ansi(theme.accent, "cyan"), _ansi(theme.warning, "yellow")
        beside = Style(dim=True)
        runs: tuple[str, ...] = RUN_ANSI if theme.dark else RUN_ANSI_LIGHT
    else:
        accent, warning, beside_colour = (legible_variables(theme)[name] for name in ("accent", "warning", "muted"))
        beside = Style(color=beside_colour)
        runs = tuple(legible(colour, theme) for colour in RUN_COLOURS)
    return RichTheme(
        {
            "accent": Style(color=accent),
            "strong": Style(color=accent, bold=True),
            "bold": Style(bold=True),
            "muted": beside,
            "warning": Style(color=warning),
            "key": Style(color=accent, bold=True),
            **{f"shade{level}": style for level, style in enumerate(_shades(theme))},
            **{f"run{i}": Style(color=colour, bold=True) for i, colour in enumerate(runs)},
        },
        inherit=True,
    )


def _shades(theme: Theme) -> list[Style]:
    """Five steps from nothing to much, for the cells of a confusion matrix, whose numbers stay readable on each."""
    if theme.ansi:
        return [Style(dim=True), Style(), Style(bold=True), Style(bold=True, underline=True), Style(bold=True, reverse=True)]
    if not theme.dark:
        pairs = (("#7a827f", "#f4f6f5"), ("#202423", "#d5e6e1"), ("#202423", "#a9d0c6"), ("#101413", "#7bbbac"), ("#101413", "#5fb3a1"))
    else:
        pairs = (("#6d7673", "#191e20"), ("#d6d9d7", "#1f3330"), ("#ffffff", "#2a4c46"), ("#ffffff", "#3a6f65"), ("#101413", "#5fb3a1"))
    return [Style(color=ink, bgcolor=paper) for ink, paper in pairs]


def shade(share: float) -> str:
    """The named style for a share between 0 and 1."""
    return f"shade{0 if share < 0.05 else min(4, 1 + int(share * 4))}"


def _ansi(name: str | None, otherwise: str) -> str:
    return name.removeprefix("ansi_") if name and name.startswith("ansi_") and name != "ansi_default" else otherwise


STATE_STYLES = {
    ShownStatus.LIVE: "strong",
    ShownStatus.STARTING: "accent",
    ShownStatus.QUEUED: "accent",
    ShownStatus.STUCK: "warning",
    ShownStatus.NOT_BEGUN: "accent",
    ShownStatus.INTERRUPTED: "warning",
    ShownStatus.ELSEWHERE: "warning",
    ShownStatus.FAILED: "warning",
    ShownStatus.STOPPED: "muted",
    ShownStatus.PRIVATE: "muted",
}


def state_text(state: ShownStatus) -> Text:
    """A run's state as a word in its colour."""
    return Text(no_wrap=True, end="").append(state.value, STATE_STYLES.get(state) or None)
