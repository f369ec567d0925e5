"""How the page is looked at: at a desk and on a phone, in light and dark."""

import base64
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

from tests.axe import SETTLED

COLOURS = 64  # of a picture: the page has few, and so it is small and still sharp
# Two frames later everything that was changed is drawn.
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@dataclass(frozen=True)
class Look:
    device: str
    theme: str
    width: int
    height: int

    @property
    def name(self) -> str:
        return f"{self.device}-{self.theme}"


DESKTOP = tuple(Look("desktop", theme, 1280, 800) for theme in ("light", "dark"))
PHONE = tuple(Look("phone", theme, 390, 844) for theme in ("light", "dark"))
EVERY = DESKTOP + PHONE


class Camera:
    """Takes the pictures of one page, which it makes a phone's or a desk's for that."""

    def __init__(self, page, scripts: bool) -> None:
        self.page = page
        self.scripts = scripts  # whether there are any
        self._devtools = page.context.new_cdp_session(page)

    def look(self, look: Look, scale: float = 1) -> None:
        """Let the page be seen like this; what moves for ever stands still for it."""
        phone = look.device == "phone"
        self._devtools.send(
            "Emulation.setDeviceMetricsOverride",
            {
                "width": look.width,
                "height": look.height,
                "deviceScaleFactor": scale,
                "mobile": phone,
            },
        )
        if phone:  # and it stays one: to take the finger away would take the mouse away as well
            self._devtools.send(
                "Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 1}
            )
        self.page.emulate_media(color_scheme=look.theme, reduced_motion="reduce")
        if self.scripts:
            self.page.evaluate(DRAWN)
            self.page.evaluate(SETTLED)

    def take(self, path: Path, colours: int = COLOURS) -> None:
        """A WebP or a PNG, as the path says."""
        taken = self._devtools.send("Page.captureScreenshot", {"format": "png"})
        picture = Image.open(BytesIO(base64.b64decode(taken["data"]))).convert("RGB")
        picture = picture.quantize(colours, dither=Image.Dither.NONE)
        if path.suffix == ".webp":
            picture.convert("RGB").save(path, lossless=True, method=6, quality=100)
        else:
            picture.save(path, optimize=True)
