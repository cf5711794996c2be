"""How colours are seen: contrast, difference, and what is left of it where cones are missing.

Sources: contrast, WCAG 2.1, *relative luminance* and *contrast ratio*; colour blindness, Machado,
Oliveira and Fernandes 2009, *A Physiologically-based Model for Simulation of Color Vision
Deficiency*, table of matrices for severity 1.0; difference, CIEDE2000 after Sharma, Wu and Dalal
2005, which also has the values that `test_themes` checks it with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import combinations
from math import atan2, cos, degrees, exp, hypot, radians, sin, sqrt

Triple = tuple[float, float, float]

_PROTANOPIA = (
    (0.152286, 1.052583, -0.204868),
    (0.114503, 0.786281, 0.099216),
    (-0.003882, -0.048116, 1.051998),
)
_DEUTERANOPIA = (
    (0.367322, 0.860646, -0.227968),
    (0.280085, 0.672501, 0.047413),
    (-0.011820, 0.042940, 0.968881),
)
_TRITANOPIA = (
    (1.255528, -0.076749, -0.178779),
    (-0.078411, 0.930809, 0.147602),
    (0.004733, 0.691367, 0.303900),
)


def linear(colour: str) -> Triple:
    """Of a `#rrggbb`, the light of each primary, 0..1."""
    red, green, blue = (
        part / 255 / 12.92 if part / 255 <= 0.04045 else ((part / 255 + 0.055) / 1.055) ** 2.4
        for part in bytes.fromhex(colour[1:])
    )
    return red, green, blue


def luminance(colour: str) -> float:
    """Relative luminance, 0..1."""
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio, 1..21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _seen(matrix: tuple[Triple, ...]) -> Callable[[str], Triple]:
    def see(colour: str) -> Triple:
        light = linear(colour)
        red, green, blue = (
            min(1.0, max(0.0, sum(a * b for a, b in zip(row, light, strict=True))))
            for row in matrix
        )
        return red, green, blue

    return see


EYES: dict[str, Callable[[str], Triple]] = {
    "all cones": linear,
    "protanopia": _seen(_PROTANOPIA),
    "deuteranopia": _seen(_DEUTERANOPIA),
    "tritanopia": _seen(_TRITANOPIA),
}
"""What a `#rrggbb` looks like, as light of each primary."""


def lab(light: Triple) -> Triple:
    """CIELAB under D65 of light of the sRGB primaries."""
    red, green, blue = light
    x = (0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047
    y = 0.2126729 * red + 0.7151522 * green + 0.0721750 * blue
    z = (0.0193339 * red + 0.1191920 * green + 0.9503041 * blue) / 1.08883
    fx, fy, fz = map(_cube_root, (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def _cube_root(part: float) -> float:
    """CIE's cube root, straight near black."""
    return part ** (1 / 3) if part > 216 / 24389 else (24389 / 27 * part + 16) / 116


def ciede2000(one: Triple, other: Triple) -> float:
    """The difference between two colours given in CIELAB; about 1 can just be seen."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    chroma = (hypot(a1, b1) + hypot(a2, b2)) / 2
    g = 0.5 * (1 - sqrt(chroma**7 / (chroma**7 + 25**7)))
    a1, a2 = a1 * (1 + g), a2 * (1 + g)
    c1, c2 = hypot(a1, b1), hypot(a2, b2)
    h1, h2 = degrees(atan2(b1, a1)) % 360, degrees(atan2(b2, a2)) % 360
    turn = 0.0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    if c1 * c2 == 0:
        hue = h1 + h2
    elif abs(h1 - h2) <= 180:
        hue = (h1 + h2) / 2
    else:
        hue = ((h1 + h2 + 360) / 2) % 360
    delta_l, delta_c = l2 - l1, c2 - c1
    delta_h = 2 * sqrt(c1 * c2) * sin(radians(turn / 2))
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    t = (
        1
        - 0.17 * cos(radians(hue - 30))
        + 0.24 * cos(radians(2 * hue))
        + 0.32 * cos(radians(3 * hue + 6))
        - 0.20 * cos(radians(4 * hue - 63))
    )
    s_l = 1 + 0.015 * (light - 50) ** 2 / sqrt(20 + (light - 50) ** 2)
    s_c, s_h = 1 + 0.045 * chroma, 1 + 0.015 * chroma * t
    r_c = 2 * sqrt(chroma**7 / (chroma**7 + 25**7))
    r_t = -sin(radians(60 * exp(-(((hue - 275) / 25) ** 2)))) * r_c
    dl, dc, dh = delta_l / s_l, delta_c / s_c, delta_h / s_h
    return sqrt(dl * dl + dc * dc + dh * dh + r_t * dc * dh)


def least_difference(colours: Iterable[str], eye: str) -> tuple[float, str, str]:
    """The two of some colours that are hardest to tell apart, and by how much they differ.

    Args:
        colours: Each a `#rrggbb`.
        eye: Whose, a name of `EYES`.
    """
    see = EYES[eye]
    return min(
        (ciede2000(lab(see(one)), lab(see(other))), one, other)
        for one, other in combinations(colours, 2)
    )
