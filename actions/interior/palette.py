"""The colours of a picture: its few main ones with their share and names in both languages, and how strong its contrast
is.

    colours = read_palette(picture)
    colours.swatches[0].name          # ("beige", "米色"), the dominating one

Differences are distances in CIELAB (CIE 1976), where about 2 is just noticed and 20 is another shade. LittleCMS
converts, Pillow's median cut with k-means on top of it finds the clusters. Knows nothing of rooms.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from PIL import Image, ImageCms, ImageColor

SIDE = 160  # pixels; a palette needs no more
CLUSTERS, MOST = 10, 5
SAME = 13.0  # CIELAB distance below which two clusters are one colour
LEAST = 0.04  # share of a picture that a main colour has
LOW_CONTRAST = 28.0  # lightness (0 to 100) between the darkest and the lightest tenth

NAMED: tuple[tuple[str, str, str], ...] = (  # hex, English, Chinese
    ("#FFFFFF", "white", "白色"), ("#F5EFE0", "cream", "奶油白"), ("#E3D5B8", "beige", "米色"),
    ("#C9B08A", "sand", "沙色"), ("#D9D9D9", "light grey", "浅灰"), ("#9A9A9A", "grey", "灰色"),
    ("#565656", "dark grey", "深灰"), ("#151515", "black", "黑色"), ("#8B5A33", "brown", "棕色"),
    ("#4B2E1E", "dark brown", "深棕"), ("#B98552", "tan", "棕褐色"), ("#C5623B", "terracotta", "赤陶色"),
    ("#D32626", "red", "红色"), ("#7C1A24", "burgundy", "酒红"), ("#F2A0B5", "pink", "粉色"),
    ("#EAC4C0", "pale pink", "浅粉"), ("#E6397F", "magenta", "洋红"), ("#F28A2A", "orange", "橙色"),
    ("#F5D83B", "yellow", "黄色"), ("#C79A2B", "mustard", "芥末黄"), ("#F3E7A6", "pale yellow", "浅黄"),
    ("#77782F", "olive", "橄榄绿"), ("#A9B79B", "sage", "鼠尾草绿"), ("#3E9440", "green", "绿色"),
    ("#1F4A30", "dark green", "深绿"), ("#A8E0C0", "mint", "薄荷绿"), ("#1F7A78", "teal", "水鸭色"),
    ("#45C8C4", "turquoise", "绿松石色"), ("#A9CFE8", "light blue", "浅蓝"), ("#2F66C4", "blue", "蓝色"),
    ("#1C2B52", "navy", "藏青色"), ("#10106E", "dark blue", "深蓝"), ("#6F8499", "blue grey", "蓝灰"),
    ("#7A3FA8", "purple", "紫色"),
    ("#C3B1E0", "lavender", "薰衣草紫"), ("#4F2548", "plum", "梅紫"), ("#8C7B6C", "taupe", "灰褐"),
)  # fmt: skip


@dataclass(frozen=True)
class Swatch:
    """One colour."""

    hex: str  # "#E3D5B8"
    name: tuple[str, str]  # English, Chinese
    share: float = 0.0  # of the picture

    @property
    def rgb(self) -> tuple[int, int, int]:
        red, green, blue = ImageColor.getrgb(self.hex)[:3]
        return red, green, blue

    @property
    def lightness(self) -> float:
        """0 to 100."""
        return lab(self.rgb)[0]

    @property
    def chroma(self) -> float:
        """0 for grey, above 60 for strong colours."""
        return float(np.hypot(*lab(self.rgb)[1:]))

    def away(self, other: Swatch) -> float:
        """The CIELAB distance."""
        return float(np.linalg.norm(np.subtract(lab(self.rgb), lab(other.rgb))))


@dataclass(frozen=True)
class Palette:
    """What a picture's colours are."""

    swatches: tuple[Swatch, ...]  # the largest first, each name once, at least one
    contrast: float  # lightness between the darkest and the lightest tenth, 0 to 100

    @property
    def flat(self) -> bool:
        return self.contrast < LOW_CONTRAST


def read_palette(picture: Image.Image) -> Palette:
    """picture: RGB, of any size."""
    small = picture.copy()
    small.thumbnail((SIDE, SIDE))
    pixels = np.asarray(small, np.uint8).reshape(-1, 3)
    places = _lab(pixels)
    # clusters are sought where distances are those that are seen: CIELAB, its three axes as the channels of a picture
    channels = np.clip(np.add(places, (0.0, 128.0, 128.0)), 0, 255).astype(np.uint8)
    image = Image.fromarray(channels.reshape(small.height, small.width, 3))
    labels = np.asarray(image.quantize(CLUSTERS, Image.Quantize.MEDIANCUT, kmeans=8)).ravel()
    counts = np.bincount(labels)
    clusters = [(count, pixels[labels == n].mean(0)) for n, count in enumerate(counts) if count]
    swatches: list[Swatch] = []
    for count, mean in sorted(clusters, key=lambda cluster: -cluster[0]):
        swatch = named("#{:02X}{:02X}{:02X}".format(*np.rint(mean).astype(int)), float(count / len(pixels)))
        near = next((n for n, s in enumerate(swatches) if s.name == swatch.name or s.away(swatch) < SAME), None)
        if near is None:
            swatches.append(swatch)
        else:
            swatches[near] = Swatch(swatches[near].hex, swatches[near].name, swatches[near].share + swatch.share)
    swatches.sort(key=lambda swatch: -swatch.share)
    main = [swatch for swatch in swatches if swatch.share >= LEAST] or swatches
    dark, light = np.percentile(places[:, 0], (10, 90))
    return Palette(tuple(main[:MOST]), float(light - dark))


def named(hex_: str, share: float = 0.0) -> Swatch:
    """A colour with the name of the nearest that has one."""
    rgb = ImageColor.getrgb(hex_)[:3]
    distances = np.linalg.norm(_named_lab() - np.array(lab(rgb)), axis=1)
    _, en, zh = NAMED[int(distances.argmin())]
    return Swatch(hex_.upper(), (en, zh), share)


def shade(swatch: Swatch, lightness: float, saturation: float = 1.0) -> str:
    """The same hue at another lightness (0 to 1, of HLS), as hex."""
    hue, _, full = colorsys.rgb_to_hls(*(channel / 255 for channel in swatch.rgb))
    rgb = colorsys.hls_to_rgb(hue, lightness, full * saturation)
    return "#{:02X}{:02X}{:02X}".format(*(round(channel * 255) for channel in rgb))


@lru_cache(4096)
def lab(rgb: tuple[int, ...]) -> tuple[float, float, float]:
    """Lightness 0 to 100, a and b, of an sRGB colour."""
    lightness, a, b = _lab(np.array([rgb], np.uint8))[0]
    return float(lightness), float(a), float(b)


def _lab(pixels: np.ndarray) -> np.ndarray:
    """float64 (n, 3) from uint8 (n, 3): LittleCMS gives lightness as 0 to 255, a and b as signed bytes."""
    converted = ImageCms.applyTransform(Image.fromarray(pixels[None]), _transform())
    assert converted is not None
    raw = np.asarray(converted)[0]
    return np.concatenate([raw[:, :1] / 2.55, raw[:, 1:].astype(np.int8)], axis=1)


@cache
def _transform() -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")


@cache
def _named_lab() -> np.ndarray:
    return np.array([lab(ImageColor.getrgb(hex_)[:3]) for hex_, _, _ in NAMED])
