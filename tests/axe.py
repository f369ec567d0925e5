"""axe, which finds on a page what breaks WCAG: the library is in `tests/vendor/axe`."""

from pathlib import Path

SCRIPT = (Path(__file__).parent / "vendor" / "axe" / "axe.min.js").read_text()
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
WIDTHS = (1280, 390)

# What is wrong, as sentences. Colours are all that a second theme can break.
RUN = """
async (only) => (await axe.run({ runOnly: only, resultTypes: ["violations"] })).violations.flatMap(
  ({ id, help, nodes }) => nodes.map(({ target, any, all, none }) => {
    const why = [...any, ...all, ...none].map(({ message }) => message).join(" ");
    return `${id}: ${help}: ${target.join(" ")}: ${why}`;
  })
)
"""
# Another scheme's colours may come by a transition, which a page in the background never ends.
SETTLED = """
() => document.getAnimations()
  .filter((animation) => animation instanceof CSSTransition)
  .forEach((transition) => transition.finish())
"""
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
EVERYTHING = {"type": "tag", "values": TAGS}


def violations(page, widths: tuple[int, ...] = WIDTHS) -> list[str]:
    """What is wrong with the page as it is now, at these widths, in light and dark."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(SCRIPT)
    height = page.viewport_size["height"]
    found = []
    for width in widths:
        page.set_viewport_size({"width": width, "height": height})
        for scheme, rules in (("light", EVERYTHING), ("dark", COLOURS)):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.evaluate(SETTLED)
            wrong = page.evaluate(RUN, rules)
            found += [f"{scheme} {width}: {sentence}" for sentence in wrong]
    page.set_viewport_size({"width": max(widths), "height": height})
    return found
